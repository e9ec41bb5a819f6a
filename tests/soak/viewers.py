"""Many viewers of live video at once, as real WebSocket clients, and what they and the servers were put through."""

import asyncio
import contextlib
import json
import statistics
import time
from collections.abc import Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import websockets.asyncio.client
from websockets.exceptions import ConnectionClosed

from tests.city.client import command_of, descendants

SPEAKS_EVERY_SECONDS = 0.25  # as static/js/stream.js


class Viewer:
    """Takes pictures as they come, or (`takes` False) stays connected and takes nothing; `speaks` as our page does."""

    def __init__(self, city, camera: int, headers: dict, *, takes: bool = True, speaks: bool = True, port: int = 0):
        place = f"ws://127.0.0.1:{port}" if port else city.base_url.replace("http", "ws")
        self.address = f"{place}/api/v1/cameras/{camera}/live"
        self.headers, self.takes, self.speaks = headers, takes, speaks
        self.got = 0  # `ages` may be emptied
        self.ages: list[float] = []
        self.skipped: list[float] = []
        self.first: float | None = None
        self.ended: tuple[float, int] | None = None

    async def run(self) -> None:
        began = time.monotonic()
        client = websockets.asyncio.client.connect(
            self.address,
            additional_headers=self.headers,
            max_size=None,
            max_queue=4,
            ping_interval=None,
            open_timeout=None,  # as a browser, which waits for as long as the server does not say no
        )
        async with client as view:
            if not self.takes:
                await asyncio.sleep(3600)
            speaking = asyncio.create_task(self.speak(view))
            try:
                async for part in view:
                    self.first = self.first or time.monotonic() - began
                    self.hear(part)
            except ConnectionClosed:
                pass
            finally:
                speaking.cancel()
            self.ended = time.monotonic(), view.close_code

    async def speak(self, view) -> None:
        """By the clock, not by what comes: held back, one would wait for ever for the next picture."""
        with contextlib.suppress(ConnectionClosed):
            while self.speaks:
                await asyncio.sleep(SPEAKS_EVERY_SECONDS)
                await view.send(str(self.got))

    def hear(self, part: str | bytes) -> None:
        if isinstance(part, str):
            self.skipped += [said["skipped"]] if "skipped" in (said := json.loads(part)) else []
        elif part[4:8] == b"moof":
            self.got += 1
            self.ages.append(time.time() - int.from_bytes(part[-8:], "big") / 1e6)


@asynccontextmanager
async def watching(viewers: Iterable[Viewer]):
    """All of them, connected a few at a time, until the block ends."""
    tasks = []
    for viewer in viewers:
        tasks.append(asyncio.create_task(viewer.run()))
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def narrow_way(city, bytes_a_second: int):
    """A way to the city that takes in all it is given, and passes on so much; its port."""
    _, _, there = city.base_url.rpartition(":")

    async def pump(reader, writer, rate: int) -> None:
        while data := await reader.read(rate // 20):
            writer.write(data)
            await asyncio.sleep(len(data) / rate)

    async def pass_on(reader, writer) -> None:
        onward, back = await asyncio.open_connection("127.0.0.1", int(there), limit=64 * 1024 * 1024)
        pumps = pump(reader, back, 10_000_000), pump(onward, writer, bytes_a_second)
        ways = [asyncio.create_task(way) for way in pumps]
        with contextlib.suppress(asyncio.CancelledError):  # the test is over
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (back, writer):
            end.transport.abort()

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def connections_to(port: int) -> int:
    """TCP connections to a port of this machine."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[2].endswith(f":{port:04X}") and row[3] == "01" for row in rows)


def process_of(city, *words: str) -> int:
    return next(pid for pid in descendants(city.process.pid) if all(word in command_of(pid) for word in words))


def megabytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) / 1024


def high(figures: list[float], percent: int) -> float:
    return statistics.quantiles(figures, n=100, method="inclusive")[percent - 1]
