"""How full the disk of the recordings is, in the words of the control room."""

import contextlib
import os
import re
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef, Q, Sum
from django.utils import timezone

from apps.video import partitions
from apps.video.fields import EPOCH
from apps.video.models import LONGEST_SEGMENT, HeldSegment, HourOnDisk, Segment, Store

NORMAL, CAUTION, SERIOUS, CRITICAL = LEVELS = ("normal", "caution", "serious", "critical")

HOUR = timedelta(hours=1)
# A sum that was made while a purge went on is wrong for no longer than this.
TRUSTED = 6 * HOUR
# In place of an hour: what only holds keep.
HELD = EPOCH
NUMBER, DAY = re.compile("[1-9][0-9]{0,17}"), re.compile("[0-9]{8}")
# Camera by camera, along the primary key: the index has no order of time across cameras.
BY_HOUR = """
select date_bin('1 hour', s.started_at, %(epoch)s), sum(s.bytes)
  from cameras_camera c left join video_purgemark m on m.camera_id = c.id
 cross join lateral (
       select started_at, bytes from video_segment r
        where r.camera_id = c.id and r.started_at >= %(since)s and r.started_at < %(until)s and r.store <> 'objects'
          and (m.removed is null or r.ended_at is null or r.ended_at >= m.removed or r.state = 'purging') offset 0) s
 group by 1
"""


@dataclass(frozen=True)
class Space:
    """Bytes that recordings may use in all, and how many of them are left."""

    total: int
    free: int

    @property
    def reserve(self) -> int:
        """With less than this left, recording may stop within minutes."""
        return min(2 * 1024**3, self.total // 50)

    @property
    def used_percent(self) -> float:
        return 100 * (1 - self.free / self.total) if self.total else 100.0


def space(path: Path) -> Space:
    """The room for recordings at `path`: of its file system, or of the city's own budget if that is tighter.

    A folder that is not there yet counts as its nearest parent. OSError when the disk does not answer.
    """
    disk = _of_file_system(path)
    if not settings.VIDEO_QUOTA_BYTES:
        return disk
    left = min(disk.free, max(0, settings.VIDEO_QUOTA_BYTES - _recorded_bytes()))
    return Space(settings.VIDEO_QUOTA_BYTES, left)


def _of_file_system(path: Path) -> Space:
    there = next(folder for folder in (path, *path.parents) if folder.exists())
    found = os.statvfs(there)
    # What is kept back for root is nobody's room: `df` counts the same way.
    used = (found.f_blocks - found.f_bfree) * found.f_frsize
    free = found.f_bavail * found.f_frsize
    return Space(used + free, free)


def _recorded_bytes() -> int:
    """What recordings take on this machine, and what holds keep of those that are gone from here.

    Hours that are over are summed once, and again when something of them went (`forget_sums`).
    """
    now = timezone.now()
    hours = {hour for day in partitions.days("video_segment") | partitions.caught("video_segment") for hour in _of(day)}
    over = {hour for hour in hours if hour + HOUR + LONGEST_SEGMENT * 2 < now}
    known = dict(HourOnDisk.objects.filter(at__gte=now - TRUSTED).values_list("hour", "bytes"))
    for _day, missing in groupby(sorted(over - known.keys()), key=lambda hour: hour.date()):
        first, *_others = missing = list(missing)
        sums = bytes_by_hour(first, missing[-1] + HOUR)
        _keep({hour: sums.get(hour, 0) for hour in missing}, now)
        known |= {hour: sums.get(hour, 0) for hour in missing}
    growing = sorted(hour for hour in hours - over if hour <= now)
    young = bytes_by_hour(growing[0], now) if growing else {}
    if HELD not in known:
        known[HELD] = _held_bytes()
        _keep({HELD: known[HELD]}, now)
    return sum(known[hour] for hour in over | {HELD}) + sum(young.values())


def _of(day: date) -> list[datetime]:
    midnight = datetime.combine(day, time(), UTC)
    return [midnight + n * HOUR for n in range(24)]


def _keep(sums: dict[datetime, int], now: datetime) -> None:
    HourOnDisk.objects.bulk_create(
        [HourOnDisk(hour=hour, bytes=size, at=now) for hour, size in sums.items()],
        update_conflicts=True,
        unique_fields=["hour"],
        update_fields=["bytes", "at"],
    )


def _held_bytes() -> int:
    """What holds keep of recordings that are gone from here."""
    here = Segment.objects.on_disk().exclude(store=Store.OBJECTS)
    original = here.filter(camera=OuterRef("camera"), started_at=OuterRef("started_at"))
    held = HeldSegment.objects.exclude(store=Store.OBJECTS).filter(~Exists(original))
    return held.aggregate(total=Sum("bytes"))["total"] or 0


def bytes_by_hour(since: datetime, until: datetime) -> dict[datetime, int]:
    """What began in each hour between `since` and `until`, and is on this machine."""
    with connection.cursor() as cursor:
        cursor.execute(BY_HOUR, {"since": since, "until": until, "epoch": EPOCH})
        return {hour: int(size) for hour, size in cursor.fetchall()}


def forget_sums(since: datetime, until: datetime) -> None:
    """Something that began between `since` and `until` went from this machine. Joins the caller's transaction."""
    HourOnDisk.objects.filter(Q(hour__gt=since - HOUR, hour__lte=until) | Q(hour=HELD)).delete()


def days_here() -> dict[date, list[int]]:
    """The days of which this disk has folders, the oldest first, each with its cameras.

    The index knows no order of time across cameras, and may know days that are all in the object store.
    """
    found: dict[str, list[int]] = defaultdict(list)
    with contextlib.suppress(FileNotFoundError):
        for camera in filter(NUMBER.fullmatch, os.listdir(settings.VIDEO_ROOT)):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                for name in os.listdir(settings.VIDEO_ROOT / camera):
                    found[name].append(int(camera))
    tomorrow = f"{timezone.now() + timedelta(days=1):%Y%m%d}"
    days = {}
    for name in sorted(found):
        if DAY.fullmatch(name) and name <= tomorrow:
            with contextlib.suppress(ValueError):
                days[date(int(name[:4]), int(name[4:6]), int(name[6:]))] = found[name]
    return days


def level_of(room: Space) -> str:
    limits = (settings.DISK_CRITICAL_PERCENT, settings.DISK_SERIOUS_PERCENT, settings.DISK_CAUTION_PERCENT)
    reached = (name for name, percent in zip(reversed(LEVELS[1:]), limits, strict=True) if room.used_percent >= percent)
    return next(reached, NORMAL)


def level(path: Path) -> str:
    """`normal`, `caution`, `serious` or `critical`, by the settings `DISK_…_PERCENT`."""
    return level_of(space(path))
