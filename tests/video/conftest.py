import socket
import subprocess
import sys
import threading

import pytest
from django.conf import settings as django_settings
from django.db import connections

from apps.video import recorder as recorder_module
from apps.video import stills
from apps.video.recorder import RecorderProcess
from daejeon_soc.up import ports
from tests.cast import make_camera
from tests.waiting import until

MANAGE = [sys.executable, str(django_settings.BASE_DIR / "manage.py")]


@pytest.fixture
def roots(tmp_path, settings):
    settings.VIDEO_ROOT, settings.CLIP_ROOT = tmp_path / "video", tmp_path / "clips"
    settings.VAR_DIR, settings.SIGNING_KEY_FILE = tmp_path, tmp_path / "keys" / "manifest.pem"
    settings.VIDEO_ROOT.mkdir()
    return settings


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def street():
    """The virtual cameras, as a program of their own; gives the address of a path."""
    port = ports.choose(besides=set())
    command = [
        *MANAGE,
        "virtual_cameras",
        "--port",
        str(port),
        "--cameras",
        "4",
        "--size",
        "320x180",
        "--daylight",
        "0",
    ]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as program:
        try:
            until(lambda: answers(port), "virtual cameras")
            yield lambda path: f"rtsp://127.0.0.1:{port}{path}"
        finally:
            program.kill()


@pytest.fixture
def make_streaming(owner, street):
    return lambda path: make_camera(owner, rtsp_url=street(path), status="standby")


class Running:
    """A recorder in a thread of this process."""

    def __init__(self):
        self.process = RecorderProcess(capacity=50)
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.process.run()
        finally:
            connections.close_all()

    def stop(self):
        self.process.stop()
        self.thread.join(60)
        assert not self.thread.is_alive()


@pytest.fixture
def quick_beat(monkeypatch):
    monkeypatch.setattr(recorder_module, "BEAT_SECONDS", 0.25)
    monkeypatch.setattr(recorder_module, "HEAL_SECONDS", 0.5)


@pytest.fixture
def start_recorder(transactional_db, roots, quick_beat):
    started = []

    def start():
        started.append(Running())
        return started[-1]

    yield start
    for running in started:
        running.stop()


def delivers(camera) -> bool:
    try:
        return bool(stills.still(camera.pk))
    except stills.NotAvailable:
        return False
