"""What there is of a camera between two times, for whoever looks for a moment in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Max, Q, Window
from django.db.models.functions import Coalesce, Lag, Now
from django.utils import timezone

from apps.cameras.models import Camera
from apps.video.models import HeldSegment, PurgeMark, Segment
from apps.video.motion import MINUTE, minutes
from apps.video.playback import SEAM

# Motion is told by the second in a stretch of hours, by the minute in one of days; in a longer one it says nothing.
BY_SECOND = timedelta(hours=2)
BY_MINUTE = timedelta(days=7)


@dataclass(frozen=True)
class Span:
    """Recorded without a gap and in one codec."""

    begins: datetime
    ends: datetime
    codec: str


@dataclass(frozen=True)
class Gap:
    """Nothing to be seen: never recorded, or `deleted` because its time was up."""

    begins: datetime
    ends: datetime
    deleted: bool


@dataclass(frozen=True)
class Motion:
    """How much moved, in runs without a hole: each `step` seconds the most that did, 0 (unknown), 1 (still) to 255."""

    step: int
    runs: list[tuple[datetime, list[int]]]


def spans(camera_id: int, start: datetime, end: datetime) -> list[Span]:
    """The recorded times between `start` and `end`, oldest first, what holds keep included.

    The segment being recorded counts until now.
    """
    held = HeldSegment.objects.covering(camera_id, start, end).values_list("started_at", "ended_at", "codec")
    found = sorted([*_indexed(camera_id, start, end), *(Span(*row) for row in held)], key=lambda span: span.begins)
    within = (Span(max(span.begins, start), min(span.ends, end), span.codec) for span in _joined(found))
    return [span for span in within if span.begins < span.ends]


def _indexed(camera_id: int, start: datetime, end: datetime) -> list[Span]:
    """Spans of the index. The database condenses them: a month of a camera is 43,000 rows, and few spans."""
    until = Coalesce("ended_at", Now())
    in_order = {"order_by": "started_at"}
    edges = list(
        Segment.objects.covering(camera_id, start, end)
        .annotate(
            until=until,
            before=Window(Lag(until), **in_order),
            codec_before=Window(Lag("codec"), **in_order),
            newest=Window(Max(until)),
        )
        .filter(Q(before=None) | Q(started_at__gt=F("before") + SEAM) | ~Q(codec=F("codec_before")))
        .values_list("started_at", "before", "codec", "newest")
    )
    ends = [before for _at, before, _codec, _newest in edges[1:]] + [newest for *_rest, newest in edges[-1:]]
    return [Span(begins, until, codec) for (begins, _before, codec, _newest), until in zip(edges, ends, strict=True)]


def _joined(found: list[Span]) -> list[Span]:
    """Spans that touch or overlap in one codec, as one."""
    joined: list[Span] = []
    for span in found:
        last = joined[-1] if joined else None
        if last and last.codec == span.codec and span.begins - last.ends <= SEAM:
            joined[-1] = Span(last.begins, max(last.ends, span.ends), last.codec)
        else:
            joined.append(span)
    return joined


def kept_since(camera: Camera) -> datetime:
    """What is older has been deleted, or is about to be: its days are over, or the disk was full."""
    by_days = timezone.now() - timedelta(days=camera.retention_days)
    marked = PurgeMark.objects.filter(camera=camera).values_list("until", flat=True).first()
    return max(by_days, marked or by_days)


def gaps(recorded: list[Span], start: datetime, end: datetime, *, kept_since: datetime) -> list[Gap]:
    """What `recorded` leaves open between `start` and `end`, divided where the time to keep video ends."""
    found, at = [], start
    for span in [*recorded, Span(end, end, "")]:
        if span.begins - at > (SEAM if at > start else timedelta(0)):
            found += _divided(at, span.begins, kept_since)
        at = max(at, span.ends)
    return found


def _divided(begins: datetime, ends: datetime, kept_since: datetime) -> list[Gap]:
    if not begins < kept_since < ends:
        return [Gap(begins, ends, deleted=ends <= kept_since)]
    return [Gap(begins, kept_since, deleted=True), Gap(kept_since, ends, deleted=False)]


def motion(camera_id: int, start: datetime, end: datetime) -> Motion | None:
    """The motion between `start` and `end`, as finely as a stretch of that length can show it."""
    if end - start > BY_MINUTE:
        return None
    step = 1 if end - start <= BY_SECOND else 60
    runs: list[tuple[datetime, list[int]]] = []
    following = None
    for row in minutes(camera_id, start, end):
        seconds = list(bytes(row.levels))
        if row.minute != following:
            runs.append((row.minute, []))
        runs[-1][1].extend(seconds if step == 1 else [max(seconds, default=0)])
        following = row.minute + MINUTE
    return Motion(step, runs)
