"""One segment on disk while it grows: whole fragments only, hashed as they are written."""

import ctypes
import errno
import fcntl
import hashlib
import os
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock

from apps.video.fields import MILLISECOND, whole_millisecond
from apps.video.fmp4 import TIMESCALE, Sample, fragment_head, init_segment
from apps.video.nal import Track

LIBC = ctypes.CDLL(None, use_errno=True)


def path_of(camera_id: int, started: datetime) -> Path:
    """Relative to VIDEO_ROOT. The name alone tells camera and time, should the index be lost."""
    started = started.astimezone(UTC)
    return Path(str(camera_id), f"{started:%Y%m%d}", f"{started:%H%M%S}.{started.microsecond // 1000:03d}Z.mp4")


def start_of(path: Path) -> datetime:
    """When the recording of that name began; ValueError when it is no name of one."""
    started = datetime.strptime(path.parent.name + path.name, "%Y%m%d%H%M%S.%fZ.mp4").replace(tzinfo=UTC)
    if path_of(0, started).name != path.name:
        raise ValueError(f"{path.name} names no millisecond")
    return started


class Recording:
    """Appends fragments to a new file under `root`. The file is locked while its writer lives."""

    def __init__(self, root: Path, camera_id: int, track: Track, started: float, first_tick: int):
        self.camera_id, self.first_tick, self.track = camera_id, first_tick, track
        self.started_at, self._fd = _create(root, camera_id, datetime.fromtimestamp(started, UTC))
        self.started, self.path = self.started_at.timestamp(), path_of(camera_id, self.started_at)
        self._guard = Lock()
        self._hash = hashlib.sha256()
        self.size = self.written_ticks = self._sequence = 0
        self._dirty = False
        try:
            self._append(init_segment(track, created=int(started)))
        except OSError:
            os.close(self._fd)
            (root / self.path).unlink(missing_ok=True)
            raise
        self.init_bytes = self.size

    def add(self, samples: list[Sample]) -> None:
        """Write `samples` as one fragment, or, when the disk refuses, nothing at all."""
        self._sequence += 1
        self._append(b"".join((fragment_head(self._sequence, samples), *(s.data for s in samples))))
        self.written_ticks = samples[-1].at + samples[-1].duration - self.first_tick

    def _append(self, data: bytes) -> None:
        try:
            written = 0
            while written < len(data):
                written += os.write(self._fd, data[written:] if written else data)
        except OSError:
            with suppress(OSError):  # a disk that refuses this too is asked again when the file is closed
                os.ftruncate(self._fd, self.size)
            raise
        self._hash.update(data)
        self.size += len(data)
        self._dirty = True

    @property
    def seconds(self) -> float:
        return self.written_ticks / TIMESCALE

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    @property
    def has_pictures(self) -> bool:
        return self.size > self.init_bytes

    def sync(self) -> None:
        """Make what is written survive a power cut. Called from another thread; never holds up the writer."""
        with self._guard:
            if self._fd < 0 or not self._dirty:
                return
            self._dirty = False
            fd = os.dup(self._fd)
        try:
            os.fdatasync(fd)
        finally:
            os.close(fd)

    def close(self) -> None:
        with self._guard:
            if self._fd >= 0:
                fd, self._fd = self._fd, -1
                try:
                    if os.fstat(fd).st_size > self.size:
                        os.ftruncate(fd, self.size)
                    os.fsync(fd)
                finally:
                    os.close(fd)


def _create(root: Path, camera_id: int, started: datetime) -> tuple[datetime, int]:
    """A new, locked file. Two recordings of one camera may not share a millisecond."""
    first = whole_millisecond(started)
    for milliseconds in range(100):
        at = first + milliseconds * MILLISECOND
        file = root / path_of(camera_id, at)
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o640)
        except FileExistsError:
            continue
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return at, fd
    raise FileExistsError(errno.EEXIST, "no free name for a segment", str(path_of(camera_id, first)))


def sync_file_system(directory: Path) -> None:
    """Bring everything that was written to the file system of `directory` to disk."""
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        if LIBC.syncfs(fd):
            raise OSError(ctypes.get_errno(), "syncfs", str(directory))
    finally:
        os.close(fd)


def sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
