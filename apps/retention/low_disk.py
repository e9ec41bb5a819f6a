"""A disk that fills up: the centre is told early, then the oldest recordings go before their time.

What can go to the object store goes there instead. Otherwise the oldest go first, of all cameras alike, a few minutes
of the past at a time, until there is clearly more room; the newest goes on being recorded. What is held stays: a
hold has its own copy. Each step is on record before it is taken.
"""

import logging
from datetime import UTC, datetime, time, timedelta
from math import ceil

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.retention import holding, purging
from apps.retention.models import DiskWatch, EarlyPurge
from apps.video import disk, storage, tiering
from apps.video.disk import Space
from apps.video.locks import only_one
from apps.video.models import Segment, Store

logger = logging.getLogger(__name__)

LOW_DISK_LOCK = 4_711_016  # any constant: names this among Postgres' advisory locks
# So much of the past goes at a time, of every camera.
STEP = timedelta(minutes=10)
# A level is left only when the disk is clearly below it, and room is made until it is: percent of the whole.
MARGIN = 2.0
# The present rate of recording is that of the last hour.
LATELY = timedelta(hours=1)
# The oldest of each camera in a day: a look along the primary key for each, never the day itself.
OLDEST = """
select c.id, s.started_at, s.ended_at
  from unnest(%(cameras)s::bigint[]) c(id) left join video_purgemark m on m.camera_id = c.id
 cross join lateral (
       select started_at, ended_at from video_segment r
        where r.camera_id = c.id and r.started_at >= %(since)s and r.started_at < %(until)s and r.store <> 'objects'
          and r.state = 'closed' and r.ended_at < %(now)s and (m.removed is null or r.ended_at >= m.removed)
        order by r.started_at limit 1) s
"""


def watch(now: datetime) -> DiskWatch:
    """Note the level of the disk, and tell the centre when it is another. The level falls with a margin."""
    room = disk.space(settings.VIDEO_ROOT)
    with transaction.atomic():
        DiskWatch.objects.get_or_create(root=str(settings.VIDEO_ROOT))
        seen = DiskWatch.objects.select_for_update().get(root=str(settings.VIDEO_ROOT))
        level = _steady(seen.level, room)
        if level != seen.level:
            seen.level, seen.since = level, now
            detail = {"level": level, "free": room.free, "total": room.total}
            record("disk.level", **detail)
            publish([Event(kind="disk.level", object_id=0, detail=detail)])
        seen.save()
    return seen


def _steady(before: str, room: Space) -> str:
    """The level of `room`; a lower one than `before` only if it would be so with a margin."""
    now, order = disk.level_of(room), disk.LEVELS.index
    if order(now) >= order(before):
        return now
    fuller = Space(room.total, max(0, room.free - round(room.total * MARGIN / 100)))
    return min(before, disk.level_of(fuller), key=order)


def make_room(now: datetime) -> purging.Purged:
    """Let the oldest recordings go until there is room enough; what went early. One at a time."""
    total = purging.Purged()
    with only_one(LOW_DISK_LOCK) as is_ours:
        if is_ours:
            seen = DiskWatch.objects.get_or_create(root=str(settings.VIDEO_ROOT))[0]
            missing = _missing(seen.is_making_room, now)
            if missing and _moves(missing):
                missing = _missing(True, now)
            with only_one(purging.PURGE_LOCK) as is_free:
                # A purge that runs makes room itself; the next look is soon.
                while is_free and missing and _goes_on(_take_oldest(now), total):
                    missing = _missing(True, now)
            DiskWatch.objects.filter(pk=seen.pk).update(is_making_room=missing > 0)
    return total


def _goes_on(step: purging.Purged, total: purging.Purged) -> bool:
    total.segments, total.bytes = total.segments + step.segments, total.bytes + step.bytes
    total.failed += step.failed
    if not step.segments:
        logger.error("%s is full, and no recording is left there that could go", settings.VIDEO_ROOT)
    return step.segments > 0


