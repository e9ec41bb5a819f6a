"""A purge while somebody downloads, through the real front server."""

import json
import re
import socket
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
import pytest

from tests.city.client import person
from tests.city.test_holds import sign_in

pytestmark = pytest.mark.city

# Ten seconds of yesterday, and 24 MB of ballast in a box that players skip: more than the buffers on the way take.
LAY = """
import json, os
from datetime import timedelta
from hashlib import sha256
from django.conf import settings
from django.utils import timezone
from apps.cameras.models import Camera
from apps.video.models import Segment
from tests.video.filming import film
camera = Camera.objects.streaming().order_by("pk").first()
segment = film(settings, camera, (timezone.now() - timedelta(days=1)).replace(microsecond=0), 10)
size = 24_000_000
with segment.file.open("ab") as file:
    file.write(size.to_bytes(4, "big") + b"free" + os.urandom(size - 8))
content = segment.file.read_bytes()
Segment.objects.filter(pk=segment.pk).update(bytes=len(content), sha256=sha256(content).hexdigest())
print(json.dumps([camera.pk, segment.started_at.isoformat(), segment.ended_at.isoformat(), len(content)]))
"""
PURGE = """
from datetime import datetime, timedelta
from apps.retention import purging
from apps.video.models import Segment
segment = Segment.objects.get(camera=%s, ended_at=datetime.fromisoformat(%r))
purging.purge_until({segment.camera_id: segment.ended_at + timedelta(milliseconds=1)})
print(segment.sha256, segment.file.exists())
"""


def test_a_download_that_began_is_finished_though_its_recording_is_purged(city):
    supervisor = person(city, "supervisor")
    camera, since, until, size = json.loads(city.manage("shell", "-v0", "-c", LAY).splitlines()[-1])
    window = {"from": since, "to": until, "reason": "city test"}
    with httpx.Client(base_url=city.base_url, timeout=30, follow_redirects=True) as browser:
        sign_in(browser, supervisor)
        playlist = browser.get(f"/api/v1/cameras/{camera}/playback.m3u8", params=window).text
        url = re.search(r'MAP:URI="([^"]+)"', playlist)[1]
        whole = {"Range": f"bytes=0-{size - 1}"}
        with begun(browser.build_request("GET", url, headers=whole)) as download:
            first = download.recv(1)
            digest, is_there = city.manage("shell", "-v0", "-c", PURGE % (camera, until)).split()[-2:]
            assert is_there == "False"
            answer = b"".join([first, *iter(lambda: download.recv(1 << 20), b"")])
        head, _, film = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 206")
        assert (len(film), sha256(film).hexdigest()) == (size, digest)
        assert browser.get(url, headers=whole).status_code == 404


def begun(request: httpx.Request) -> socket.socket:
    """A client that takes no more than it reads."""
    address = urlsplit(str(request.url))
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    client.settimeout(30)
    client.connect((address.hostname, address.port))
    target = f"{address.path}?{address.query}"
    headers = {**request.headers, "connection": "close"}
    lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    client.sendall("\r\n".join(lines).encode())
    return client
