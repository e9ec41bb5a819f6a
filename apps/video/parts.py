"""What a clip takes of each recording: its pictures, under a link of its own, and whether they are as recorded."""

import contextlib
import hashlib
import itertools
import math
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from apps.video import storage
from apps.video.fmp4 import TIMESCALE, Fragment, configuration_of, fragments
from apps.video.joining import Strip
from apps.video.models import Segment
from apps.video.playback import SEAM


class GivenUp(Exception):
    """Nobody wants to know any more whether the recordings are as recorded."""


@dataclass(frozen=True)
class Part(Strip):
    """What the clip takes from one segment, by a link of its own: a purge meanwhile takes nothing away."""

    segment: Segment
    is_whole: bool
    ends: datetime
    sha256: str
    bytes: int
    # Codec, picture size and parameter sets: one file can hold pictures of one format only.
    format: tuple

    def first_picture(self, at: datetime) -> datetime:
        """The time of the picture that was on screen `at`."""
        with storage.opened(self.file) as fd:
            shown = [tick - self.fragments[0].at for fragment in self.fragments for tick in _ticks(fd, fragment)]
        wanted = (at - self.begins).total_seconds() * TIMESCALE
        on_screen = max((tick for tick in shown if tick <= wanted), default=min(shown))
        return self.begins + timedelta(seconds=on_screen / TIMESCALE)

    def alone(self) -> Path:
        """A file of these pictures and no others, for a reader that takes whole files."""
        if self.is_whole:
            return self.file
        target = self.file.with_suffix(".part.mp4")
        with storage.opened(self.file) as fd, target.open("wb") as out:
            out.write(os.pread(fd, self.segment.init_bytes, 0))
            for fragment in self.fragments:
                out.write(os.pread(fd, fragment.size, fragment.start))
        return target


def part_of(
    segment: Segment, desk: Path, starts_at: datetime, ends_at: datetime, *, reach: float = math.inf
) -> Part | None:
    """What a segment has of this time in its first `reach` bytes, linked on the desk.

    FileNotFoundError, storage.Damaged or BadStream when the recording is gone or cannot be read.
    """
    name = desk / f"{segment.start_ms}.mp4"
    source = storage.local_file(segment)
    with storage.opened(source) as fd:
        found = [fragment for fragment in fragments(fd, segment.init_bytes) if fragment.end <= reach]
        wanted = _wanted(segment, found, starts_at, ends_at)
        if not wanted:
            return None
        os.link(source, name)
        sha256, size = segment.sha256, segment.bytes
        if segment.state == Segment.State.RECORDING:
            sha256, size = fingerprint(fd, found[-1].end), found[-1].end
        format = (*configuration_of(os.pread(fd, segment.init_bytes, 0)), segment.width, segment.height)
    begins, ends = (_moment(segment, found, tick) for tick in (wanted[0].at, _end(wanted)))
    is_whole = len(wanted) == len(found) and segment.state == Segment.State.CLOSED
    return Part(name, begins, wanted, segment, is_whole, ends, sha256, size, format)


def gaps(parts: Sequence[Part], starts_at: datetime, ends_at: datetime) -> list[tuple[datetime, datetime]]:
    """Times within the clip of which there is no video."""
    found, reached = [], starts_at
    for begins, ends in [*((part.begins, part.ends) for part in parts), (ends_at, ends_at)]:
        if begins - reached > SEAM:
            found.append((reached, begins))
        reached = max(reached, ends)
    return found


def change_of_format(parts: Sequence[Part], counts: int) -> datetime | None:
    """When the recording first becomes another in the first `counts` fields of its format."""
    changes = (
        after.begins for before, after in itertools.pairwise(parts) if before.format[:counts] != after.format[:counts]
    )
    return next(changes, None)


@contextlib.contextmanager
def comparing(parts: Sequence[Part]) -> Iterator[Future[list[Part]]]:
    """Read the recordings as a whole beside other work: those that are not what was recorded."""
    nobody_waits = threading.Event()

    def go_on() -> None:
        if nobody_waits.is_set():
            raise GivenUp

    with ThreadPoolExecutor(1) as reader:
        try:
            yield reader.submit(lambda: [part for part in parts if not _is_as_recorded(part, go_on)])
        finally:
            nobody_waits.set()


def _is_as_recorded(part: Part, touch: Callable[[], None]) -> bool:
    """What is being recorded has been fingerprinted as far as it goes; all else was when it was closed."""
    if part.segment.state == Segment.State.RECORDING:
        return True
    with storage.opened(part.file) as fd:
        digest, size = digest_of(fd, touch)
    return (digest.hexdigest(), size) == (part.sha256, part.bytes)


def fingerprint(fd: int, size: int) -> str:
    """The SHA-256 of the first `size` bytes of a file, in hex."""
    return digest_of(fd, lambda: None, size)[0].hexdigest()


def digest_of(fd: int, touch: Callable[[], None], size: int | None = None):
    """The SHA-256 of a file, or of its first `size` bytes, still open for more; and how many bytes those were."""
    digest, position, end = hashlib.sha256(), 0, os.fstat(fd).st_size if size is None else size
    while position < end and (block := os.pread(fd, min(storage.BLOCK, end - position), position)):
        digest.update(block)
        position += len(block)
        touch()
    return digest, position


# --- pictures and their times ---


def _end(found: list[Fragment]) -> int:
    return found[-1].at + found[-1].duration


def _moment(segment: Segment, found: list[Fragment], tick: int) -> datetime:
    return segment.started_at + timedelta(seconds=(tick - found[0].at) / TIMESCALE)


def _wanted(segment: Segment, found: list[Fragment], start: datetime, end: datetime) -> list[Fragment]:
    """The fragments from the last keyframe at or before `start` up to `end`."""
    inside = [f for f in found if _moment(segment, found, f.at) < end]
    keys = [i for i, f in enumerate(inside) if f.key and _moment(segment, found, f.at) <= start]
    chosen = inside[keys[-1] :] if keys else inside
    return chosen if chosen and _moment(segment, found, _end(chosen)) > start else []


def _ticks(fd: int, fragment: Fragment) -> Iterator[int]:
    """When each picture of a fragment is shown."""
    at = fragment.at
    for duration, _, _, offset in fragment.rows(fd):
        yield at + offset
        at += duration
