"""When a picture was taken: the camera's timestamps for the steps, a clock for the date."""

import time

from apps.video.fmp4 import TIMESCALE

# No camera leaves so much between two pictures: a longer step, or one backwards, is a broken timestamp.
LONGEST_STEP = 10 * TIMESCALE
USUAL_STEP = TIMESCALE // 15
# Where the timestamps of RTP, and of MPEG streams, begin again from 0.
WRAPS = (2**32, 2**33)
# A camera's own date is believed while it is at most this many seconds before the arrival of its pictures.
# That is what encoding and a network take; a clock that is further off, or ahead, is simply wrong.
CREDIBLE_DELAY = 1.0


def wall_offset() -> float:
    """Unix time minus monotonic time, in seconds. It changes when somebody sets this machine's clock."""
    while True:
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
        if after - before < 0.005:  # otherwise this thread was interrupted between the readings
            return wall - before


class MediaClock:
    """Places the pictures of one connection on a line that starts at `first` and only grows.

    A picture can arrive late but never early, so the smallest delay seen is nearest to the truth; a camera
    that sends its own date, and is credible, comes nearer.
    """

    def __init__(self, first: int = 0):
        self.at = first
        self.step = USUAL_STEP
        self._stamp: int | None = None
        self._wall = 0.0
        self._least = float("inf")
        self._by_camera: float | None = None

    def place(self, stamp: int | None, wall: float) -> int:
        """The time in ticks of a picture with decoding timestamp `stamp` that arrived at `wall` (Unix s)."""
        if self._wall:
            self.at += self._step_to(stamp, wall)
        self._stamp, self._wall = stamp, wall
        self._least = min(self._least, wall - self.at / TIMESCALE)
        return self.at

    def _step_to(self, stamp: int | None, wall: float) -> int:
        if stamp is not None and self._stamp is not None:
            # When the picture arrived says nothing of its step: one that came late would leave a hole that is none.
            for step in ((stamp - self._stamp) % wrap for wrap in WRAPS):
                if 0 < step <= LONGEST_STEP:
                    self.step = step
                    return step
        return min(max(1, round((wall - self._wall) * TIMESCALE)), LONGEST_STEP)

    def dated(self, taken: float | None) -> None:
        """The camera says that the picture placed last was taken at `taken` (Unix s)."""
        self._by_camera = None if taken is None else taken - self.at / TIMESCALE

    def set_by(self, seconds: float) -> None:
        """This machine's clock was set forward by `seconds`: what arrived so far arrived that much later."""
        self._wall += seconds
        self._least += seconds

    def origin(self) -> float:
        """Unix seconds of tick 0, by what was heard since the last `forget`."""
        if self._by_camera is not None and 0 <= self._least - self._by_camera <= CREDIBLE_DELAY:
            return self._by_camera
        return self._least

    def forget(self) -> None:
        """Judge delays anew, from the newest picture on, so that a camera's drifting clock is followed."""
        self._least = self._wall - self.at / TIMESCALE
