"""Bringing the index and what is really there into step again: looking (`comparing`), telling, mending.

    adopted    A file that is a recording, but has no row, gets one.
    forgotten  A row whose file is gone. It is told and put on record: this video is lost.
    removed    A file without a row whose days are over, or whose hold has ended; an object without a row.

When more than a fifth of the rows, or of the files, would go, nothing is done: then the disk is not mounted, or the
database is an old one, and mending would destroy what could still be saved.

A city of 5,000 cameras takes hours to look at. So a look remembers how far it came: broken off, or out of time, the
next run goes on with the next camera. The daily one works a part of the time only, and not while the disk is slow.
"""

import logging
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from itertools import groupby

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.agencies.models import User
from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.retention import comparing
from apps.retention.comparing import FORGOTTEN, REMOVED, Difference, Kind, Survey
from apps.retention.models import Look
from apps.video import disk, healing, reasons, storage
from apps.video.locks import only_one
from apps.video.models import Segment
from apps.video.recording import sync_directory

logger = logging.getLogger(__name__)

MOST = 0.2
# A day's look begins when the last one is over, and a day after that began.
EVERY, KEPT = timedelta(hours=23), timedelta(days=30)
SAVE_SECONDS = 5.0
FORGOTTEN_AT_ONCE = 1000
LOOK_LOCK = 4_711_017  # any constant: names the daily look among Postgres' advisory locks


class TooMuch(Exception):
    """More than a fifth would go. The message says how much."""


# --- looking ---


def survey(*, again: bool = True) -> Survey:
    """Look at everything, now and at once; change nothing. Not `again`: take a look of the last day, and finish it."""
    look = None if again else Look.objects.filter(began_at__gte=timezone.now() - EVERY).order_by("began_at").last()
    look = look or Look.objects.create()
    if look.finished_at is None:
        go_on(look)
    return Survey.from_json(look.found)


def daily(*, seconds: float, share: float) -> Look | None:
    """Go on with the look of this day for so long; None when another does, or it is over. Tells when it ends."""
    with only_one(LOOK_LOCK) as is_ours:
        look = _of_today() if is_ours else None
        if look and go_on(look, seconds=seconds, share=share):
            tell(Survey.from_json(look.found))
    return look


def _of_today() -> Look | None:
    look, now = Look.objects.filter(is_daily=True).order_by("began_at").last(), timezone.now()
    if look is None or (look.began_at < now - EVERY and look.finished_at):
        Look.objects.filter(began_at__lt=now - KEPT).delete()
        return Look.objects.create(is_daily=True)
    return None if look.finished_at else look


def go_on(look: Look, *, seconds: float = math.inf, share: float = 1.0) -> bool:
    """Look at camera after camera, for so long at most and working only that share of it; whether it is finished."""
    found, rest, end = Survey.from_json(look.found), Pace(share), time.monotonic() + seconds
    saved_at, days = time.monotonic(), comparing.indexed_days()
    cameras = list(Camera.objects.order_by("pk").values_list("pk", flat=True))
    if not look.found:
        _add(found, comparing.of_root(set(cameras)))
    for camera_id in (pk for pk in cameras if pk > look.reached):
        if time.monotonic() > end or (share < 1 and is_disk_in_trouble()):
            _save(look, found)
            return False
        _add(found, comparing.of_camera(camera_id, found, days=days, rest=rest))
        look.reached = camera_id
        if time.monotonic() - saved_at > SAVE_SECONDS:
            saved_at = time.monotonic()
            _save(look, found)
    _add(found, comparing.of_holds(found, rest=rest))
    look.finished_at = timezone.now()
    _save(look, found)
    return True


def _add(found: Survey, differences: Iterable[Difference]) -> None:
    for difference in differences:
        found.add(difference)


def _save(look: Look, found: Survey) -> None:
    look.found = found.as_json()
    look.save(update_fields=["found", "reached", "finished_at"])


class Pace:
    """Called between two steps, sleeps so long that work takes only a share of the time: a disk that answers slowly,
    since it has much to write, is left alone the longer."""

    def __init__(self, share: float):
        self._rest = 1 / share - 1
        self._since = time.monotonic()

    def __call__(self) -> None:
        worked = time.monotonic() - self._since
        if self._rest and worked > 0.005:
            time.sleep(worked * self._rest)
            self._since = time.monotonic()


