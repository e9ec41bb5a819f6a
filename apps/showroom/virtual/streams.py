"""What is served at which address, good streams and bad ones.

/cam/<n>                a camera, n from 1

Test streams show camera 1's street and misbehave as real cameras do:

/bad/refuse             answers 454 to everything but OPTIONS
/bad/hang               takes the connection and never answers
/bad/garbage            answers with random bytes, and goes on with them
/bad/noise              a proper session whose packets hold random bytes
/bad/stall/<seconds>    sends for that long, then nothing; the connection stays (default 5)
/bad/flap/<seconds>     breaks the connection after that long (default 3)
/bad/nokey              never a key picture
/bad/late/<seconds>     the first picture comes only after that long (default 20)
/bad/silent             no sender reports, so no wall clock
/bad/wrap               RTP timestamps that pass 2^32 some ten seconds after the program saw its first reader
/bad/h265               H.265
/bad/udp                by UDP alone
/bad/audio              a second track with sound (PCMU)
/bad/resize/<seconds>   640x360 turns into 1280x720 after that long (default 5)
/bad/recode/<seconds>   H.264 turns into H.265 after that long (default 5), once, in the middle of the connection

For so many seconds (default 30) they show the street as it is, then something is wrong for as long, and so on:

/bad/frozen/<seconds>   the same picture again and again, time and all
/bad/black/<seconds>    a black picture
/bad/covered/<seconds>  something hangs before the lens
/bad/blurred/<seconds>  something greasy is on it
/bad/moved/<seconds>    the camera looks elsewhere
"""

import asyncio
import base64
import math
import re
import time
import zlib
from dataclasses import dataclass, field, replace
from datetime import UTC, tzinfo

from . import rtp
from .encoder import RATE, Unit, parameter_sets
from .scene import Scene, View
from .sources import LiveSource, Loop, LoopSource
from .tampered import WAYS, Tampered

LINGER = 3.0  # seconds a camera goes on drawing after its last reader has left
REPORT_EVERY = 5.0
LARGE = (1280, 720)


@dataclass(frozen=True)
class Manner:
    """How a stream misbehaves. Times in seconds after PLAY."""

    refuse: bool = False
    hang: bool = False
    garbage: bool = False
    noise: bool = False
    no_key: bool = False
    silent: bool = False
    udp: bool = False
    stall_after: float = math.inf
    flap_after: float = math.inf
    late: float = 0.0


GOOD = Manner()
_PLAIN = {
    "refuse": Manner(refuse=True),
    "hang": Manner(hang=True),
    "garbage": Manner(garbage=True),
    "noise": Manner(noise=True),
    "nokey": Manner(no_key=True),
    "silent": Manner(silent=True),
    "udp": Manner(udp=True),
}
_TIMED = {"stall": ("stall_after", 5.0), "flap": ("flap_after", 3.0), "late": ("late", 20.0)}


@dataclass(frozen=True)
class Setup:
    """What the whole program serves."""

    cameras: int = 8
    size: tuple[int, int] = (640, 360)
    fps: int = 15
    looped: bool = False
    loops: int = 4
    daylight: float | None = None  # hours; None follows the sun
    place: tuple[float, float] = (127.3845, 36.3504)  # longitude, latitude
    zone: tzinfo = UTC

    def scene(self, number: int, size: tuple[int, int]) -> Scene:
        return Scene(number, size, daylight=self.daylight, place=self.place, zone=self.zone)


class Stream:
    """One source, packetised once for all its readers."""

    def __init__(self, source, *, name: str, size, fps, codec="h264", sound=False, offset=None):
        self.source, self.name, self.size, self.fps, self.codec = source, name, size, fps, codec
        ssrc = zlib.crc32(name.encode())
        self.video = rtp.Track(payload_type=96, rate=RATE, ssrc=ssrc, offset=ssrc if offset is None else offset)
        self.tracks = [self.video]
        if sound:
            self.tracks.append(rtp.Track(payload_type=0, rate=8000, ssrc=ssrc + 1 & 0xFFFFFFFF))
        self.readers = set()
        self.running = False
        self.reported = 0.0
        self.sounded = 0.0
        self.closing: asyncio.TimerHandle | None = None

    def join(self, reader) -> None:
        self.readers.add(reader)
        if self.closing:
            self.closing.cancel()
            self.closing = None
        if not self.running:
            self.running = True
            self.source.start(self.publish)

    def leave(self, reader) -> None:
        self.readers.discard(reader)
        if not self.readers and self.running and not self.closing:
            self.closing = asyncio.get_running_loop().call_later(LINGER, self.close)

    def close(self) -> None:
        self.closing = None
        self.running = False
        self.source.stop()

    def publish(self, unit: Unit) -> None:
        if not self.readers:
            return
        self.codec = unit.codec
        framed: dict[int, bytes] = {}
        packets = self.video.packets(unit.payloads, unit.at)
        for reader in tuple(self.readers):
            reader.picture(packets, unit.key, framed)
        if len(self.tracks) > 1:
            self._sound(unit.at)
        if unit.at - self.reported >= REPORT_EVERY:
            self.reported = unit.at
            for reader in tuple(self.readers):
                reader.reports()

    def _sound(self, until: float) -> None:
        """A soft tone in pieces of 20 ms up to the time of the picture."""
        self.sounded = max(self.sounded, until - 0.2)
        while self.sounded < until:
            packets = self.tracks[1].packets([_tone(round(self.sounded * 8000))], self.sounded, marker=False)
            self.sounded += 0.02
            for reader in tuple(self.readers):
                reader.sound(packets)

    def describe(self, host: str) -> str:
        """The session description (SDP)."""
        sets = parameter_sets(*self.size, self.fps, self.codec)
        coded = [base64.b64encode(one).decode() for one in sets]
        if self.codec == "h264":
            extra = f"packetization-mode=1;profile-level-id={sets[0][1:4].hex()};sprop-parameter-sets={','.join(coded)}"
        else:
            extra = ";".join(f"sprop-{kind}={one}" for kind, one in zip(("vps", "sps", "pps"), coded, strict=True))
        lines = [
            "v=0",
            f"o=- {self.video.ssrc} 1 IN IP4 {host}",
            f"s={self.name}",
            f"c=IN IP4 {host}",
            "t=0 0",
            "a=control:*",
            "m=video 0 RTP/AVP 96",
            f"a=rtpmap:96 {self.codec.upper()}/90000",
            f"a=fmtp:96 {extra}",
            f"a=framerate:{self.fps}",
            "a=control:track0",
        ]
        if len(self.tracks) > 1:
            lines += ["m=audio 0 RTP/AVP 0", "a=rtpmap:0 PCMU/8000", "a=control:track1"]
        return "\r\n".join([*lines, ""])


