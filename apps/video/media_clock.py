"""When a picture was taken: the camera's timestamps for the steps, this machine's clock for the date."""

from apps.video.fmp4 import TIMESCALE

# No camera leaves so much between two pictures: a longer step, or one backwards, is a broken timestamp.
LONGEST_STEP = 10 * TIMESCALE
USUAL_STEP = TIMESCALE // 15


class MediaClock:
    """Places the pictures of one connection on a line that starts at `first` and only grows.

    A picture can arrive late but never early, so the smallest delay seen is nearest to the truth.
    """

    def __init__(self, first: int = 0):
        self.at = first
        self.step = USUAL_STEP
        self._stamp: int | None = None
        self._wall = 0.0
        self._least = float("inf")

    def place(self, stamp: int | None, wall: float) -> int:
        """The time in ticks of a picture with decoding timestamp `stamp` that arrived at `wall` (Unix s)."""
        if self._wall:
            self.at += self._step_to(stamp, wall)
        self._stamp, self._wall = stamp, wall
        self._least = min(self._least, wall - self.at / TIMESCALE)
        return self.at

    def _step_to(self, stamp: int | None, wall: float) -> int:
        if stamp is not None and self._stamp is not None and 0 < stamp - self._stamp <= LONGEST_STEP:
            self.step = stamp - self._stamp
            return self.step
        return min(max(1, round((wall - self._wall) * TIMESCALE)), LONGEST_STEP)

    def origin(self) -> float:
        """Unix seconds of tick 0, by what arrived since the last `forget`."""
        return self._least

    def forget(self) -> None:
        """Judge delays anew, from the newest picture on, so that a camera's drifting clock is followed."""
        self._least = self._wall - self.at / TIMESCALE
