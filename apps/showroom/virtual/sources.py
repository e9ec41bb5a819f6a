"""Where a stream's pictures come from: drawn live, or a loop drawn once and served again and again.

Pictures stand on a grid of unix time (`1 / fps` apart, shifted per camera so that cameras do not all
draw and send key pictures at once). A source that falls behind leaves pictures out; times stay true.
"""

import asyncio
import math
import threading
import time
from collections.abc import Callable

from .encoder import Encoder, Unit
from .scene import Scene

Deliver = Callable[[Unit], None]
LOOP_SECONDS = 10


class Grid:
    """Moments at which a camera takes pictures."""

    def __init__(self, fps: int, shift: float = 0.0):
        self.fps, self.shift = fps, shift % 1

    def at(self, index: int) -> float:
        return (index + self.shift) / self.fps

    def after(self, now: float) -> int:
        return math.floor(now * self.fps - self.shift) + 1


class LiveSource:
    """Draws and encodes in a thread of its own while somebody watches.

    `then` holds (seconds, scene, codec): that long after the start the picture changes to the other scene,
    which may be of another size, in that codec; and stays so.
    """

    def __init__(self, scene: Scene, *, fps: int, codec: str = "h264", shift: float = 0.0, then=None):
        self.scene, self.grid, self.codec, self.then = scene, Grid(fps, shift), codec, then
        self.stopping = threading.Event()

    def start(self, deliver: Deliver) -> None:
        self.stopping = threading.Event()
        loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._run, args=(deliver, loop, self.stopping), name=f"camera-{self.scene.seed}", daemon=True
        ).start()

    def stop(self) -> None:
        self.stopping.set()

    def _run(self, deliver: Deliver, loop: asyncio.AbstractEventLoop, stopping: threading.Event) -> None:
        fps, encoder = self.grid.fps, None
        began = time.time()
        index = before = self.grid.after(began)
        while not stopping.wait(max(0.0, self.grid.at(index) - time.time())):
            at = self.grid.at(index)
            if self.then and at - began > self.then[0]:
                (_, self.scene, self.codec), self.then, encoder = self.then, None, None
            key = encoder is None or index // fps != before // fps
            encoder = encoder or Encoder(*self.scene.size, fps, self.codec)
            unit = encoder.encode(self.scene.frame(at), key=key, at=at)
            try:
                loop.call_soon_threadsafe(deliver, unit)
            except RuntimeError:  # the loop has closed: the program ends
                return
            before, index = index, max(index + 1, self.grid.after(time.time()) - 1)


class Loop:
    """Ten seconds of a street, drawn and encoded once, when first asked for."""

    def __init__(self, scene: Scene, *, fps: int):
        self.scene, self.fps = scene, fps
        self.lock = threading.Lock()
        self.units: list[Unit] = []

    def encoded(self) -> list[Unit]:
        with self.lock:
            if not self.units:
                encoder, began = Encoder(*self.scene.size, self.fps), math.floor(time.time())
                self.units = [
                    encoder.encode(self.scene.frame(began + i / self.fps, live=False), key=i % self.fps == 0, at=0)
                    for i in range(LOOP_SECONDS * self.fps)
                ]
            return self.units


class LoopSource:
    """Serves a loop with fresh timestamps; `turn` (0 to 1) says where in the loop it stands."""

    def __init__(self, loop: Loop, *, turn: float = 0.0):
        self.loop = loop
        self.turn = round(turn * LOOP_SECONDS) * loop.fps + round(turn * loop.fps)
        self.grid = Grid(loop.fps, turn * 7)
        self.task: asyncio.Task | None = None

    def start(self, deliver: Deliver) -> None:
        self.task = asyncio.create_task(self._run(deliver))

    def stop(self) -> None:
        if self.task:
            self.task.cancel()

    async def _run(self, deliver: Deliver) -> None:
        units = await asyncio.to_thread(self.loop.encoded)
        index = self.grid.after(time.time())
        while True:
            await asyncio.sleep(max(0.0, self.grid.at(index) - time.time()))
            original = units[(index + self.turn) % len(units)]
            unit = Unit(original.codec, original.nals, original.key, self.grid.at(index))
            unit.payloads = original.payloads
            deliver(unit)
            index += 1
