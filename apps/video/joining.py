"""Joining recordings into one MP4 without touching a picture: an index is written, and the recorded bytes behind it.

The index comes first, so a player can begin before the file has arrived. Bytes are read once: what is written is
fingerprinted in the same pass. See docs/adr/0014-clips-and-their-seal.md for what this takes beside ffmpeg.
"""

import hashlib
import io
import itertools
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from apps.video.fmp4 import EPOCH_1904, KEY, MATRIX, TIMESCALE, Fragment, box, full, init_size

WAITING_BYTES = 512 << 20  # how much of a clip may lie in memory before the disk begins to take it


@dataclass
class Chunk:
    """Recorded pictures that lie one behind the other in a file: `bytes` from `start` on."""

    fd: int
    start: int
    sizes: list[int] = field(default_factory=list)

    @property
    def bytes(self) -> int:
        return sum(self.sizes)


@dataclass
class Reel:
    """All pictures of a clip. Times in ticks since its first recording began."""

    chunks: list[Chunk] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    ends: int = 0

    def take(self, fd: int, fragment: Fragment, at: int, until: int) -> None:
        """Add the pictures of a fragment that begins `at` and are decoded before `until`."""
        chunk = Chunk(fd, fragment.data)
        for duration, size, flags, offset in fragment.rows(fd):
            if at >= until:
                break
            # Two recordings may overlap by the jitter of their arrival; time never stands still in a file.
            at = max(at, self.times[-1] + 1) if self.times else at
            self.times.append(at)
            self.offsets.append(offset)
            if flags == KEY:
                self.keys.append(len(self.times))
            chunk.sizes.append(size)
            at += duration
            self.ends = at
        if chunk.sizes:
            self.chunks.append(chunk)

    def shown_from(self, hidden: int) -> int:
        """The time of the picture that is on screen `hidden` ticks after the beginning."""
        shown = (time + offset for time, offset in zip(self.times, self.offsets, strict=True))
        early = itertools.takewhile(lambda at: at < hidden + TIMESCALE * 60, shown)
        return max((at for at in early if at <= hidden + 1), default=self.times[0] + self.offsets[0])


@dataclass(frozen=True)
class Strip:
    """What is taken from one recording: whole fragments, one behind the other, the first shown at `begins`."""

    file: Path
    begins: datetime
    fragments: list[Fragment]


@dataclass(frozen=True)
class Joined:
    digest: "hashlib._Hash"
    bytes: int


def join(
    strips: Sequence[Strip],
    target: Path,
    *,
    starts_at: datetime,
    ends_at: datetime,
    size: tuple[int, int],
    number: str,
    touch: Callable[[int | None], None],
) -> Joined:
    """Join `strips` into `target`; the first picture shown is that of `starts_at`.

    Where nothing was recorded time goes on. `size`: width and height in pixels; `number`: the comment in the file.
    """
    with ExitStack() as stack:
        opened = [stack.enter_context(strip.file.open("rb")).fileno() for strip in strips]
        origin = strips[0].begins
        reel = Reel()
        for fd, strip in zip(opened, strips, strict=True):
            _take_strip(reel, fd, strip, _ticks(strip.begins - origin), _ticks(ends_at - origin))
            touch(None)
        first = reel.shown_from(_ticks(starts_at - origin))
        head = _head(reel, first, _sample_table(opened[0]), size, int(origin.timestamp()), number)
        return _write(target, head, reel, touch)


def _ticks(length) -> int:
    return round(length.total_seconds() * TIMESCALE)


def _take_strip(reel: Reel, fd: int, strip: Strip, at: int, until: int) -> None:
    first = strip.fragments[0].at
    for fragment in strip.fragments:
        reel.take(fd, fragment, at + fragment.at - first, until)


def _sample_table(fd: int) -> bytes:
    """What a decoder has to know, as the recording says it."""
    init = os.pread(fd, init_size(fd), 0)
    at = init.index(b"stsd") - 4
    return init[at : at + int.from_bytes(init[at : at + 4], "big")]


