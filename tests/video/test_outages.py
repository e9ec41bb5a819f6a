"""Recorders that die or are stopped, and disks that refuse: real processes, killed, stopped, and starved of space."""

import errno
import itertools
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path
from threading import Event

import pytest
from django.db import connection

from apps.video import reasons, recording, tasks, watchdog
from apps.video.healing import heal_left_behind
from apps.video.models import CameraAlarm, Lease, Recorder, Segment
from apps.video.presence import Presence
from tests.video.conftest import MANAGE
from tests.video.filming import shown
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
HELD = 30  # seconds: nothing of what a disk holds up may be seen by then


@pytest.fixture
def record(roots):
    """Starts recorders in processes of their own."""
    base = connection.settings_dict
    url = f"postgis://{base['USER']}:{base['PASSWORD']}@{base['HOST']}:{base['PORT']}/{base['NAME']}"
    environment = {key: value for key, value in os.environ.items() if key != "DJANGO_SETTINGS_MODULE"}
    environment |= {"DATABASE_URL": url, "OWNER_DATABASE_URL": url, "VIDEO_ROOT": str(roots.VIDEO_ROOT)}
    started = []

    def record(*prefix: str) -> subprocess.Popen:
        started.append(subprocess.Popen([*prefix, *MANAGE, "record"], env=environment, stderr=subprocess.DEVNULL))
        return started[-1]

    yield record
    for process in started:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    for process in started:
        process.wait(20)


def overlaps(camera) -> list:
    spans = camera.segments.filter(ended_at__isnull=False).order_by("started_at").values_list("started_at", "ended_at")
    return [(end, start) for (_, end), (start, _) in itertools.pairwise(spans) if end > start]


def test_a_killed_recorder_loses_less_than_a_second_and_is_replaced_within_ten(record, make_streaming):
    camera = make_streaming("/cam/1")
    first = record()
    segment = until(lambda: camera.segments.first(), "the first recorder")
    record()
    until(lambda: Recorder.objects.count() == 2, "the second recorder")
    until(lambda: segment.file.stat().st_size > 30_000)
    killed_at = time.time()
    first.kill()
    until(lambda: camera.segments.count() == 2, "taken over")
    taken_over = time.time() - killed_at
    until(lambda: camera.segments.get(started_at=segment.started_at).state == "closed", "healed")
    assert killed_at - shown(segment.file)[-1] / 1000 < 1.0
    assert taken_over < 10
    assert overlaps(camera) == []


@pytest.mark.soak  # most of a minute: two processes must share, part, and share again
def test_a_recorder_that_was_stopped_writes_nothing_that_another_has(record, make_streaming):
    cameras = [make_streaming(f"/cam/{n}") for n in (1, 2)]
    first = record()
    until(lambda: Segment.objects.count() == 2, "the first recorder")
    record()
    until(lambda: Lease.objects.values("recorder").distinct().count() == 2, "shared")
    time.sleep(6)  # the second has been in touch long enough to judge
    first.send_signal(signal.SIGSTOP)
    until(lambda: Lease.objects.values("recorder").distinct().count() == 1, "taken over")
    first.send_signal(signal.SIGCONT)
    until(lambda: Lease.objects.values("recorder").distinct().count() == 2, "shared again")
    for camera in cameras:
        until(lambda camera=camera: _growing(camera) == 1, "recorded by one alone")
        assert overlaps(camera) == []


def _growing(camera) -> int:
    heal_left_behind()
    return camera.segments.filter(state=Segment.State.RECORDING).count()


def test_a_deleted_file_is_noticed_and_replaced(start_recorder, make_streaming, monkeypatch):
    monkeypatch.setattr(watchdog, "PATIENCE", 1.5)
    camera = make_streaming("/cam/1")
    start_recorder()
    lost = until(lambda: camera.segments.first())
    lost.file.unlink()
    until(lambda: _said(camera) == ("critical", reasons.NOT_GROWING), "told")
    assert alarms(camera) == ["not_recording"]
    until(lambda: camera.segments.exclude(started_at=lost.started_at).exists(), "a new file")
    until(lambda: _said(camera) == ("normal", ""), "well again")
    assert alarms(camera) == []


def _said(camera) -> tuple[str, str]:
    camera.refresh_from_db()
    return camera.status, camera.status_reason


def alarms(camera) -> list[str]:
    tasks.raise_alarms_of_recording()
    return list(CameraAlarm.objects.open().filter(camera=camera).values_list("kind", flat=True))


def test_a_disk_that_syncs_slowly_holds_up_nothing_and_is_told(start_recorder, make_streaming, monkeypatch):
    monkeypatch.setattr("apps.video.recorder.SLOW_SYNC", 1.0)
    released, sync = Event(), os.fdatasync
    monkeypatch.setattr(recording.os, "fdatasync", lambda fd: released.wait(2 * HELD) and sync(fd))
    camera = make_streaming("/cam/1")
    start_recorder()
    segment = until(lambda: camera.segments.first())
    until(lambda: _said(camera) == ("caution", reasons.DISK_SLOW), "told", within=HELD)
    before = segment.file.stat().st_size
    until(lambda: segment.file.stat().st_size > before + 5000, "recording goes on", within=HELD)
    released.set()
    until(lambda: _said(camera) == ("normal", ""), "well again")


