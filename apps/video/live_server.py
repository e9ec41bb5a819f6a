"""Hands the pictures of this recorder's cameras to readers on other processes and hosts."""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections import Counter
from threading import Thread

from django.conf import settings

from apps.video import reasons, tls, wire
from apps.video.channel import Channel, Config, Frame, Viewer

logger = logging.getLogger(__name__)

# A camera that comes back within this time does not cost its viewers their view.
GRACE = 5.0
# Who has not proved by then that they know the secret is no reader of ours; nor does anybody need a place for that
# when so many try at once.
HANDSHAKE_SECONDS = 5.0
MOST_STRANGERS = 64
FAREWELL_SECONDS = 1.0
# Small, so that what a slow reader has not taken waits here, where it can be dropped.
SEND_BUFFER = 128 * 1024


def listen(host: str, ports: range) -> socket.socket:
    """A socket on the first free one of `ports` of `host`, and on no other address of this machine. OSError."""
    family, *_, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
    for port in ports:
        try:
            return socket.create_server((address[0], port), family=family)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
    raise OSError(errno.EADDRINUSE, f"no port is free among RECORDER_PORTS at {host}")


class LiveServer:
    def __init__(self, host: str):
        self._host = host
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._run, name="live", daemon=True)
        self._own_tasks: list[asyncio.Task] = []
        self._encryption: dict = {}
        self._fingerprint = b""
        # Those who have not proved who they are yet, in the order in which they came, with their hosts.
        self._strangers: dict[asyncio.Task, str] = {}
        self.channels: dict[int, Channel] = {}
        self.address = ""

    def start(self) -> None:
        self._thread.start()
        starting = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.address = starting.result(10)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        if not self._thread.is_alive():
            self._loop.close()

    def open(self, camera_id: int) -> Channel:
        channel = self.channels[camera_id] = Channel(self._loop.call_soon_threadsafe)
        return channel

    def close(self, camera_id: int) -> None:
        channel = self.channels.pop(camera_id, None)
        if channel:
            self._loop.call_soon_threadsafe(channel.end_all, reasons.RECORDER_GONE)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _start(self) -> str:
        listening = listen(self._host, settings.RECORDER_PORTS)
        listening.setblocking(False)
        host, port = listening.getsockname()[:2]
        if tls.leaves_the_machine(host):
            context, self._fingerprint = tls.for_recorder()
            self._encryption = {"ssl": context, "ssl_shutdown_timeout": FAREWELL_SECONDS}
        self._own_tasks = [asyncio.create_task(self._let_in(listening)), asyncio.create_task(self._end_the_dead())]
        return f"{host}:{port}"

    async def _stop(self) -> None:
        for task in self._own_tasks:
            task.cancel()
        for channel in self.channels.values():
            channel.end_all(reasons.RECORDER_GONE)
        await asyncio.sleep(0.1)
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _end_the_dead(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            for channel in list(self.channels.values()):
                if channel.viewers and channel.down_for() > GRACE:
                    channel.end_all(channel.reason)

    async def _let_in(self, listening: socket.socket) -> None:
        with listening:
            while True:
                try:
                    connection, (host, *_port) = await self._loop.sock_accept(listening)
                except OSError as error:
                    logger.error("nobody can be let in for a second: %s", error)
                    await asyncio.sleep(1)
                    continue
                task = asyncio.create_task(self._serve(connection, host))
                self._strangers[task] = host
                task.add_done_callback(lambda task: self._strangers.pop(task, None))
                if len(self._strangers) > MOST_STRANGERS:
                    self._turn_one_away()
                # Who stands at the door already is accepted without waiting: the others have their turn all the same.
                await asyncio.sleep(0)

    def _turn_one_away(self) -> None:
        """The longest there of the host that sent most: a crowd from one host takes no other host's place."""
        crowd, _number = Counter(self._strangers.values()).most_common(1)[0]
        longest = next(task for task, host in self._strangers.items() if host == crowd)
        del self._strangers[longest]
        longest.cancel()

    async def _serve(self, connection: socket.socket, host: str) -> None:
        writer = None
        try:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                reader, writer = await self._streams(connection)
                want, camera_id = await self._greet(reader, writer)
            self._strangers.pop(asyncio.current_task(), None)
            await self._answer(want, camera_id, reader, writer)
        except (wire.BadPeer, TimeoutError, ValueError) as error:
            logger.warning("live reader at %s turned away: %s", host, str(error) or "it says nothing")
        except (OSError, asyncio.IncompleteReadError):
            pass  # the reader left
        finally:
            if writer:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()

    async def _streams(self, connection: socket.socket) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader = asyncio.StreamReader(limit=wire.LONGEST_WISH)
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, connection, **self._encryption)
        transport.set_write_buffer_limits(high=SEND_BUFFER)
        return reader, asyncio.StreamWriter(transport, protocol, reader, self._loop)

    async def _greet(self, reader, writer) -> tuple[str, int]:
        said, challenge = wire.greeting(self._fingerprint)
        writer.write(said)
        await writer.drain()
        return wire.read_wish(challenge, await reader.readline())

    async def _answer(self, want: str, camera_id: int, reader, writer) -> None:
        channel = self.channels.get(camera_id)
        if channel is None:
            _send(writer, wire.END, reasons.NO_RECORDER.encode())
        elif want == wire.STILL:
            await self._send_still(channel, writer)
        elif want == wire.WATCH:
            await self._send_live(channel, reader, writer)
        await writer.drain()

    async def _send_still(self, channel: Channel, writer) -> None:
        frame = await _first_key(channel)
        if frame is None:
            _send(writer, wire.END, channel.reason.encode())
        else:
            _send_config(writer, frame.config)
            _send_frame(writer, frame)

    async def _send_live(self, channel: Channel, reader, writer) -> None:
        viewer = channel.join()
        # The reader says nothing more: whatever comes, even nothing, means that it left.
        leaving = asyncio.create_task(reader.read(1))
        leaving.add_done_callback(lambda _: viewer.end(""))
        try:
            await _feed(viewer, writer)
            if viewer.ended:
                _send(writer, wire.END, viewer.ended.encode())
        finally:
            channel.leave(viewer)
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError, OSError):
                await leaving


async def _first_key(channel: Channel) -> Frame | None:
    """The newest keyframe; a camera that only now connects gets a moment."""
    for _ in range(30):
        frame = channel.newest_key()
        if frame or channel.reason != reasons.STARTING:
            return frame
        await asyncio.sleep(0.1)
    return None


async def _feed(viewer: Viewer, writer: asyncio.StreamWriter) -> None:
    config = None
    while (frame := await viewer.next()) is not None and viewer.ended is None:
        if frame.config is not config:
            config = frame.config
            _send_config(writer, config)
        _send_frame(writer, frame)
        await writer.drain()


def _send(writer: asyncio.StreamWriter, kind: bytes, payload: bytes, taken_at: float = 0.0) -> None:
    writer.writelines((wire.HEADER.pack(kind, len(payload), taken_at), payload))


def _send_config(writer: asyncio.StreamWriter, config: Config) -> None:
    _send(writer, wire.CONFIG, config.mime.encode(), time.time())
    _send(writer, wire.INIT, config.init)


def _send_frame(writer: asyncio.StreamWriter, frame: Frame) -> None:
    size = len(frame.head) + len(frame.data)
    kind = wire.KEY if frame.key else wire.DELTA
    writer.writelines((wire.HEADER.pack(kind, size, frame.taken_at), frame.head, frame.data))
