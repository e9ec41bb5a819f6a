import asyncio
import socket
import threading
from contextlib import contextmanager

import pytest

from apps.showroom.virtual.rtsp import Server
from apps.showroom.virtual.streams import Setup, Streams


class Served:
    """The virtual cameras, serving in a thread on a free port."""

    def __init__(self, setup: Setup, **options):
        self.streams = Streams(setup)
        self.server = Server(self.streams, host="127.0.0.1", port=0, **options)
        self.loop = asyncio.new_event_loop()
        self.ready, self.over = threading.Event(), asyncio.Event()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._serve(),))

    async def _serve(self) -> None:
        await self.server.start()
        self.ready.set()
        await self.over.wait()
        await self.server.close()

    def url(self, path: str) -> str:
        return f"rtsp://127.0.0.1:{self.server.port}{path}"

    def connect(self, timeout: float = 15) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.server.port), timeout=timeout)

    def ask(self, text: str | bytes, timeout: float = 15) -> bytes:
        """What the server says to raw bytes, until it closes, or after its first answer's headers."""
        with self.connect(timeout) as link:
            link.sendall(text.encode() if isinstance(text, str) else text)
            answer = b""
            while b"\r\n\r\n" not in answer and (piece := link.recv(65_536)):
                answer += piece
        return answer


@contextmanager
def serving(setup: Setup, **options):
    served = Served(setup, **options)
    served.thread.start()
    assert served.ready.wait(20)
    try:
        yield served
    finally:
        served.loop.call_soon_threadsafe(served.over.set)
        served.thread.join(20)
        assert not served.thread.is_alive()
        served.loop.close()


@pytest.fixture(scope="module")
def cameras():
    with serving(Setup(cameras=4, daylight=14.0)) as served:
        yield served