def test_a_disk_that_hangs_or_refuses_one_camera_is_an_alarm_of_that_one(start_recorder, make_streaming, monkeypatch):
    monkeypatch.setattr(watchdog, "PATIENCE", 1.5)
    monkeypatch.setattr("apps.video.recorder.REFUSED_SECONDS", 2.5)
    stuck, other = make_streaming("/cam/1"), make_streaming("/cam/2")
    start_recorder()
    until(lambda: Segment.objects.count() == 2)
    released, write, folder = Event(), os.write, f"/{stuck.pk}/"

    def hang(fd, data):
        if folder in os.readlink(f"/proc/self/fd/{fd}"):
            released.wait(2 * HELD)
        return write(fd, data)

    monkeypatch.setattr(recording.os, "write", hang)
    until(lambda: _said(stuck) == ("critical", reasons.DISK_HANGS), "told", within=HELD)
    assert (alarms(stuck), alarms(other)) == (["disk"], [])
    before = other.segments.get().file.stat().st_size
    until(lambda: other.segments.get().file.stat().st_size > before + 5000, "the other is recorded", within=HELD)
    assert _said(other) == ("normal", "")
    released.set()
    until(lambda: _said(stuck) == ("normal", ""), "well again")
    assert alarms(stuck) == []
    sync = os.fdatasync

    def refuse(fd):
        if folder in os.readlink(f"/proc/self/fd/{fd}"):
            raise OSError(errno.EIO, "the disk is dying")
        sync(fd)

    with monkeypatch.context() as dying:
        dying.setattr(recording.os, "fdatasync", refuse)
        until(lambda: _said(stuck) == ("critical", reasons.STORAGE), "told")
        assert (alarms(stuck), alarms(other)) == (["disk"], [])
    until(lambda: _said(stuck) == ("normal", ""), "well again")
    assert alarms(stuck) == []


class SmallDisk:
    """A recorder that sees a disk of 3 MB, in a mount namespace of its own."""

    def __init__(self, record, folder: Path):
        mount = f'mount -t tmpfs -o size=3m none {folder} && exec "$@"'
        self.process = record("unshare", "--mount", "--map-root-user", "sh", "-c", mount, "sh")
        self.folder = folder
        self.seen = Path(f"/proc/{self.process.pid}/root{folder}")

    def mount(self, *words: str) -> None:
        enter = ["nsenter", "--preserve-credentials", "-t", str(self.process.pid), "-U", "-m"]
        subprocess.run([*enter, *words], check=True, capture_output=True)


@pytest.fixture
def small_disk(record, roots):
    words = ["unshare", "--mount", "--map-root-user", "mount", "-t", "tmpfs", "none", str(roots.VIDEO_ROOT)]
    tried = subprocess.run(words, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"no mount namespace of our own here: {tried.stderr.strip()}")
    return SmallDisk(record, roots.VIDEO_ROOT)


def test_a_full_disk_is_told_and_recording_goes_on_when_there_is_space(small_disk, make_streaming):
    camera = make_streaming("/cam/1")
    until(lambda: camera.segments.exists(), "recorded")
    ballast = small_disk.seen / "ballast"
    with ballast.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(4096))
    until(lambda: _said(camera) == ("critical", reasons.DISK_FULL), "told")
    assert alarms(camera) == ["disk"]
    assert small_disk.process.poll() is None
    before = camera.segments.count()
    ballast.unlink()
    until(lambda: camera.segments.count() > before, "recorded again")
    until(lambda: _said(camera) == ("normal", ""), "well again")
    assert alarms(camera) == []
    closed = camera.segments.filter(state=Segment.State.CLOSED).first()
    whole = small_disk.seen / closed.path
    assert whole.stat().st_size == closed.bytes


def test_a_read_only_disk_is_told_and_survived(small_disk, make_streaming, street):
    camera = make_streaming("/cam/1")
    until(lambda: camera.segments.exists(), "recorded")
    folder = str(small_disk.folder)
    small_disk.mount("mount", "--bind", folder, folder)
    small_disk.mount("mount", "-o", "remount,bind,ro", folder)
    camera.rtsp_url = street("/cam/2")  # a new connection, a new file
    camera.save()
    until(lambda: _said(camera) == ("critical", reasons.DISK_READ_ONLY), "told")
    assert alarms(camera) == ["disk"]
    small_disk.mount("umount", folder)
    until(lambda: _said(camera) == ("normal", ""), "recorded again")
    assert alarms(camera) == []
    assert small_disk.process.poll() is None


def test_a_recorder_whose_name_nobody_locks_is_dead(roots, tmp_path):
    living, dead = (Presence(tmp_path, uuid.uuid4()) for _ in range(2))
    living.show()
    dead.show()
    assert living.find_dead() == [] == dead.find_dead()
    os.close(dead._fd)
    (found,) = living.find_dead()
    living.forget([found])
    assert living.find_dead() == []
    living.end()
    assert not list((tmp_path / ".recorders").iterdir())


def test_a_presence_that_cannot_be_shown_stops_nobody(tmp_path):
    root = tmp_path / "file"
    root.write_text("")
    presence = Presence(root, uuid.uuid4())
    presence.show()
    assert presence.find_dead() == []
    presence.end()