def _tone(sample: int) -> bytes:
    """160 samples of 400 Hz in mu-law; the tone repeats every 20 samples."""
    wave = [round(2000 * math.sin(2 * math.pi * (sample + i) / 20)) for i in range(20)]
    return bytes(_mu_law(value) for value in wave) * 8


def _mu_law(value: int) -> int:
    sign, size = (0x80, -value) if value < 0 else (0, value)
    size = min(size, 32_635) + 132
    exponent = size.bit_length() - 8
    return ~(sign | exponent << 4 | size >> exponent + 3 & 0x0F) & 0xFF


@dataclass
class Streams:
    """Finds the stream of an address; one stream per camera, made when first asked for."""

    setup: Setup
    made: dict[object, Stream] = field(default_factory=dict)
    scenes: dict[tuple, Scene] = field(default_factory=dict)
    loops: dict[int, Loop] = field(default_factory=dict)

    def find(self, path: str) -> tuple[Manner, Stream] | None:
        """The manner and the stream of `/cam/3` or `/bad/stall/5`; None for an address nobody has."""
        if match := re.fullmatch(r"/cam/([1-9]\d{0,4})", path):
            number = int(match[1])
            return (GOOD, self.camera(number)) if number <= self.setup.cameras else None
        if match := re.fullmatch(r"/bad/([a-z0-9]+)(?:/(\d{1,4}(?:\.\d{1,3})?))?", path):
            return self._bad(match[1], float(match[2]) if match[2] else None)
        return None

    def scene(self, number: int, size=None) -> Scene:
        size = size or self.setup.size
        key = number, size
        if key not in self.scenes:
            self.scenes[key] = self.setup.scene(*key)
        return self.scenes[key]

    def look(self, number: int, view: View) -> None:
        """Turn and zoom camera `number`."""
        self.scene(number).look(view)

    def camera(self, number: int) -> Stream:
        if not self.setup.looped:
            return self._make(number, lambda: self._live(number), name=f"Camera {number}")
        street, turn = number % self.setup.loops + 1, number // self.setup.loops % 8
        return self._make(("loop", street, turn), lambda: self._loop(street, turn / 8), name=f"Loop {street}")

    def _live(self, number: int, **other) -> LiveSource:
        return LiveSource(self.scene(number), fps=self.setup.fps, shift=number * 0.382, **other)

    def _loop(self, street: int, turn: float) -> LoopSource:
        if street not in self.loops:
            self.loops[street] = Loop(self.scene(street), fps=self.setup.fps)
        return LoopSource(self.loops[street], turn=turn)

    def _make(self, key, source, **about) -> Stream:
        if key not in self.made:
            about = {"size": self.setup.size, "fps": self.setup.fps, **about}
            self.made[key] = Stream(source(), **about)
        return self.made[key]

    def _bad(self, kind: str, seconds: float | None) -> tuple[Manner, Stream] | None:
        if kind in _PLAIN and seconds is None:
            return _PLAIN[kind], self.camera(1)
        if kind in _TIMED:
            name, usual = _TIMED[kind]
            return replace(GOOD, **{name: usual if seconds is None else seconds}), self.camera(1)
        if kind in WAYS:
            # One that is turned must not turn camera 1.
            street = self.setup.scene(1, self.setup.size) if kind == "moved" else self.scene(1)
            seen = Tampered(street, kind, seconds or 30.0)
            return GOOD, self._make((kind, seconds), lambda: LiveSource(seen, fps=self.setup.fps), name=kind)
        if kind == "resize":
            small = self.scene(1, (640, 360))
            source = LiveSource(small, fps=self.setup.fps, then=(seconds or 5.0, self.scene(1, LARGE), "h264"))
            # Not shared: each reader sees the change after its own start.
            return GOOD, Stream(source, name="Resizing", size=small.size, fps=self.setup.fps)
        if kind == "recode":
            then = (seconds or 5.0, self.scene(1), "h265")
            return GOOD, self._make((kind, seconds), lambda: self._live(1, then=then), name="Recoding")
        if seconds is not None:
            return None
        if kind == "h265":
            return GOOD, self._make(kind, lambda: self._live(1, codec="h265"), name="H.265", codec="h265")
        if kind == "audio":
            return GOOD, self._make(kind, lambda: self._live(1), name="With sound", sound=True)
        if kind == "wrap":
            offset = -round((time.time() + 10) * RATE) & 0xFFFFFFFF
            return GOOD, self._make(kind, lambda: self._live(1), name="Wrapping", offset=offset)
        return None

    def close(self) -> None:
        for stream in self.made.values():
            stream.close()
