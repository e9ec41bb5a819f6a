"""Making whole what a recorder left behind when it died: its open segments, and files nobody wrote down."""

import fcntl
import hashlib
import logging
import os
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction

from apps.video.fmp4 import TIMESCALE, Fragment, configuration_of, fragments, init_size
from apps.video.models import Recorder, Segment
from apps.video.nal import H264, H265, BadStream, Track
from apps.video.recording import start_of, sync_directory

logger = logging.getLogger(__name__)


def heal_left_behind() -> int:
    """Close every segment whose recorder is gone; how many were found."""
    alive = Recorder.objects.alive().values("id")
    left = Segment.objects.filter(state=Segment.State.RECORDING).exclude(recorder__in=alive)
    return sum(heal(*key) for key in left.values_list("camera_id", "started_at"))


@transaction.atomic
def heal(camera_id: int, started_at: datetime) -> bool:
    """Cut off a torn end and close the segment; forget one that holds no picture."""
    segment = (
        Segment.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(camera_id=camera_id, started_at=started_at, state=Segment.State.RECORDING)
        .first()
    )
    if segment is None:
        return False
    try:
        fd = os.open(segment.file, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        segment.delete()
        return True
    try:
        return _heal_file(segment, fd)
    finally:
        os.close(fd)


def _heal_file(segment: Segment, fd: int) -> bool:
    try:
        # Held by its writer for as long as that lives, whatever the database believes.
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    try:
        whole = list(fragments(fd))
    except BadStream:
        whole = []
    if not whole:
        segment.file.unlink()
        sync_directory(segment.file.parent)
        segment.delete()
        return True
    os.ftruncate(fd, whole[-1].end)
    os.fsync(fd)
    segment.ended_at = segment.started_at + length_of(whole)
    segment.bytes, segment.sha256, segment.state = whole[-1].end, _sha256(fd), Segment.State.CLOSED
    segment.recorder = None
    segment.save(update_fields=["ended_at", "bytes", "sha256", "state", "recorder"])
    logger.info("healed %s: %d bytes", segment.path, segment.bytes)
    return True


def length_of(whole: list[Fragment]) -> timedelta:
    return timedelta(seconds=(whole[-1].at + whole[-1].duration - whole[0].at) / TIMESCALE)


def _sha256(fd: int) -> str:
    os.lseek(fd, 0, os.SEEK_SET)
    with os.fdopen(os.dup(fd), "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def adopt(camera_id: int, *, now: datetime) -> int:
    """Write down the files of today and yesterday that have no row: their recorder died before it could."""
    found = 0
    for day in (now - timedelta(days=1), now):
        directory = settings.VIDEO_ROOT / str(camera_id) / f"{day:%Y%m%d}"
        if not directory.is_dir():
            continue
        names = {f"{camera_id}/{directory.name}/{file.name}" for file in directory.glob("*.mp4")}
        known = {segment.path for segment in Segment.objects.of_day(camera_id, day)}
        found += sum(adopt_file(camera_id, path) for path in sorted(names - known))
    return found


def adopt_file(camera_id: int, path: str) -> bool:
    """Give a file below VIDEO_ROOT a row as if it were still being recorded, then heal it; false when it is none."""
    try:
        started = start_of(Path(path))
        with (settings.VIDEO_ROOT / path).open("rb") as file:
            init = file.read(init_size(file.fileno()))
        track = _track_of(init)
    except (ValueError, OSError) as error:
        logger.warning("%s is no recording: %s", path, error)
        return False
    segment = Segment.objects.create(
        camera_id=camera_id,
        session=int(started.timestamp() * 1000),
        started_at=started,
        init_bytes=len(init),
        codec=track.name,
        width=track.width,
        height=track.height,
    )
    return heal(segment.camera_id, segment.started_at)


def _track_of(init: bytes) -> Track:
    """The parameter sets inside avcC or hvcC, found again by their lengths."""
    codec, body = configuration_of(init)
    sets = _avcc_sets(body) if codec == "h264" else _hvcc_sets(body)
    return Track(H264 if codec == "h264" else H265, tuple(sets))


def _avcc_sets(body: bytes) -> list[bytes]:
    sets, at = [], 5
    for mask in (31, 255):
        count, at = body[at] & mask, at + 1
        for _ in range(count):
            size = int.from_bytes(body[at : at + 2], "big")
            sets.append(body[at + 2 : at + 2 + size])
            at += 2 + size
    return sets


def _hvcc_sets(body: bytes) -> list[bytes]:
    sets, at = [], 23
    for _ in range(body[22]):
        count, at = int.from_bytes(body[at + 1 : at + 3], "big"), at + 3
        for _ in range(count):
            size = int.from_bytes(body[at : at + 2], "big")
            sets.append(body[at + 2 : at + 2 + size])
            at += 2 + size
    return sets
