"""Closed recordings move to the object store when they are old enough.

    upload   Whole, and compared with the fingerprint of the index.
    mark     `store` says `objects`, the one write of each row; the batch is noted as `Leaving`, in one transaction.
    unlink   In a later run, so that nobody who was just sent to the file misses it; fsync; the batch is forgotten.

Broken off anywhere, the next run goes on: an object without its mark is uploaded again under the same name. A purge
removes the file and the object, however far its move has come.
"""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.video import disk, storage
from apps.video.locks import only_one
from apps.video.models import Leaving, Segment, Store
from apps.video.recording import path_of, sync_directory

logger = logging.getLogger(__name__)

BATCH = 200
TIER_LOCK = 4_711_015  # any constant: names the tiering among Postgres' advisory locks
# An ordinary run looks at what has just become old enough; what an outage left behind is found once a day.
LATELY = timedelta(hours=6)
# So much of the past of all cameras is looked at together.
STEP = timedelta(minutes=5)
# What shall not move for a week stays where it is.
SOON = timedelta(days=7)
# Along the primary key, camera by camera: the index has no order of time across cameras.
MOVABLE = """
select s.camera_id, s.started_at
  from unnest(%(cameras)s::bigint[]) c(id) left join video_purgemark m on m.camera_id = c.id
 cross join lateral (
       select camera_id, started_at from video_segment r
        where r.camera_id = c.id and r.started_at >= %(since)s and r.started_at < %(until)s and r.ended_at < %(ended)s
          and r.state = 'closed' and r.store = 'local' and (m.until is null or r.ended_at >= m.until) offset 0) s
 order by s.started_at, s.camera_id
"""


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
    total = Tiered()
    with only_one(TIER_LOCK) as is_ours:
        if is_ours and storage.has_object_store():
            storage.refuse_versions()
            finish_moving()
            for batch in _oldest_first(until, since=None if everything else until - LATELY):
                _move(batch, total)
    return total


def make_room(size: int) -> Tiered:
    """Move the oldest recordings, of whatever age, until `size` bytes are free here or nothing is left."""
    total = Tiered()
    with only_one(TIER_LOCK) as is_ours:
        if is_ours and storage.has_object_store():
            finish_moving()
            for batch in _oldest_first(timezone.now()):
                _move(batch, total)
                finish_moving()
                if total.bytes >= size or total.failed:
                    break
    return total


def quiet_after() -> timedelta:
    """How long after a day has ended nothing of it moves any more. Each move is a new version of a row, so until
    then there is no use in putting the day's rows in order."""
    wait = timedelta(hours=settings.TIER_AFTER_HOURS)
    return wait if storage.has_object_store() and wait < SOON else timedelta()


def _oldest_first(until: datetime, *, since: datetime | None = None) -> Iterator[list[Segment]]:
    """What is on this machine alone, began and ended before `until`, and began after `since`, by the batch."""
    for day, cameras in disk.days_here().items():
        begins = datetime.combine(day, time(), UTC)
        ends = min(begins + timedelta(days=1), until)
        step = max(begins, since) if since else begins
        while step < ends:
            keys = _keys({"cameras": cameras, "since": step, "until": min(step + STEP, ends), "ended": until})
            for first in range(0, len(keys), BATCH):
                rows = Segment.objects.filter(pk__in=keys[first : first + BATCH])
                yield list(rows.order_by("started_at", "camera_id"))
            step += STEP


def _keys(span: dict) -> list[tuple[int, datetime]]:
    with connection.cursor() as cursor:
        cursor.execute(MOVABLE, span)
        return cursor.fetchall()


def _move(batch: list[Segment], total: Tiered) -> None:
    with ThreadPoolExecutor(settings.TIER_AT_ONCE) as uploads:
        arrived = [one for one, is_there in zip(batch, uploads.map(_arrives, batch), strict=True) if is_there]
    total.failed += len(batch) - len(arrived)
    marked = mark(arrived)
    total.segments += len(marked)
    total.bytes += sum(segment.bytes for segment in marked)


def _arrives(segment: Segment) -> bool:
    try:
        storage.upload(segment)
    except storage.StoreAway:
        raise
    except OSError as error:
        logger.error("%s cannot be moved: %s", segment, error)
        return False
    return True


@transaction.atomic
def mark(arrived: list[Segment]) -> list[Segment]:
    """Say that the object store has these too; which it is true of. What was purged meanwhile goes from there again."""
    rows = Segment.objects.filter(pk__in=[segment.pk for segment in arrived]).in_sight()
    here = set(rows.values_list("camera_id", "started_at"))
    local = rows.filter(state=Segment.State.CLOSED, store=Store.LOCAL).select_for_update()
    marked = set(local.values_list("camera_id", "started_at"))
    if marked:
        Segment.objects.filter(pk__in=list(marked)).update(store=Store.OBJECTS)
        cameras, starts = zip(*marked, strict=True)
        Leaving.objects.create(cameras=cameras, starts=starts)
        disk.forget_sums(min(starts), max(starts))
    for segment in arrived:
        if (segment.camera_id, segment.started_at) not in here:
            storage.remove_object(segment.path)
    return [segment for segment in arrived if (segment.camera_id, segment.started_at) in marked]


def finish_moving() -> int:
    """Remove from this machine what the object store has by now; how many."""
    return sum(_leave(batch) for batch in Leaving.objects.order_by("pk"))


def _leave(batch: Leaving) -> int:
    keys = set(zip(batch.cameras, batch.starts, strict=True))
    # Mended meanwhile: a row that names this machine alone needs its file.
    keys -= set(Segment.objects.filter(pk__in=list(keys), store=Store.LOCAL).values_list("camera_id", "started_at"))
    files = [settings.VIDEO_ROOT / path_of(*key) for key in keys]
    for file in files:
        file.unlink(missing_ok=True)
    for folder in {file.parent for file in files}:
        if folder.is_dir():
            sync_directory(folder)
            # The day may go on, or hold strangers.
            with suppress(OSError):
                folder.rmdir()
    batch.delete()
    return len(files)
