"""A hold in a whole city: the purge takes the recording, and the operator still plays it through the front."""

import json
import re
from hashlib import sha256

import httpx
import pytest

from tests.city.client import person

pytestmark = pytest.mark.city

# Ten seconds of yesterday are recorded, held by the supervisor, and purged.
PLACE = """
import json
from datetime import timedelta
from django.conf import settings
from django.utils import timezone
from apps.agencies.models import Agency, User
from apps.cameras.models import Camera
from apps.retention import actions, purging
from apps.video.models import Segment
from tests.video.filming import film
camera = Camera.objects.streaming().order_by("pk").last()
began = (timezone.now() - timedelta(days=1)).replace(microsecond=0)
segment = film(settings, camera, began, 10)
day = timedelta(days=1)
hold = actions.hold([camera], began, segment.ended_at, reason="city test", legal_ground="investigation",
    document_number="2026-1", agency=Agency.objects.get(code="police"), owner="Inspector Kim",
    ends_at=timezone.now() + day, by=User.objects.get(username=%r))
purging.purge_until({camera.pk: segment.ended_at + timedelta(milliseconds=1)})
assert not segment.file.exists()
print(json.dumps([camera.pk, began.isoformat(), segment.ended_at.isoformat(), segment.sha256, hold.pk]))
"""
RELEASE = """
from apps.agencies.models import User
from apps.retention import actions, holding
from apps.retention.models import Hold
hold = Hold.objects.get(pk=%s)
actions.release_hold(hold, reason="the test is over", by=User.objects.get(username=%r))
holding.destroy_ended()
print(hold.certificates.count())
"""


def test_what_is_held_is_played_after_the_purge_and_gone_after_the_release(city):
    supervisor = person(city, "supervisor")
    said = city.manage("shell", "-v0", "-c", PLACE % supervisor["username"])
    camera, since, until, digest, hold = json.loads(said.splitlines()[-1])
    window = {"from": since, "to": until, "reason": "city test"}
    with httpx.Client(base_url=city.base_url, timeout=30, follow_redirects=True) as browser:
        sign_in(browser, supervisor)
        playlist = browser.get(f"/api/v1/cameras/{camera}/playback.m3u8", params=window).text
        pieces = re.findall(r"BYTERANGE[:=]\"?(\d+)@(\d+)", playlist)
        url = re.search(r'MAP:URI="([^"]+)"', playlist)[1]
        film = b"".join(part(browser, url, int(size), int(start)) for size, start in pieces)
        assert sha256(film).hexdigest() == digest
        assert city.manage("shell", "-v0", "-c", RELEASE % (hold, supervisor["username"])).strip() == "1"
        assert browser.get(url, headers={"Range": "bytes=0-9"}).status_code == 404


def sign_in(browser: httpx.Client, user: dict) -> None:
    page = browser.get("/sign-in/").text
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    form = {"username": user["username"], "password": user["password"], "csrfmiddlewaretoken": token}
    answer = browser.post("/sign-in/", data=form, headers={"Referer": f"{browser.base_url}/sign-in/"})
    assert "sign-in" not in str(answer.url)


def part(browser: httpx.Client, url: str, size: int, start: int) -> bytes:
    answer = browser.get(url, headers={"Range": f"bytes={start}-{start + size - 1}"})
    assert answer.status_code == 206, answer.text
    return answer.content
