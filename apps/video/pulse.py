"""Was this process stopped for so long that another may have taken its cameras?"""

import time
from threading import Event, Thread

TICK_SECONDS = 0.5
# Less than RECORDER_SILENCE by more than a beat, so that whoever was stopped knows before it writes again.
LAPSE_SECONDS = 3.0


class Pulse:
    """Ticks while the process runs; a tick that comes late is a lapse, and after one the leases must be read again.

    What a camera sent during a lapse waits in the sockets: written down on waking, it would have a wrong date, and
    it may be what another recorder has written already.
    """

    def __init__(self):
        self.lapses = self._verified = 0
        self._ticked = float("inf")
        self._stop = Event()
        self._thread = Thread(target=self._run, name="pulse", daemon=True)

    def start(self) -> None:
        self._ticked = time.monotonic()
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(TICK_SECONDS * 4)

    def is_late(self, now: float) -> bool:
        """Whether the tick that should have come has not; `now` is monotonic."""
        return now - self._ticked > LAPSE_SECONDS

    @property
    def is_steady(self) -> bool:
        return self.lapses == self._verified

    def verify(self, lapses: int) -> None:
        """The leases were read after that many lapses."""
        self._verified = lapses

    def _run(self) -> None:
        while not self._stop.wait(TICK_SECONDS):
            now = time.monotonic()
            if self.is_late(now):
                self.lapses += 1
            self._ticked = now
