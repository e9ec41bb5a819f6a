"""HLS over the recorded files as they are: byte ranges of fragmented MP4, nothing rewritten."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import ceil

from apps.video import reasons, storage
from apps.video.fmp4 import TIMESCALE, Fragment, fragments
from apps.video.models import HeldSegment, Segment, Store, recorded
from apps.video.nal import BadStream
from apps.video.reasons import NotAvailable

# What a player loads at once: short enough to seek quickly, long enough to keep the playlist small.
PIECE_SECONDS = 4.0
# In a longer period, a segment wanted whole is one piece: no file is read for the list, and a day of it is not 4 MB.
LONG = timedelta(hours=1)
# Less than this between two segments is the jitter of arrival, not missing video.
SEAM = timedelta(seconds=0.5)


@dataclass(frozen=True)
class Piece:
    """A run of whole fragments that begins with a keyframe."""

    begins: datetime
    seconds: float
    start: int
    size: int

    @property
    def ends(self) -> datetime:
        return self.begins + timedelta(seconds=self.seconds)


def playlist(
    camera_id: int,
    start: datetime,
    end: datetime,
    url_for: Callable[[Segment], str],
    *,
    last: datetime | None = None,
) -> str:
    """A VOD playlist of what was recorded between `start` and `end`; empty but valid when nothing was.

    Times without video are discontinuities with the true time after them, never hidden. Pieces may reach over both
    ends, but show nothing later than `last`.
    """
    body, longest, previous = [], PIECE_SECONDS, None
    for segment in recorded(camera_id, start, end):
        wanted = pieces_between(segment, start, end, last)
        if not wanted:
            continue
        if previous and not _joins(previous, segment):
            body.append("#EXT-X-DISCONTINUITY")
        url = url_for(segment)
        body.append(f'#EXT-X-MAP:URI="{url}",BYTERANGE="{segment.init_bytes}@0"')
        body.append(f"#EXT-X-PROGRAM-DATE-TIME:{_text(wanted[0].begins)}")
        for piece in wanted:
            body += (f"#EXTINF:{piece.seconds:.5f},", f"#EXT-X-BYTERANGE:{piece.size}@{piece.start}", url)
            longest = max(longest, piece.seconds)
        previous = segment
    head = ["#EXTM3U", "#EXT-X-VERSION:7", f"#EXT-X-TARGETDURATION:{ceil(longest)}"]
    head += ["#EXT-X-MEDIA-SEQUENCE:0", "#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-INDEPENDENT-SEGMENTS"]
    return "\n".join([*head, *body, "#EXT-X-ENDLIST", ""])


def _joins(before: Segment, after: Segment) -> bool:
    return (
        before.session == after.session
        and (before.codec, before.width, before.height) == (after.codec, after.width, after.height)
        and before.ended_at is not None
        and after.started_at - before.ended_at < SEAM
    )


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def pieces_between(
    segment: Segment | HeldSegment, start: datetime, end: datetime, last: datetime | None = None
) -> list[Piece]:
    """The pieces that show something between `start` and `end`, and nothing later than `last`.

    One alone, when the segment is wanted whole and the period is long; or when it is in the object store, so that
    nothing is brought here for a list.
    """
    if _is_whole(segment, start, end) and (end - start > LONG or segment.store == Store.OBJECTS):
        seconds = (segment.ended_at - segment.started_at).total_seconds()
        return [Piece(segment.started_at, seconds, segment.init_bytes, segment.bytes - segment.init_bytes)]
    ends_in_time = last is None or (segment.ended_at and segment.ended_at <= last)
    found = pieces(segment) if ends_in_time else pieces(segment, last)
    return [piece for piece in found if piece.ends > start and piece.begins < end]


def _is_whole(segment: Segment | HeldSegment, start: datetime, end: datetime) -> bool:
    """Closed, and all of it wanted."""
    return segment.ended_at is not None and start <= segment.started_at and segment.ended_at <= end


def pieces(segment: Segment | HeldSegment, last: datetime | None = None) -> list[Piece]:
    """The pieces of a segment, of whole fragments that end by `last`; none when its file is gone or damaged.

    NotAvailable when its store is away.
    """
    try:
        with storage.open_segment(segment) as file:
            found = list(fragments(file.fileno(), segment.init_bytes))
            return list(_pieces(segment.started_at, found if last is None else _until(last, segment, found)))
    except (FileNotFoundError, storage.Damaged, BadStream):
        return []
    except storage.StoreAway:
        raise NotAvailable(reasons.STORE_AWAY) from None


def served_path(segment: Segment | HeldSegment) -> str:
    """Where the front server finds the file, below VIDEO_ROOT. FileNotFoundError when it is gone; NotAvailable."""
    try:
        return storage.served_path(segment)
    except storage.StoreAway:
        raise NotAvailable(reasons.STORE_AWAY) from None
    except storage.Damaged:
        raise NotAvailable(reasons.NOT_READABLE) from None


def bytes_of(
    segment: Segment | HeldSegment, start: datetime, end: datetime, *, last: datetime | None = None
) -> list[range]:
    """Which bytes of the file show the time from `start` to `end`: the set-up, and pieces as a playlist lists them."""
    if _is_whole(segment, start, end):
        return [range(segment.bytes)]
    wanted = pieces_between(segment, start, end, last)
    if not wanted:
        return []
    return [range(segment.init_bytes), range(wanted[0].start, wanted[-1].start + wanted[-1].size)]


def _until(last: datetime, segment: Segment | HeldSegment, found: list[Fragment]) -> list[Fragment]:
    ticks = (last - segment.started_at).total_seconds() * TIMESCALE
    return [fragment for fragment in found if fragment.at + fragment.duration - found[0].at <= ticks]


def _pieces(started: datetime, found: list[Fragment]) -> Iterator[Piece]:
    run: list[Fragment] = []
    for fragment in found:
        if run and fragment.key and fragment.at - run[0].at >= PIECE_SECONDS * TIMESCALE:
            yield _piece(started, found[0], run)
            run = []
        run.append(fragment)
    if run:
        yield _piece(started, found[0], run)


def _piece(started: datetime, first: Fragment, run: list[Fragment]) -> Piece:
    begins = started + timedelta(seconds=(run[0].at - first.at) / TIMESCALE)
    seconds = (run[-1].at + run[-1].duration - run[0].at) / TIMESCALE
    return Piece(begins, seconds, run[0].start, run[-1].end - run[0].start)