def _missing(is_making_room: bool, now: datetime) -> int:
    """Bytes that must become free; 0 when there is room enough.

    Above the level `serious` there must be room for some hours of recording at the present rate, and for the
    reserve in any case: a disk may be nearly full of what others keep there, and still have room for days.
    """
    room = disk.space(settings.VIDEO_ROOT)
    if room.used_percent < settings.DISK_SERIOUS_PERCENT - (MARGIN if is_making_room else 0):
        return 0
    recent = sum(disk.bytes_by_hour(now - LATELY, now).values())
    wanted = max(room.reserve, recent * settings.DISK_HOURS_LEFT if recent else 0)
    over = room.total * (room.used_percent - settings.DISK_SERIOUS_PERCENT + MARGIN) / 100
    return max(0, ceil(min(over, wanted - room.free)))


def _moves(missing: int) -> bool:
    """Whether the object store took something off this disk."""
    if not storage.has_object_store():
        return False
    try:
        return tiering.make_room(missing).segments > 0
    except storage.StoreAway as error:
        logger.error("no room can be made by moving recordings: %s", error)
        return False


def _take_oldest(now: datetime) -> purging.Purged:
    """Purge the oldest minutes of every camera; nothing when none is left."""
    first = _oldest(now)
    if not first:
        return purging.Purged()
    since = min(started for started, _ended in first.values())
    until = min(since + STEP, now)
    cameras = {camera for camera, (started, ended) in first.items() if started < until and ended < until}
    cameras -= holding.take_unfinished()
    if storage.has_object_store():
        return _take_from_here(cameras, since, until)
    _put_on_record(cameras, until, now)
    return purging.purge_until(dict.fromkeys(cameras, until))


def _take_from_here(cameras: set[int], since: datetime, until: datetime) -> purging.Purged:
    """Purge row by row what is on this disk alone: a mark would take all before it from the object store too."""
    with transaction.atomic():
        here = Segment.objects.in_sight().filter(
            camera__in=cameras, started_at__gte=since, started_at__lt=until, ended_at__lt=until, store=Store.LOCAL
        )
        taken = here.filter(state=Segment.State.CLOSED).update(state=Segment.State.PURGING)
        if taken:
            detail = {"since": since.isoformat(), "until": until.isoformat(), "segments": taken}
            record("video.purged_early", **detail)
            publish([Event(kind="disk.purged_early", object_id=0, detail={"cameras": len(cameras), **detail})])
    return purging.purge_until({})


def _oldest(now: datetime) -> dict[int, tuple[datetime, datetime]]:
    """From when until when the oldest recording of each camera goes that has one of the oldest day on this disk."""
    for day, cameras in disk.days_here().items():
        since = datetime.combine(day, time(), UTC)
        with connection.cursor() as cursor:
            cursor.execute(OLDEST, {"cameras": cameras, "since": since, "until": since + timedelta(days=1), "now": now})
            if found := {camera: (started, ended) for camera, started, ended in cursor.fetchall()}:
                return found
    return {}


@transaction.atomic
def _put_on_record(cameras: set[int], until: datetime, now: datetime) -> None:
    """Say what goes before its time, camera by camera, while it is still there."""
    early = [
        camera
        for camera in Camera.objects.filter(pk__in=cameras).order_by("number")
        if until > now - timedelta(days=camera.retention_days)
    ]
    if not early:
        return
    EarlyPurge.objects.bulk_create(
        [EarlyPurge(camera=camera, until=until, at=now) for camera in early],
        update_conflicts=True,
        unique_fields=["camera"],
        update_fields=["until", "at"],
    )
    kept = {camera.number: f"{(now - until) / timedelta(days=1):.1f}/{camera.retention_days}" for camera in early}
    detail = {"until": until.isoformat(), "free": disk.space(settings.VIDEO_ROOT).free}
    record("video.purged_early", kept_days=kept, **detail)
    publish([Event(kind="disk.purged_early", object_id=0, detail={"cameras": len(early), **detail})])


def kept_days(camera: Camera, now: datetime | None = None) -> float | None:
    """How many days back a camera's recordings go, if that is fewer than they should since the disk was full."""
    gone = EarlyPurge.objects.filter(camera=camera).values_list("until", flat=True).first()
    days = gone and ((now or timezone.now()) - gone) / timedelta(days=1)
    return days if days and days < camera.retention_days else None
