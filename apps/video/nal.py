"""Reading H.264 and H.265 just deep enough to record them: access units, parameter sets, picture size."""

from dataclasses import dataclass
from functools import cached_property

START = b"\x00\x00\x01"
H264, H265 = "h264", "h265"
# Types of parameter sets, of pictures that decode alone, and of what a recording need not keep
# (access unit delimiters, filler).
SETS = {H264: {7, 8}, H265: {32, 33, 34}}
KEYS = {H264: {5}, H265: set(range(16, 22))}
IDLE = {H264: {9, 12}, H265: {35, 38}}
MAX_SIDE = 16384


class BadStream(ValueError):
    """These bytes are not the video they claim to be."""


def split(data: bytes) -> list[bytes]:
    """The NAL units of Annex B `data`."""
    units = []
    begin = data.find(START)
    while begin >= 0:
        begin += 3
        end = data.find(START, begin)
        unit = data[begin : end if end >= 0 else len(data)]
        # A unit never ends in a zero byte: those belong to the next start code.
        if unit and not unit[-1]:
            unit = unit.rstrip(b"\x00")
        if unit:
            units.append(unit)
        begin = end
    return units


def kind(unit: bytes, codec: str) -> int:
    return unit[0] & 31 if codec == H264 else unit[0] >> 1 & 63


def sample(data: bytes, codec: str) -> tuple[bytes, bool, tuple[bytes, ...]]:
    """One packet as an MP4 sample: (units with their length before them, decodes alone, parameter sets)."""
    sets, parts, key = [], [], False
    for unit in split(data):
        what = kind(unit, codec)
        if what in SETS[codec]:
            sets.append(unit)
        elif what not in IDLE[codec]:
            key = key or what in KEYS[codec]
            parts += (len(unit).to_bytes(4, "big"), unit)
    return b"".join(parts), key, tuple(sets)


class Bits:
    def __init__(self, unit: bytes):
        plain = unit.replace(b"\x00\x00\x03", b"\x00\x00")
        self.value, self.left = int.from_bytes(plain, "big"), len(plain) * 8

    def u(self, n: int) -> int:
        self.left -= n
        if self.left < 0:
            raise BadStream("parameter set ends early")
        return self.value >> self.left & (1 << n) - 1

    def ue(self) -> int:
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise BadStream("number too long in a parameter set")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        k = self.ue()
        return (k + 1) // 2 if k & 1 else -(k // 2)


@dataclass(frozen=True)
class Picture:
    width: int
    height: int
    chroma: int = 1
    luma_bits: int = 8
    chroma_bits: int = 8

    def __post_init__(self):
        if not (0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE):
            raise BadStream(f"impossible picture size {self.width}x{self.height}")


HIGH_PROFILES = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135}


def h264_picture(sps: bytes) -> Picture:
    """ITU-T H.264, 7.3.2.1.1, as far as the cropping window."""
    bits = Bits(sps)
    bits.u(8)
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, luma_bits, chroma_bits = 1, 8, 8
    if profile in HIGH_PROFILES:
        chroma = bits.ue()
        if chroma == 3:
            bits.u(1)
        luma_bits, chroma_bits = 8 + bits.ue(), 8 + bits.ue()
        bits.u(1)
        if bits.u(1):
            _skip_scaling_lists(bits, 8 if chroma != 3 else 12)
    bits.ue()
    _skip_picture_order(bits)
    bits.ue()
    bits.u(1)
    width, height = (bits.ue() + 1) * 16, (bits.ue() + 1) * 16
    frames_only = bits.u(1)
    if not frames_only:
        bits.u(1)
        height *= 2
    bits.u(1)
    if bits.u(1):
        across = 2 if chroma in (1, 2) else 1
        down = (2 if chroma == 1 else 1) * (2 - frames_only)
        width -= across * (bits.ue() + bits.ue())
        height -= down * (bits.ue() + bits.ue())
    return Picture(width, height, chroma, luma_bits, chroma_bits)


def _skip_scaling_lists(bits: Bits, count: int) -> None:
    for i in range(count):
        if not bits.u(1):
            continue
        last = following = 8
        for _ in range(16 if i < 6 else 64):
            if following:
                following = (last + bits.se()) % 256
            last = following or last


def _skip_picture_order(bits: Bits) -> None:
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.u(1)
        bits.se()
        bits.se()
        count = bits.ue()
        if count > 255:
            raise BadStream("impossible picture order cycle")
        for _ in range(count):
            bits.se()


