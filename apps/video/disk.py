"""How full the disk of the recordings is, in the words of the control room."""

import os
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db.models import Exists, OuterRef, Sum

from apps.video.models import HeldSegment, Segment, Store

NORMAL, CAUTION, SERIOUS, CRITICAL = LEVELS = ("normal", "caution", "serious", "critical")


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
    """What recordings take on this machine, and what holds keep of those that are gone from here."""
    here = Segment.objects.on_disk().exclude(store=Store.OBJECTS)
    original = here.filter(camera=OuterRef("camera"), started_at=OuterRef("started_at"))
    held = HeldSegment.objects.exclude(store=Store.OBJECTS).filter(~Exists(original))
    return sum(rows.aggregate(total=Sum("bytes"))["total"] or 0 for rows in (here, held))


def level_of(room: Space) -> str:
    limits = (settings.DISK_CRITICAL_PERCENT, settings.DISK_SERIOUS_PERCENT, settings.DISK_CAUTION_PERCENT)
    reached = (name for name, percent in zip(reversed(LEVELS[1:]), limits, strict=True) if room.used_percent >= percent)
    return next(reached, NORMAL)


def level(path: Path) -> str:
    """`normal`, `caution`, `serious` or `critical`, by the settings `DISK_…_PERCENT`."""
    return level_of(space(path))
