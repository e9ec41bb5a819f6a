"""The front server on its own, before an application of a few lines: files on their way out, and on their way in."""

import hashlib
import os
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import httpx
import pytest

from daejeon_soc.up import ports, programs
from tests.waiting import until

pytestmark = pytest.mark.slow
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
LENGTH = 40 * 1024 * 1024  # more than all buffers between nginx and a slow reader


class Application(BaseHTTPRequestHandler):
    """Says yes to every file, as the gate would; takes every upload, slowly if asked to."""

    protocol_version = "HTTP/1.1"
    go_on = threading.Event()
    arrived = threading.Semaphore(0)

    def do_GET(self):
        self.send_response(200)
        if self.path.startswith("/send/"):
            self.send_header("X-Accel-Redirect", f"/protected/{urlsplit(self.path).path.removeprefix('/send/')}")
            self.send_header("Cache-Control", "no-store, private")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def do_POST(self):
        left = int(self.headers["Content-Length"])
        self.arrived.release()
        self.go_on.wait(10)
        while left > 0 and (block := self.rfile.read(min(left, 1 << 20))):
            left -= len(block)
        self.do_GET()

    def log_message(self, *_):
        return


@pytest.fixture
def front(tmp_path, monkeypatch):
    for name in ("VIDEO_ROOT", "CLIP_ROOT"):
        monkeypatch.delenv(name, raising=False)
    web, port = ThreadingHTTPServer(("127.0.0.1", 0), Application), ports.choose(besides=set())
    threading.Thread(target=web.serve_forever, daemon=True).start()
    (tmp_path / "run").mkdir()
    values = {"WEB_PORT": str(web.server_port), "SOCKETS_PORT": "1"}
    command = programs.nginx(tmp_path, values, port=port).command
    with (tmp_path / "log").open("wb") as log, subprocess.Popen(command, stdout=log) as nginx:
        try:
            until(lambda: answers(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            Application.go_on.set()
            nginx.terminate()
    web.shutdown()
    web.server_close()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("kind", ["video", "clips"])
@pytest.mark.parametrize("part", [None, (1000, LENGTH - 7)])
def test_what_is_removed_during_a_download_arrives_whole(front, tmp_path, kind, part):
    """Playback and clips alike: the front holds the file open from its first byte to its last."""
    data = os.urandom(1 << 20) * (LENGTH >> 20)
    file = tmp_path / kind / "1" / "x.mp4"
    file.parent.mkdir(parents=True)
    file.write_bytes(data)
    wanted = data[part[0] : part[1] + 1] if part else data
    headers = {"Range": f"bytes={part[0]}-{part[1]}"} if part else {}
    digest = hashlib.sha256()
    with httpx.stream("GET", f"{front}/send/{kind}/1/x.mp4", headers=headers, timeout=20) as answer:
        assert answer.status_code == (206 if part else 200)
        pieces = answer.iter_bytes(65536)
        digest.update(next(pieces))
        file.unlink()
        for piece in pieces:
            digest.update(piece)
    assert digest.digest() == hashlib.sha256(wanted).digest()
    assert httpx.get(f"{front}/send/{kind}/1/x.mp4").status_code == 404


def test_a_file_is_kept_by_nobody_and_its_place_on_disk_is_in_no_log(front, tmp_path):
    (tmp_path / "video" / "secret-place").mkdir(parents=True)
    (tmp_path / "video" / "secret-place" / "x.mp4").write_bytes(b"video")
    answer = httpx.get(f"{front}/send/video/secret-place/x.mp4?from=2026-11-21")
    assert (answer.content, answer.headers["cache-control"]) == (b"video", "no-store, private")
    assert httpx.get(f"{front}/protected/video/secret-place/x.mp4").status_code == 404
    lines = until(lambda: len(found := (tmp_path / "log").read_text().splitlines()) >= 2 and found)
    asked = [line.split()[3] for line in lines]
    assert asked == ["/send/video/secret-place/x.mp4", "/protected/video/secret-place/x.mp4"]


def head_of_upload(front: str, path: str, length: int) -> socket.socket:
    host, port = front.removeprefix("http://").split(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    connection.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
    return connection


@pytest.mark.parametrize(
    ("path", "length", "status"),
    [
        ("/verify/file/", 2050 * 1024**2 + 1, b"413"),
        ("/verify/check/", 3 * 1024**2 + 1, b"413"),
        ("/api/v1/incidents/", 3 * 1024**2 + 1, b"413"),
    ],
)
def test_too_much_is_refused_before_it_is_sent(front, path, length, status):
    with head_of_upload(front, path, length) as connection:
        assert connection.recv(100).split()[1] == status


def test_a_large_upload_goes_through_and_leaves_nothing_on_this_disk(front, tmp_path):
    Application.go_on.clear()
    with head_of_upload(front, "/verify/file/", 8 << 20) as connection:
        connection.sendall(bytes(4 << 20))
        assert not [file for file in (tmp_path / "run").rglob("*") if file.is_file() and file.stat().st_size > 65536]
        Application.go_on.set()
        connection.sendall(bytes(4 << 20))
        assert connection.recv(100).split()[1] == b"200"


def test_strangers_uploads_take_two_threads_and_no_more(front):
    Application.go_on.clear()
    Application.arrived = threading.Semaphore(0)
    with head_of_upload(front, "/verify/file/", 5000), head_of_upload(front, "/verify/file/", 5000):
        assert all(Application.arrived.acquire(timeout=5) for _ in range(2))
        assert upload_refused(front)
        assert httpx.get(f"{front}/verify/").status_code == 200


def upload_refused(front: str) -> bool:
    with head_of_upload(front, "/verify/file/", 1) as connection:
        connection.sendall(b"x")
        connection.settimeout(1)
        try:
            return connection.recv(100).split()[1] == b"429"
        except TimeoutError:
            return False


def test_nobody_asks_all_the_time(front):
    codes = [httpx.get(f"{front}/verify/").status_code for _ in range(40)]
    assert codes[:20] == [200] * 20 and 429 in codes
    assert httpx.get(f"{front}/verify/").json()["code"] == "busy"
    assert "너무 많습니다" in httpx.get(f"{front}/verify/", headers=BROWSER).text
    assert httpx.get(f"{front}/sign-in/").status_code == 200


def test_a_server_that_is_away_is_told_to_systems_and_to_people(front):
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
    system, person = (httpx.get(f"{front}/ws/events/", headers=upgrade | kind) for kind in ({}, BROWSER))
    assert (system.status_code, system.json()["code"]) == (503, "away")
    assert person.status_code == 503
    assert person.headers["content-type"] == "text/html; charset=utf-8"
    assert 'http-equiv="refresh"' in person.text and "다시 시작" in person.text
