"""Forgetting recordings when their days are over.

Order: mark, unlink, fsync the directory, forget. Broken off anywhere, the next run finishes it: a marked row
whose file is gone is only forgotten, and a row is never forgotten while its file may still be there.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min, Sum

from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.video.healing import heal_left_behind
from apps.video.models import Segment
from apps.video.recording import sync_directory

logger = logging.getLogger(__name__)

BATCH = 500


@dataclass
class Purged:
    segments: int = 0
    bytes: int = 0
    failed: int = 0


def due(now: datetime) -> list[dict]:
    """What a purge would take, camera by camera."""
    return list(
        Segment.objects.past_retention(now)
        .values("camera_id", "camera__number", "camera__retention_days")
        .annotate(segments=Count("*"), size=Sum("bytes"), oldest=Min("started_at"))
        .order_by("camera_id")
    )


def purge(now: datetime) -> Purged:
    """Finish what an earlier run began, then purge all that is due at `now`."""
    heal_left_behind()
    total = Purged()
    _remove(list(_marked().values_list("pk", flat=True)), total)
    while batch := mark(now):
        _remove(batch, total)
    return total


def _marked():
    return Segment.objects.filter(state=Segment.State.PURGING)


@transaction.atomic
def mark(now: datetime) -> list[int]:
    """Take some segments that are due out of everybody's sight."""
    batch = Segment.objects.past_retention(now).select_for_update(of=("self",), skip_locked=True)
    ids = list(batch.order_by("camera_id", "started_at").values_list("camera_id", "started_at")[:BATCH])
    Segment.objects.filter(pk__in=ids).update(state=Segment.State.PURGING)
    return ids


def _remove(ids: list[int], total: Purged) -> None:
    for start in range(0, len(ids), BATCH):
        segments = list(_marked().filter(pk__in=ids[start : start + BATCH]))
        gone = unlink(segments)
        total.failed += len(segments) - len(gone)
        done = forget([segment.pk for segment in gone])
        total.segments += done.segments
        total.bytes += done.bytes


def unlink(segments: list[Segment]) -> list[Segment]:
    """Remove the files and make that durable; return the segments whose files are surely gone."""
    by_directory: dict[Path, list[Segment]] = defaultdict(list)
    for segment in segments:
        try:
            segment.file.unlink(missing_ok=True)
            by_directory[segment.file.parent].append(segment)
        except OSError as error:
            logger.error("%s cannot be removed: %s", segment.path, error)
    gone = []
    for directory, inside in by_directory.items():
        if directory.is_dir():
            sync_directory(directory)
            _remove_empty(directory)
        gone += inside
    return gone


def _remove_empty(directory: Path) -> None:
    """Remove the folder of a day that is over, once nothing is in it."""
    recent = f"{datetime.now(UTC) - timedelta(days=1):%Y%m%d}"
    if directory.name < recent and not any(directory.iterdir()):
        directory.rmdir()
        if directory.parent != settings.VIDEO_ROOT:
            sync_directory(directory.parent)


@transaction.atomic
def forget(ids: list[int]) -> Purged:
    """Delete the rows of removed segments, and write down per camera what is gone."""
    rows = list(_marked().select_for_update().filter(pk__in=ids))
    by_camera: dict[int, list[Segment]] = defaultdict(list)
    for row in rows:
        by_camera[row.camera_id].append(row)
    cameras = Camera.objects.in_bulk(by_camera)
    for camera_id, inside in by_camera.items():
        record(
            "video.purged",
            target=cameras[camera_id],
            segments=len(inside),
            bytes=sum(row.bytes for row in inside),
            since=min(row.started_at for row in inside).isoformat(),
            until=max(row.ended_at for row in inside).isoformat(),
        )
    Segment.objects.filter(pk__in=[row.pk for row in rows]).delete()
    return Purged(segments=len(rows), bytes=sum(row.bytes for row in rows))
