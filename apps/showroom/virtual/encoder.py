"""Pictures to H.264 or H.265, quickly: no B-frames, no look-ahead, a key picture when we say so."""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property, lru_cache

import av
import numpy as np
from av.video.frame import PictureType

from . import rtp

RATE = 90_000
_COMMON = "scenecut=0:bframes=0:open-gop=0"
_ENCODERS = {
    "h264": (
        "libx264",
        {
            "preset": "superfast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x264-params": f"{_COMMON}:keyint=infinite:rc-lookahead=0:sliced-threads=0:weightp=0:aq-mode=1:subme=1",
        },
    ),
    "h265": (
        "libx265",
        {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "forced-idr": "1",
            "x265-params": f"{_COMMON}:keyint=-1:repeat-headers=1:info=0:log-level=none:pools=1:frame-threads=1",
        },
    ),
}
_PARAMETER_SETS = {"h264": {7, 8}, "h265": {32, 33, 34}}
_WANTED = {"h264": {1, 5, 7, 8}, "h265": {*range(22), 32, 33, 34}}


@dataclass
class Unit:
    """One encoded picture: its NAL units, taken at unix time `at`."""

    codec: str
    nals: list[bytes]
    key: bool
    at: float = field(default=0.0, compare=False)

    @cached_property
    def payloads(self) -> list[bytes]:
        return [payload for nal in self.nals for payload in rtp.PAYLOADS[self.codec](nal)]


def nal_kind(codec: str, nal: bytes) -> int:
    return nal[0] & 0x1F if codec == "h264" else nal[0] >> 1 & 0x3F


def split(stream: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream."""
    return [part.rstrip(b"\0") for part in stream.split(b"\0\0\1") if part.strip(b"\0")]


class Encoder:
    def __init__(self, width: int, height: int, fps: int, codec: str = "h264", kbits: int = 0):
        name, options = _ENCODERS[codec]
        self.codec, self.fps = codec, fps
        # A wall of still asphalt needs little; the ceiling holds the key pictures of a busy street.
        kbits = kbits or round(550 * (width * height / 230_400) ** 0.8)
        self.context = context = av.CodecContext.create(name, "w")
        context.width, context.height, context.pix_fmt = width, height, "yuv420p"
        context.time_base, context.framerate = Fraction(1, fps), Fraction(fps, 1)
        context.thread_count = 1
        context.options = {**options, "crf": "24", "maxrate": f"{kbits}k", "bufsize": f"{kbits}k"}
        self.count = 0

    def encode(self, planes: np.ndarray, *, key: bool, at: float) -> Unit:
        """`planes` is yuv420p as one array (height * 3 / 2, width)."""
        frame = av.VideoFrame.from_ndarray(planes, format="yuv420p")
        frame.pts = self.count
        frame.pict_type = PictureType.I if key or self.count == 0 else PictureType.NONE
        self.count += 1
        nals = [nal for packet in self.context.encode(frame) for nal in split(bytes(packet))]
        wanted = [nal for nal in nals if nal_kind(self.codec, nal) in _WANTED[self.codec]]
        return Unit(self.codec, wanted, frame.pict_type == PictureType.I, at)


@lru_cache(maxsize=16)
def parameter_sets(width: int, height: int, fps: int, codec: str) -> tuple[bytes, ...]:
    """What the session description needs before the first picture is drawn; the same for every camera."""
    grey = np.full((height * 3 // 2, width), 128, np.uint8)
    unit = Encoder(width, height, fps, codec).encode(grey, key=True, at=0)
    return tuple(nal for nal in unit.nals if nal_kind(codec, nal) in _PARAMETER_SETS[codec])
