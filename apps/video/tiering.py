"""Closed recordings move to the object store when they are old enough.

    upload   Whole, and compared with the fingerprint of the index.
    mark     `store` says `both`: from now on a purge removes both.
    unlink   In a later run, so that nobody who was just sent to the file misses it; fsync; `store` says `objects`.

Broken off anywhere, the next run goes on: an object without its mark is uploaded again under the same name.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from apps.video import storage
from apps.video.locks import only_one
from apps.video.models import Segment, Store
from apps.video.recording import sync_directory

logger = logging.getLogger(__name__)

BATCH = 200
TIER_LOCK = 4_711_015  # any constant: names the tiering among Postgres' advisory locks
# An ordinary run looks at what has just become old enough; what an outage left behind is found once a day.
LATELY = timedelta(days=2)


@dataclass
class Tiered:
    segments: int = 0
    bytes: int = 0
    failed: int = 0


def tier(now: datetime, *, everything: bool = False) -> Tiered:
    """Move what is older than TIER_AFTER_HOURS. `everything`: however long ago that was.

    StoreAway when the object store does not answer; what was moved until then is.
    """
    until = now - timedelta(hours=settings.TIER_AFTER_HOURS)
    old = Segment.objects.filter(ended_at__lt=until, started_at__lt=until)
    if not everything:
        old = old.filter(started_at__gte=until - LATELY)
    total = Tiered()
    with only_one(TIER_LOCK) as is_ours:
        if is_ours and storage.has_object_store():
            storage.refuse_versions()
            finish_moving()
            while batch := list(_movable(old)[: BATCH + total.failed][total.failed :]):
                _move(batch, total)
    return total


def make_room(size: int) -> Tiered:
    """Move the oldest recordings, of whatever age, until `size` bytes are free here or nothing is left."""
    total = Tiered()
    with only_one(TIER_LOCK) as is_ours:
        if is_ours and storage.has_object_store():
            finish_moving()
            while total.bytes < size and not total.failed:
                batch = list(_movable(Segment.objects.all())[:BATCH])
                if not batch:
                    break
                _move(batch, total)
                finish_moving()
    return total


def _movable(segments):
    local = segments.in_sight().filter(state=Segment.State.CLOSED, store=Store.LOCAL)
    return local.order_by("started_at", "camera_id")


def _move(batch: list[Segment], total: Tiered) -> None:
    with ThreadPoolExecutor(settings.TIER_AT_ONCE) as uploads:
        arrived = list(uploads.map(_arrives, batch))
    for segment, has_arrived in zip(batch, arrived, strict=True):
        if not has_arrived:
            total.failed += 1
        elif mark(segment):
            total.segments += 1
            total.bytes += segment.bytes


def _arrives(segment: Segment) -> bool:
    try:
        storage.upload(segment)
    except storage.StoreAway:
        raise
    except OSError as error:
        logger.error("%s cannot be moved: %s", segment, error)
        return False
    return True


def mark(segment: Segment) -> bool:
    """Say that the object store has it too. What was purged meanwhile goes from there again."""
    row = Segment.objects.filter(pk=segment.pk)
    if row.in_sight().filter(state=Segment.State.CLOSED, store=Store.LOCAL).update(store=Store.BOTH):
        return True
    if not row.in_sight().exists():
        storage.remove_object(segment.path)
    return False


def finish_moving() -> int:
    """Remove from this machine what the object store has by now; how many."""
    moving = list(Segment.objects.filter(state=Segment.State.CLOSED, store=Store.BOTH))
    for segment in moving:
        segment.file.unlink(missing_ok=True)
    for folder in {segment.file.parent for segment in moving}:
        if folder.is_dir():
            sync_directory(folder)
            # The day may go on, or hold strangers.
            with suppress(OSError):
                folder.rmdir()
    for segment in moving:
        Segment.objects.filter(pk=segment.pk, store=Store.BOTH).update(store=Store.OBJECTS)
    return len(moving)
