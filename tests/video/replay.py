"""Recorded packets played to one connection of a recorder, with clocks that the test sets."""

from dataclasses import dataclass, field
from pathlib import Path

from apps.video.channel import Channel
from apps.video.feed import Closed, Feed, Opened, _Session
from apps.video.nal import H264, sample, track_from
from apps.video.rtp import Shot
from tests.video.filming import FPS, STEP


@dataclass
class Clocks:
    """This machine's date, and seconds since it began to run."""

    wall: float
    running: float = 1000.0

    def time(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.running

    def pass_by(self, seconds: float) -> None:
        self.wall += seconds
        self.running += seconds


@dataclass
class Replay:
    """A camera whose pictures arrive when the test says so; `told` is what its feed told."""

    root: Path
    clocks: Clocks
    packets: list[bytes]
    codec: str = H264
    told: list = field(default_factory=list)
    stamp: int = 0
    ahead: float | None = None  # the camera's own date, so many seconds more than this machine's
    number: int = 1

    def __post_init__(self):
        channel = Channel(lambda *_: None)
        self.feed = Feed(self.number, "rtsp://camera", root=self.root, channel=channel, tell=self.told.append)
        self.connect()

    def connect(self) -> None:
        self.session = _Session(self.feed)
        self.session._track = track_from(self.codec, sample(self.packets[0], self.codec)[2])
        self._next = 0

    def send(self, seconds: float) -> None:
        """Pictures for `seconds`, as fast as a camera sends them."""
        for _ in range(round(seconds * FPS)):
            data, key, sets = sample(self.packets[self._next % len(self.packets)], self.codec)
            date = None if self.ahead is None else self.clocks.wall + self.ahead
            self.session._take(Shot(data, key, sets, self.stamp, self.clocks.running, date))
            self._next += 1
            self.stamp = self.stamp + STEP
            self.clocks.pass_by(1 / FPS)

    def hang_up(self) -> None:
        self.session.close()

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Date (Unix s) of beginning and end of every closed segment."""
        return [(news.recording.started, news.ended) for news in self.told if isinstance(news, Closed)]

    @property
    def sessions(self) -> list[int]:
        return [news.session for news in self.told if isinstance(news, Opened)]
