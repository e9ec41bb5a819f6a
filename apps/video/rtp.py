"""RTP packets into pictures: RFC 3550, 6184 (H.264) and 7798 (H.265), as far as cameras send them over TCP.

Nothing a camera sends is trusted: sizes are bounded, and a picture of which a part is missing is left out and counted.
"""

import struct
from dataclasses import dataclass

from apps.video.nal import H264, IDLE, KEYS, SETS, START, BadStream, split

HEAD = struct.Struct(">BBHI")
LENGTH = struct.Struct(">H")
SENDER_REPORT = struct.Struct(">IIII")
NTP_EPOCH = 2_208_988_800  # seconds from 1900 to 1970
RATE = 90_000
# The largest keyframe of an 8K camera is a third of it.
MAX_PICTURE = 16 * 1024 * 1024
MAX_PARTS = 32_768
# So many packets that are no video, and more than there were pictures: this is not what it claims to be.
MALFORMED = 16
# Pictures sent in another order than shown step back by less than this; a clock that was set, by more.
REORDERED_TICKS = 2 * RATE
SINGLE, APART, FRAGMENT, FOREIGN, BROKEN = range(5)


class Unsupported(Exception):
    """Another reader may understand this camera; ours does not."""


class Farewell(EOFError):
    """The camera said that its stream ends."""


@dataclass(slots=True)
class Shot:
    """One picture as it came: an MP4 sample, when it came (monotonic s) and what the camera says of it."""

    data: bytes
    key: bool
    sets: tuple[bytes, ...]
    stamp: int | None  # decoding time by the camera, 1/90000 s, from anywhere, without wraps
    arrived: float
    date: float | None = None  # Unix s at which the camera says it was taken
    offset: int = 0  # presentation minus decoding time
    lost: int = 0  # pictures left out just before this one


