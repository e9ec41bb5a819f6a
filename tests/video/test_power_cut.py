"""What a power cut would take: every write and every sync of a recorder with real cameras, as it tells the kernel."""

import os
import time
from collections import defaultdict
from pathlib import Path

import pytest

from apps.video import feed, network, recorder, recording
from apps.video.fmp4 import TIMESCALE
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


class Disk:
    """Who was written to and when, since it was last brought to the disk; and how long each write had to wait."""

    def __init__(self, root: Path):
        self.root, self.unsynced, self.waits = str(root), defaultdict(list), []
        self.write_through, self.sync_through = os.write, {name: getattr(os, name) for name in ("fdatasync", "fsync")}

    def file_of(self, fd: int) -> str:
        file = os.readlink(f"/proc/self/fd/{fd}")
        return file if file.startswith(self.root) and file.endswith(".mp4") else ""

    def write(self, fd: int, data: bytes) -> int:
        begun = time.monotonic()
        written = self.write_through(fd, data)
        if file := self.file_of(fd):
            self.unsynced[file].append(begun)
        return written

    def sync(self, name: str, fd: int) -> None:
        file = self.file_of(fd)
        self.reach([file], lambda: self.sync_through[name](fd))

    def reach(self, files: list[str], act) -> None:
        """Of what is written while `act` runs nothing is known. How long it runs is the disk's own affair."""
        before = [self.unsynced.pop(file, []) for file in files]
        self.waits += [time.monotonic() - begun for writes in before for begun in writes]
        act()


@pytest.fixture
def disk(monkeypatch, roots):
    disk, sync_all = Disk(roots.VIDEO_ROOT), recording.sync_file_system
    monkeypatch.setattr(recording.os, "write", disk.write)
    for name in disk.sync_through:
        monkeypatch.setattr(recording.os, name, lambda fd, name=name: disk.sync(name, fd))
    everything = lambda folder: disk.reach(list(disk.unsynced), lambda: sync_all(folder))  # noqa: E731
    monkeypatch.setattr(recorder, "sync_file_system", everything)
    return disk


def test_no_byte_waits_for_the_disk_for_a_second(start_recorder, make_streaming, disk, monkeypatch):
    """With few files open and with many, while they are begun, grow and are closed."""
    monkeypatch.setattr(feed, "next_cut", lambda _camera, started: started + 1.0)
    cameras = [make_streaming(f"/cam/{n}") for n in (1, 2)]
    running = start_recorder()
    until(lambda: all(camera.segments.count() >= 2 for camera in cameras), "files begun and closed")
    by_file = len(disk.waits)
    monkeypatch.setattr(recorder, "MANY_FILES", 1)
    until(lambda: all(camera.segments.count() >= 4 for camera in cameras), "and again")
    running.stop()
    assert by_file >= 6 and len(disk.waits) - by_file >= 6
    assert not any(disk.unsynced.values())
    assert max(disk.waits) < 1.0


def test_from_the_lens_to_the_disk_is_less_than_a_second():
    """Pictures wait to be handed over, for their fragment to be whole, and for the disk: together less than a second,
    with room for the disk's own time."""
    whole = network.LOT_SECONDS + feed.FRAGMENT_TICKS / TIMESCALE + recorder.SYNC_SECONDS
    assert whole <= 0.9