def is_disk_in_trouble() -> bool:
    """Whether a recorder has to wait for the disk, or is refused."""
    return Camera.objects.streaming().filter(status_reason__in={reasons.DISK_SLOW, *reasons.OF_DISK}).exists()


def tell(found: Survey) -> None:
    """Put what differs on record, and tell the centre; nothing when nothing does."""
    if not found.counts:
        return
    counts = {kind.name.lower(): number for kind, number in sorted(found.counts.items())}
    with transaction.atomic():
        record("storage.differs", rows=found.rows, files=found.files, **counts)
        publish([Event(kind="storage.differs", object_id=0, detail=counts)])


# --- mending ---


def mend(found: Survey, *, confirmed_by: User | None = None, reason: str = "") -> Counter:
    """Mend what `survey` found, and no more; how many of each kind were. Looks once more, where it differed.

    Raises TooMuch unless a person answers for it by name.
    """
    if found.share > MOST:
        if confirmed_by is None or not reason.strip():
            raise TooMuch(f"{found.share:.0%} ({found.going}) would go")
        record("storage.mended_beyond_limit", actor=confirmed_by, reason=reason, share=round(found.share, 3))
    left, mended = found.going, Counter()
    for camera_id, differences in groupby(_again(found), key=lambda one: one.camera_id):
        for kind, some in _by_kind(differences).items():
            some = some[:left] if kind in FORGOTTEN | REMOVED else some
            number = MENDERS[kind](camera_id, some, confirmed_by) if some else 0
            mended[kind] += number
            left -= number if kind in FORGOTTEN | REMOVED else 0
    mended = +mended
    if mended:
        record("storage.mended", actor=confirmed_by, **{kind.name.lower(): n for kind, n in sorted(mended.items())})
    return mended


def _again(found: Survey) -> Iterator[Difference]:
    days, seen = comparing.indexed_days(), Survey()
    for camera_id in Camera.objects.filter(pk__in=found.cameras).order_by("pk").values_list("pk", flat=True):
        yield from comparing.of_camera(camera_id, seen, days=days)
    if 0 in found.cameras:
        yield from (one for one in comparing.of_holds(seen) if one.kind in MENDERS)


def _by_kind(differences: Iterable[Difference]) -> dict[Kind, list[Difference]]:
    found = defaultdict(list)
    for difference in differences:
        if difference.kind in MENDERS:
            found[difference.kind].append(difference)
    return found


def _adopt(camera_id: int, orphans: list[Difference], _by: User | None) -> int:
    return sum(healing.adopt_file(camera_id, orphan.path) for orphan in orphans)


def _remove(_camera_id: int, over: list[Difference], _by: User | None) -> int:
    removed = 0
    for folder, some in groupby(over, key=lambda one: (settings.VIDEO_ROOT / one.path).parent):
        for difference in some:
            try:
                (settings.VIDEO_ROOT / difference.path).unlink()
                removed += 1
            except FileNotFoundError:
                continue
            except OSError as error:
                logger.error("%s cannot be removed: %s", difference, error)
        sync_directory(folder)
    return removed


def _remove_objects(_camera_id: int, over: list[Difference], _by: User | None) -> int:
    for difference in over:
        storage.remove_object(difference.path)
    return len(over)


def _forget(camera_id: int, lost: list[Difference], by: User | None) -> int:
    """Forget rows whose files are gone, if they still are, and put on record what of this camera is lost."""
    times = [one.started_at for one in lost]
    gone = []
    with transaction.atomic():
        for start in range(0, len(times), FORGOTTEN_AT_ONCE):
            some = times[start : start + FORGOTTEN_AT_ONCE]
            rows = Segment.objects.on_disk().filter(camera=camera_id, started_at__in=some)
            missing = [row.started_at for row in rows if not storage.exists(row)]
            Segment.objects.filter(camera=camera_id, started_at__in=missing).delete()
            gone += missing
        if gone:
            disk.forget_sums(min(gone), max(gone))
            since, until = min(gone).isoformat(), max(gone).isoformat()
            camera = Camera.objects.get(pk=camera_id)
            record("video.lost", actor=by, target=camera, segments=len(gone), since=since, until=until)
    return len(gone)


MENDERS: dict[Kind, Callable[[int, list[Difference], User | None], int]] = {
    Kind.ORPHAN: _adopt,
    Kind.OVER: _remove,
    Kind.LOST: _forget,
    Kind.OBJECT_LOST: _forget,
    Kind.OBJECT_OVER: _remove_objects,
}