def signed(difference: int) -> int:
    """Of two 32-bit numbers: the short way round."""
    return (difference + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


def _h264_shapes() -> list[int]:
    shapes = [FOREIGN] + [SINGLE] * 23 + [APART, FOREIGN, FOREIGN, FOREIGN, FRAGMENT, FOREIGN, FOREIGN, FOREIGN]
    return [BROKEN if first & 0x80 else shapes[first & 31] for first in range(256)]


def _h265_shapes() -> list[int]:
    shapes = [SINGLE] * 48 + [APART, FRAGMENT] + [FOREIGN] * 14
    return [BROKEN if first & 0x80 else shapes[first >> 1 & 63] for first in range(256)]


class Assembler:
    """The packets of one stream, in order, into pictures."""

    def __init__(self, codec: str, payload_type: int):
        self._is_h264 = codec == H264
        self._payload_type = payload_type
        self._shapes = _h264_shapes() if self._is_h264 else _h265_shapes()
        self._head = 1 if self._is_h264 else 2
        kinds = range(32 if self._is_h264 else 64)
        self._slices = {kind for kind in kinds if (1 <= kind <= 5 if self._is_h264 else kind < 32)}
        self._keys, self._sets_kinds, self._idle = KEYS[codec], SETS[codec], IDLE[codec]
        self._sequence = self._stamp = self._ended = -1
        self._long = 0
        self._reference: tuple[int, float] | None = None
        self._trusts_marker = True
        self._pictures = self._malformed = self._backwards = self._lost = 0
        self._waits_for_key = False
        self._after_gap = True  # nobody waits for us to begin a picture
        self.shots: list[Shot] = []
        self._clear()

    def _clear(self) -> None:
        self._parts: list[bytes] = []
        self._sets: list[bytes] = []
        self._fragments: list[bytes] | None = None
        self._size = 0
        self._has_slices = self._key = self._torn = False

    # --- packets ---

    def take(self, data: bytes, at: int, end: int, now: float) -> None:
        """The RTP packet in `data[at:end]`, which came at `now`; pictures that are complete are put into `shots`."""
        if end - at < 13:
            self._refuse()
            return
        first, second, sequence, stamp = HEAD.unpack_from(data, at)
        if second & 0x7F != self._payload_type or sequence == self._sequence:
            return
        if sequence != self._sequence + 1 & 0xFFFF and self._sequence >= 0:
            self._gap()
        self._sequence = sequence
        if stamp != self._stamp:
            if self._has_slices or self._torn or self._fragments is not None:
                self._finish(now)
            self._step_to(stamp)
        if first == 0x80:
            at += 12
        else:
            at, end = self._payload(data, at, end, first)
        if at < end:
            self._unpack(data, at, end)
        else:
            self._refuse()
        if second & 0x80 and self._trusts_marker and (self._has_slices or self._torn):
            self._finish(now)
            self._ended = stamp

    def _payload(self, data: bytes, at: int, end: int, first: int) -> tuple[int, int]:
        """Where the payload of a packet with contributors, an extension or padding begins and ends."""
        begin = at + 12 + 4 * (first & 15)
        if first & 0x10 and begin + 4 <= end:
            begin += 4 + 4 * LENGTH.unpack_from(data, begin + 2)[0]
        if first & 0x20:
            end -= data[end - 1]
        return (begin, end) if first >> 6 == 2 else (end, end)

    def _step_to(self, stamp: int) -> None:
        if self._stamp >= 0:
            step = signed(stamp - self._stamp)
            if -REORDERED_TICKS < step < 0:
                self._backwards += 1
                if self._backwards > 1:
                    raise Unsupported("pictures in another order than they are shown")
            self._long += step
        else:
            self._long = stamp
        self._stamp = stamp

    def _gap(self) -> None:
        """Packets are missing: what was begun is torn, and so is what comes unless it comes from its beginning."""
        if self._parts or self._fragments is not None:
            self._torn = True
            self._fragments = None
        else:
            self._lost += 1
        self._after_gap = True

    def _refuse(self) -> None:
        """What should be a part of the picture is none: the picture is torn."""
        self._torn = True
        self._fragments = None
        self._doubt()

    def _doubt(self) -> None:
        self._malformed += 1
        if self._malformed >= MALFORMED and self._malformed > self._pictures:
            raise Unsupported("packets that are no video")

    # --- units ---

    def _unpack(self, data: bytes, at: int, end: int) -> None:
        shape = self._shapes[data[at]]
        if shape == FRAGMENT:
            self._fragment(data, at, end)
            return
        if self._fragments is not None:
            self._refuse()  # the last unit was never ended
        if shape == FOREIGN:
            self._doubt()  # makers' own additions are no part of the picture
        elif end - at <= self._head or shape == BROKEN:
            self._refuse()
        elif shape == SINGLE:
            self._unit(data[at:end])
        else:
            self._aggregate(data, at + self._head, end)

    def _aggregate(self, data: bytes, at: int, end: int) -> None:
        while at + 2 < end:
            (size,) = LENGTH.unpack_from(data, at)
            at += 2
            if not self._head < size <= end - at or self._shapes[data[at]] != SINGLE:
                self._refuse()
                return
            self._unit(data[at : at + size])
            at += size

    def _fragment(self, data: bytes, at: int, end: int) -> None:
        body = at + self._head + 1
        if body >= end:
            self._refuse()
            return
        how = data[body - 1]
        if how & 0x80:
            if self._fragments is not None:
                self._refuse()
            self._fragments = [self._first(data, at, how)]
            self._key = self._key or self._is_key(how)
        elif self._fragments is None:
            if not (self._after_gap or self._torn):
                self._refuse()
            self._torn = True
            self._key = self._key or self._is_key(how)
            return
        self._fragments.append(data[body:end])
        self._bound(end - body)
        if how & 0x40:
            unit, self._fragments = b"".join(self._fragments), None
            self._unit(unit)

    def _first(self, data: bytes, at: int, how: int) -> bytes:
        """The header of a unit whose first fragment this is."""
        if self._is_h264:
            return bytes((data[at] & 0xE0 | how & 31,))
        return bytes((data[at] & 0x81 | (how & 63) << 1, data[at + 1]))

    def _is_key(self, how: int) -> bool:
        return (how & 31 if self._is_h264 else how & 63) in self._keys

    def _bound(self, size: int) -> None:
        self._size += size
        if self._size > MAX_PICTURE or len(self._parts) > MAX_PARTS or len(self._fragments or ()) > MAX_PARTS:
            raise BadStream("a picture without an end")

    def _unit(self, unit: bytes) -> None:
        kind = unit[0] & 31 if self._is_h264 else unit[0] >> 1 & 63
        if kind in self._slices:
            is_first = unit[self._head] & 0x80
            if not is_first and not self._has_slices:
                self._begins_late()
            self._has_slices = True
            self._after_gap = False
            self._key = self._key or kind in self._keys
        elif kind in self._sets_kinds:
            self._bound(len(unit))
            # Some cameras send all their sets as one unit.
            self._sets += split(START + unit) if START in unit else [unit]
            return
        elif kind in self._idle:
            return
        self._bound(len(unit))
        self._parts += (len(unit).to_bytes(4, "big"), unit)

    def _begins_late(self) -> None:
        """The first slice of a picture is not here: it was lost, or handed on because of a marker that lied."""
        self._torn = True
        if not self._after_gap and self._ended == self._stamp:
            self._trusts_marker = False
            self._waits_for_key = True

    # --- pictures ---

    def _finish(self, now: float) -> None:
        parts, sets, key = self._parts, self._sets, self._key
        is_whole = not self._torn and self._fragments is None
        self._clear()
        self._after_gap = False
        if not is_whole:
            self._lost += 1
            # What follows a keyframe that is missing shows nothing true.
            self._waits_for_key = self._waits_for_key or key or bool(sets)
            return
        if self._waits_for_key and not key:
            self._lost += 1
            return
        self._waits_for_key = False
        self._pictures += 1
        lost, self._lost = self._lost, 0
        self.shots.append(Shot(b"".join(parts), key, tuple(sets), self._long, now, self._date(), 0, lost))

    def _date(self) -> float | None:
        if self._reference is None:
            return None
        stamp, date = self._reference
        return date + signed(self._stamp - stamp) / RATE

    # --- what the camera says of its clock ---

    def report(self, data: bytes, at: int, end: int) -> None:
        """The RTCP packets in `data[at:end]`."""
        while at + 4 <= end:
            kind, size = data[at + 1], 4 + 4 * LENGTH.unpack_from(data, at + 2)[0]
            if data[at] >> 6 != 2 or at + size > end:
                return
            if kind == 200 and size >= 28:
                _ssrc, seconds, fraction, stamp = SENDER_REPORT.unpack_from(data, at + 4)
                if seconds:
                    self._reference = stamp, seconds - NTP_EPOCH + fraction / 2**32
            elif kind == 203:
                raise Farewell("the camera says that its stream ends")
            at += size
