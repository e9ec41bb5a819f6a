"""Fragmented MP4 (ISO/IEC 14496-12), written and read here: one pass serves the recording and the live view.

A libav muxer holds a sample back until the next one comes, and is one more context per camera;
see docs/adr/0004-recording.md.
"""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .nal import BadStream, Track

TIMESCALE = 90_000
KEY, DELTA = 0x0200_0000, 0x0101_0000  # sample flags: decodes alone; depends on others
MATRIX = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
EPOCH_1904 = 2_082_844_800
MAX_FRAGMENT = 256 * 1024 * 1024


def box(name: bytes, *parts: bytes) -> bytes:
    return struct.pack(">I4s", 8 + sum(map(len, parts)), name) + b"".join(parts)


def full(name: bytes, version: int, flags: int, *parts: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24 | flags), *parts)


def init_segment(track: Track, *, created: int = 0) -> bytes:
    """ftyp and moov of `track`; `created` is Unix seconds."""
    created = created + EPOCH_1904 if created else 0
    mvhd = full(b"mvhd", 1, 0, struct.pack(">QQIQ", created, created, TIMESCALE, 0),
                struct.pack(">iHHQ", 0x10000, 0x0100, 0, 0), MATRIX, bytes(24), struct.pack(">I", 2))  # fmt: skip
    tkhd = full(b"tkhd", 1, 3, struct.pack(">QQIIQ", created, created, 1, 0, 0), bytes(8),
                struct.pack(">hhHH", 0, 0, 0, 0), MATRIX,
                struct.pack(">II", track.width << 16, track.height << 16))  # fmt: skip
    mdhd = full(b"mdhd", 1, 0, struct.pack(">QQIQHH", created, created, TIMESCALE, 0, 0x55C4, 0))
    hdlr = full(b"hdlr", 0, 0, bytes(4), b"vide", bytes(12), b"camera\x00")
    dinf = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
    tables = [full(b"stts", 0, 0, bytes(4)), full(b"stsc", 0, 0, bytes(4)), full(b"stsz", 0, 0, bytes(8)),
              full(b"stco", 0, 0, bytes(4))]  # fmt: skip
    stsd = full(b"stsd", 0, 0, struct.pack(">I", 1), _sample_entry(track))
    minf = box(b"minf", full(b"vmhd", 0, 1, bytes(8)), dinf, box(b"stbl", stsd, *tables))
    trak = box(b"trak", tkhd, box(b"mdia", mdhd, hdlr, minf))
    trex = full(b"trex", 0, 0, struct.pack(">IIIII", 1, 1, 0, 0, 0))
    ftyp = box(b"ftyp", b"iso6", bytes(4), b"iso6", b"isom", b"mp41")
    return ftyp + box(b"moov", mvhd, trak, box(b"mvex", trex))


def _sample_entry(track: Track) -> bytes:
    name, config = (b"avc1", b"avcC") if track.codec == "h264" else (b"hvc1", b"hvcC")
    head = struct.pack(">6xH16xHHIIIH32sHh", 1, track.width, track.height, 0x480000, 0x480000, 0, 1,
                       bytes(32), 24, -1)  # fmt: skip
    return box(name, head, box(config, track.configuration()))


@dataclass(slots=True)
class Sample:
    """One picture. Times in ticks of 1/90000 s; `offset` is presentation minus decoding time."""

    data: bytes
    at: int
    duration: int
    key: bool
    offset: int = 0


# moof, mfhd, traf, tfhd, tfdt, trun up to its first sample: the layout never changes, so one pack writes it.
HEAD = struct.Struct(">I4s I4sII I4s I4sII I4sIQ I4sIII".replace(" ", ""))
ROW = struct.Struct(">IIIi")
# Where things stand in every fragment of one picture, and how long all before the picture is.
SEQUENCE_AT, TFDT_AT, DURATION_AT, HEAD_BYTES = 20, 60, 88, 112
TAKEN = struct.Struct(">I4s16sQ")
TAKEN_TYPE = bytes.fromhex("d19a6f2c8b5e4f0e9a53c1f7704be28d")


def fragment_head(sequence: int, samples: list[Sample]) -> bytes:
    """The moof of `samples` and the header of their mdat; the samples' bytes follow."""
    rows = b"".join(ROW.pack(s.duration, len(s.data), KEY if s.key else DELTA, s.offset) for s in samples)
    trun = 20 + len(rows)
    traf = 8 + 16 + 20 + trun
    moof = 8 + 16 + traf
    head = HEAD.pack(moof, b"moof", 16, b"mfhd", 0, sequence & 0xFFFF_FFFF, traf, b"traf",
                     16, b"tfhd", 0x020000, 1, 20, b"tfdt", 0x0100_0000, samples[0].at,
                     trun, b"trun", 0x0100_0F01, len(samples), moof + 8)  # fmt: skip
    return b"".join((head, rows, struct.pack(">I4s", 8 + sum(len(s.data) for s in samples), b"mdat")))


