"""The newest pictures of one camera in memory, and the viewers they are handed to."""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from apps.video import reasons
from apps.video.fmp4 import init_segment
from apps.video.nal import Track

# A viewer further behind than this waits for the next keyframe instead of falling behind for hours.
LAG = 2.0
# Pictures since the last keyframe that are kept for the next viewer. A camera that sends more between
# two keyframes makes its viewers wait for the next.
GOP_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Config:
    mime: str
    init: bytes

    @classmethod
    def of(cls, track: Track) -> "Config":
        return cls(json.dumps({"mime": track.mime}), init_segment(track))


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture as a fragment: `head` is its moof and mdat header, `data` the sample."""

    number: int
    config: Config
    key: bool
    head: bytes
    data: bytes
    taken_at: float


class Viewer:
    """A bounded queue between a camera and one reader. Lives in the event loop."""

    def __init__(self):
        self.queue: deque[tuple[float, Frame]] = deque()
        self.news = asyncio.Event()
        self.seen = 0
        self.waits_for_key = True
        self.jumps = 0
        self.ended: str | None = None

    def offer(self, frame: Frame) -> None:
        if frame.number <= self.seen:
            return
        self.seen = frame.number
        now = time.monotonic()
        if self.queue and now - self.queue[0][0] > LAG:
            self.queue.clear()
            self.waits_for_key = True
            self.jumps += 1
        if self.waits_for_key and not frame.key:
            return
        self.waits_for_key = False
        self.queue.append((now, frame))
        self.news.set()

    def end(self, reason: str) -> None:
        self.ended = reason
        self.news.set()

    async def next(self) -> Frame | None:
        """The next picture to send; None when there will be no more."""
        while not self.queue:
            if self.ended is not None:
                return None
            self.news.clear()
            await self.news.wait()
        return self.queue.popleft()[1]


class Channel:
    """Filled by the camera's thread, read by the event loop of the live server."""

    def __init__(self, call_soon: Callable[..., None]):
        self._call_soon = call_soon
        self._guard = Lock()
        self._gop: list[Frame] = []
        self._bytes = 0
        self._config: Config | None = None
        self._number = 0
        self.reason = reasons.STARTING
        self.down_since: float | None = time.monotonic()
        self.viewers: set[Viewer] = set()

    # --- the camera's side ---

    def begin(self, track: Track) -> None:
        self.announce(Config.of(track))

    def announce(self, config: Config) -> None:
        with self._guard:
            self._config = config
            self._gop, self._bytes = [], 0
            self.reason = reasons.STARTING

    def publish(self, head: bytes, data: bytes, key: bool, taken_at: float) -> None:
        with self._guard:
            self._number += 1
            frame = Frame(self._number, self._config, key, head, data, taken_at)
            self._keep(frame)
            self.down_since = None
        if self.viewers:
            self._call_soon(self._hand_out, frame)

    def _keep(self, frame: Frame) -> None:
        if frame.key:
            self._gop, self._bytes = [frame], len(frame.data)
        elif self._gop:
            self._bytes += len(frame.data)
            if self._bytes > GOP_BYTES:
                self._gop, self._bytes = [], 0
            else:
                self._gop.append(frame)

    def down(self, reason: str) -> None:
        with self._guard:
            self._gop, self._bytes = [], 0
            self.reason = reason
            self.down_since = self.down_since or time.monotonic()

    # --- the viewers' side, in the event loop ---

    def join(self) -> Viewer:
        """A viewer that has the pictures since the last keyframe waiting for it."""
        viewer = Viewer()
        with self._guard:
            self.viewers.add(viewer)
            waiting = list(self._gop)
        for frame in waiting:
            viewer.offer(frame)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self.viewers.discard(viewer)

    def newest_key(self) -> Frame | None:
        with self._guard:
            return self._gop[0] if self._gop else None

    def _hand_out(self, frame: Frame) -> None:
        for viewer in self.viewers:
            viewer.offer(frame)

    def end_all(self, reason: str) -> None:
        for viewer in self.viewers:
            viewer.end(reason)

    @property
    def has_shown(self) -> bool:
        return self._number > 0

    def down_for(self) -> float:
        since = self.down_since
        return 0.0 if since is None else time.monotonic() - since