def _write(target: Path, head: bytes, reel: Reel, touch: Callable[[int | None], None]) -> Joined:
    """One block is written while the next is counted. A disk without room says so before anything is written."""
    digest, written, total = hashlib.sha256(head), len(head), len(head) + sum(c.bytes for c in reel.chunks)
    with target.open("wb", buffering=0) as out, ThreadPoolExecutor(1) as pen:
        os.posix_fallocate(out.fileno(), 0, total)
        writing = pen.submit(_put, out, head)
        for block in _blocks(reel):
            writing.result()
            writing = pen.submit(_put, out, block)
            digest.update(block)
            written += len(block)
            touch(99 * written // total)
        writing.result()
    return Joined(digest, written)


def _put(out: io.FileIO, block: bytes) -> None:
    at, left = out.tell(), memoryview(block)
    while left:
        left = left[out.write(left) :]
    # What is no longer wanted in memory the kernel begins to bring to disk: hours of film leave room for the recorders.
    if at > WAITING_BYTES:
        os.posix_fadvise(out.fileno(), at - WAITING_BYTES, len(block), os.POSIX_FADV_DONTNEED)


def _blocks(reel: Reel) -> Iterator[bytes]:
    for chunk in reel.chunks:
        block = os.pread(chunk.fd, chunk.bytes, chunk.start)
        if len(block) < chunk.bytes:
            raise OSError(f"a recording is shorter than it was: {len(block)} of {chunk.bytes} bytes")
        yield block


# --- the index (ISO/IEC 14496-12) ---


def _head(reel: Reel, first: int, stsd: bytes, size: tuple[int, int], created: int, number: str) -> bytes:
    """Everything before the pictures. Where they begin depends on how long it is, so it is written twice."""
    brand = b"hvc1" if b"hvcC" in stsd else b"avc1"
    ftyp = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isom", b"iso2", brand, b"mp41")
    pictures = sum(chunk.bytes for chunk in reel.chunks)
    mdat = struct.pack(">I4sQ", 1, b"mdat", pictures + 16)
    table = [stsd, *_times(reel), _sizes(reel), _chunks(reel)]

    def index(begin: int) -> bytes:
        return _moov(reel, first, [*table, _places(reel, begin)], size, created + EPOCH_1904, number)

    begin = len(ftyp) + len(index(0)) + len(mdat)
    return ftyp + index(begin) + mdat


def _moov(reel: Reel, first: int, table: list[bytes], size: tuple[int, int], created: int, number: str) -> bytes:
    shown = reel.ends - first
    mvhd = full(b"mvhd", 1, 0, struct.pack(">QQIQ", created, created, TIMESCALE, shown),
                struct.pack(">iHHQ", 0x10000, 0x0100, 0, 0), MATRIX, bytes(24), struct.pack(">I", 2))  # fmt: skip
    tkhd = full(b"tkhd", 1, 3, struct.pack(">QQIIQ", created, created, 1, 0, shown), bytes(8),
                struct.pack(">hhHH", 0, 0, 0, 0), MATRIX, struct.pack(">II", size[0] << 16, size[1] << 16))  # fmt: skip
    edts = box(b"edts", full(b"elst", 1, 0, struct.pack(">IQqHH", 1, shown, first, 1, 0)))
    mdhd = full(b"mdhd", 1, 0, struct.pack(">QQIQHH", created, created, TIMESCALE, reel.ends, 0x55C4, 0))
    hdlr = full(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"camera\x00")
    dinf = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
    minf = box(b"minf", full(b"vmhd", 0, 1, bytes(8)), dinf, box(b"stbl", *table))
    return box(b"moov", mvhd, box(b"trak", tkhd, edts, box(b"mdia", mdhd, hdlr, minf)), _comment(number))


def _times(reel: Reel) -> list[bytes]:
    """How long each picture lasts, when it is shown if not when it is decoded, and which decode alone."""
    later = [*reel.times[1:], reel.ends]
    boxes = [full(b"stts", 0, 0, _runs(after - at for at, after in zip(reel.times, later, strict=True)))]
    if any(reel.offsets):
        boxes.append(full(b"ctts", 1, 0, _runs(reel.offsets)))
    if len(reel.keys) < len(reel.times):
        boxes.append(full(b"stss", 0, 0, struct.pack(f">I{len(reel.keys)}I", len(reel.keys), *reel.keys)))
    return boxes


def _runs(values) -> bytes:
    runs = [(sum(1 for _ in same), value) for value, same in itertools.groupby(values)]
    return struct.pack(">I", len(runs)) + b"".join(struct.pack(">Ii", *run) for run in runs)


def _sizes(reel: Reel) -> bytes:
    sizes = [size for chunk in reel.chunks for size in chunk.sizes]
    return full(b"stsz", 0, 0, struct.pack(f">II{len(sizes)}I", 0, len(sizes), *sizes))


def _chunks(reel: Reel) -> bytes:
    """How many pictures each chunk has, said where it changes."""
    counts = [len(chunk.sizes) for chunk in reel.chunks]
    changes = [n for n, count in enumerate(counts) if n == 0 or count != counts[n - 1]]
    rows = b"".join(struct.pack(">III", n + 1, counts[n], 1) for n in changes)
    return full(b"stsc", 0, 0, struct.pack(">I", len(changes)), rows)


def _places(reel: Reel, begin: int) -> bytes:
    places = list(itertools.accumulate((chunk.bytes for chunk in reel.chunks), initial=begin))[:-1]
    return full(b"co64", 0, 0, struct.pack(f">I{len(places)}Q", len(places), *places))


def _comment(number: str) -> bytes:
    """The clip's number, where players show it and copying tools keep it."""
    data = box(b"data", struct.pack(">II", 1, 0), number.encode())
    hdlr = full(b"hdlr", 0, 0, bytes(4), b"mdirappl", bytes(9))
    return box(b"udta", full(b"meta", 0, 0, hdlr, box(b"ilst", box(b"\xa9cmt", data))))