def moved(fragment: bytes, ticks: int) -> bytes:
    """`fragment` with its decode time moved by `ticks`."""
    at = int.from_bytes(fragment[TFDT_AT : TFDT_AT + 8], "big") + ticks
    return b"".join((fragment[:TFDT_AT], at.to_bytes(8, "big"), fragment[TFDT_AT + 8 :]))


def decode_time(fragment: bytes) -> int:
    return int.from_bytes(fragment[TFDT_AT : TFDT_AT + 8], "big")


def duration(fragment: bytes) -> int:
    """Of its first picture."""
    return int.from_bytes(fragment[DURATION_AT : DURATION_AT + 4], "big")


def sequence(fragment: bytes) -> int:
    return int.from_bytes(fragment[SEQUENCE_AT : SEQUENCE_AT + 4], "big")


def taken_box(taken_at: float) -> bytes:
    """The `uuid` box behind a live fragment that says when its picture was taken: microseconds since 1970."""
    return TAKEN.pack(TAKEN.size, b"uuid", TAKEN_TYPE, round(taken_at * 1e6))


def samples_in(fragment: bytes) -> Iterator[Sample]:
    """The pictures of a whole fragment, in the order of decoding."""
    at, rows = decode_time(fragment), fragment[HEAD.size : int.from_bytes(fragment[:4], "big")]
    place = HEAD.size + len(rows) + 8
    for length, size, flags, offset in ROW.iter_unpack(rows):
        yield Sample(fragment[place : place + size], at, length, flags == KEY, offset)
        at, place = at + length, place + size


@dataclass(frozen=True, slots=True)
class Fragment:
    """A whole fragment found in a file."""

    start: int
    size: int
    at: int
    duration: int
    key: bool
    samples: int
    data: int
    first: int

    @property
    def end(self) -> int:
        return self.start + self.size

    def rows(self, fd: int) -> Iterator[tuple[int, int, int, int]]:
        """(duration, bytes, flags, offset of being shown) of each of its pictures, in the order of decoding."""
        return ROW.iter_unpack(os.pread(fd, self.samples * ROW.size, self.start + HEAD.size))


def init_size(fd: int) -> int:
    """Bytes of ftyp and moov at the head of a recording."""
    head = os.pread(fd, 8, 0)
    if head[4:8] != b"ftyp":
        raise BadStream("not a recording")
    ftyp = int.from_bytes(head[:4], "big")
    head = os.pread(fd, 8, ftyp)
    if head[4:8] != b"moov":
        raise BadStream("not a recording")
    return ftyp + int.from_bytes(head[:4], "big")


def fragments(fd: int, start: int | None = None) -> Iterator[Fragment]:
    """The whole fragments of a recording, oldest first; stops before a torn one."""
    position = init_size(fd) if start is None else start
    size = os.fstat(fd).st_size
    while position + 112 <= size:
        found = _fragment_at(fd, position, size)
        if found is None:
            return
        yield found
        position = found.end


def _fragment_at(fd: int, position: int, size: int) -> Fragment | None:
    head = os.pread(fd, 2048, position)
    moof = int.from_bytes(head[:4], "big")
    if head[4:8] != b"moof" or moof < HEAD.size + ROW.size or position + moof + 8 > size:
        return None
    if len(head) < moof + 8:
        if moof > 16 * 1024 * 1024:
            return None
        head = os.pread(fd, moof + 8, position)
    fields = HEAD.unpack_from(head)
    count, at = fields[-2], fields[-6]
    if fields[-4] != b"trun" or HEAD.size + count * ROW.size != moof:
        return None
    mdat = int.from_bytes(head[moof : moof + 4], "big")
    if head[moof + 4 : moof + 8] != b"mdat" or not 8 < mdat <= MAX_FRAGMENT or position + moof + mdat > size:
        return None
    rows = list(ROW.iter_unpack(head[HEAD.size : moof]))
    if sum(row[1] for row in rows) != mdat - 8:
        return None
    return Fragment(position, moof + mdat, at, sum(row[0] for row in rows), rows[0][2] == KEY, count,
                    position + moof + 8, rows[0][1])  # fmt: skip


def configuration_of(init: bytes) -> tuple[str, bytes]:
    """(codec, body of avcC or hvcC) of an init segment, as a decoder wants it."""
    for codec, name in (("h264", b"avcC"), ("hevc", b"hvcC")):
        at = init.find(name)
        if at >= 4:
            return codec, init[at + 4 : at - 4 + int.from_bytes(init[at - 4 : at], "big")]
    raise BadStream("no video in this recording")