def h265_picture(sps: bytes) -> Picture:
    """ITU-T H.265, 7.3.2.2.1, as far as the bit depths."""
    bits = Bits(sps)
    bits.u(16 + 4)
    layers = bits.u(3)
    bits.u(1 + 96)
    present = [(bits.u(1), bits.u(1)) for _ in range(layers)]
    if layers:
        bits.u(2 * (8 - layers))
    for has_profile, has_level in present:
        bits.u(88 * has_profile + 8 * has_level)
    bits.ue()
    chroma = bits.ue()
    if chroma == 3:
        bits.u(1)
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        across, down = (2 if chroma in (1, 2) else 1), (2 if chroma == 1 else 1)
        width -= across * (bits.ue() + bits.ue())
        height -= down * (bits.ue() + bits.ue())
    return Picture(width, height, chroma, 8 + bits.ue(), 8 + bits.ue())


@dataclass(frozen=True)
class Track:
    """What a player must know before the first picture: codec and parameter sets."""

    codec: str
    sets: tuple[bytes, ...]

    def __post_init__(self):
        if not all(self._of(what) for what in SETS[self.codec]):
            raise BadStream("parameter sets missing")
        if len(self.sps) < (4 if self.codec == H264 else 15):
            raise BadStream("parameter set ends early")
        self.picture  # noqa: B018 - an unreadable picture size is refused here, not in the middle of a recording

    def _of(self, what: int) -> list[bytes]:
        return [unit for unit in self.sets if kind(unit, self.codec) == what]

    @property
    def sps(self) -> bytes:
        return self._of(7 if self.codec == H264 else 33)[0]

    @cached_property
    def picture(self) -> Picture:
        return h264_picture(self.sps) if self.codec == H264 else h265_picture(self.sps)

    @property
    def width(self) -> int:
        return self.picture.width

    @property
    def height(self) -> int:
        return self.picture.height

    def with_sets(self, found: tuple[bytes, ...]) -> "Track":
        """This track after `found` came in the stream; the same object when they say nothing new."""
        if set(found) <= set(self.sets):
            return self
        types = {kind(unit, self.codec) for unit in found}
        kept = [unit for unit in self.sets if kind(unit, self.codec) not in types]
        return Track(self.codec, tuple(dict.fromkeys([*kept, *found])))

    @cached_property
    def name(self) -> str:
        """The codec string of RFC 6381, for `video/mp4; codecs=…`."""
        if self.codec == H264:
            return f"avc1.{self.sps[1:4].hex().upper()}"
        head = self._profile()
        space = ("", "A", "B", "C")[head[0] >> 6]
        compatible = int(f"{int.from_bytes(head[1:5], 'big'):032b}"[::-1], 2)
        tier = "H" if head[0] & 32 else "L"
        constraints = "".join(f".{byte:X}" for byte in head[5:11].rstrip(b"\x00"))
        return f"hvc1.{space}{head[0] & 31}.{compatible:X}.{tier}{head[11]}{constraints}"

    @property
    def mime(self) -> str:
        return f'video/mp4; codecs="{self.name}"'

    def _profile(self) -> bytes:
        """The twelve bytes of general profile, tier and level of an H.265 stream."""
        return self.sps.replace(b"\x00\x00\x03", b"\x00\x00")[3:15]

    def configuration(self) -> bytes:
        """The body of avcC or hvcC (ISO/IEC 14496-15)."""
        return self._avcc() if self.codec == H264 else self._hvcc()

    def _avcc(self) -> bytes:
        sps, pps = self._of(7), self._of(8)
        body = b"\x01" + self.sps[1:4] + b"\xff" + bytes([0xE0 | len(sps)])
        body += b"".join(len(u).to_bytes(2, "big") + u for u in sps)
        body += bytes([len(pps)]) + b"".join(len(u).to_bytes(2, "big") + u for u in pps)
        if self.sps[1] in (100, 110, 122, 144):
            p = self.picture
            body += bytes([0xFC | p.chroma, 0xF8 | p.luma_bits - 8, 0xF8 | p.chroma_bits - 8, 0])
        return body

    def _hvcc(self) -> bytes:
        p = self.picture
        layers = (self.sps[2] >> 1 & 7) + 1
        body = b"\x01" + self._profile() + b"\xf0\x00\xfc"
        body += bytes([0xFC | p.chroma, 0xF8 | p.luma_bits - 8, 0xF8 | p.chroma_bits - 8, 0, 0])
        body += bytes([layers << 3 | (self.sps[2] & 1) << 2 | 3, 3])
        for what in (32, 33, 34):
            units = self._of(what)
            body += bytes([0x80 | what]) + len(units).to_bytes(2, "big")
            body += b"".join(len(u).to_bytes(2, "big") + u for u in units)
        return body


def track_from(codec: str, found: tuple[bytes, ...]) -> Track | None:
    """A track when `found` holds every parameter set it needs."""
    if SETS[codec] <= {kind(unit, codec) for unit in found}:
        return Track(codec, tuple(dict.fromkeys(found)))
    return None
