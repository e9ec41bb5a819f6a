"""One thread that reads what all cameras of a process send, and hands whole pictures to the cameras' threads.

A thread that waits for each packet of each camera costs more in waking up than in reading; see
docs/adr/0010-recorder.md.
"""

import logging
import select
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from apps.video import rtsp
from apps.video.nal import BadStream
from apps.video.rtp import Assembler, Farewell, Shot, Unsupported

logger = logging.getLogger(__name__)

# Between two looks: what comes meanwhile is taken in one go.
PAUSE_SECONDS = 0.01
WAIT_SECONDS = 0.1
# Pictures that nobody watches are handed over in lots of so long: to wake a camera's thread costs more than they do.
LOT_SECONDS = 0.2
BUFFER_BYTES = 256 * 1024
# What may wait for a camera's thread: seconds of most cameras. One that is stuck in a write misses pictures then.
WAITING_BYTES, WAITING_SHOTS = 4 * 1024 * 1024, 600
DOLLAR = rtsp.DOLLAR
# How an answer begins, or what a camera may want of us: it gets no answer.
TEXTS = (b"RTSP", b"OPTI", b"ANNO", b"SET_", b"GET_", b"REDI")


class Stream:
    """The pictures of one camera: filled by the network's thread, emptied by the camera's own."""

    def __init__(
        self,
        network: "Network",
        dialogue: rtsp.Dialogue,
        video: rtsp.Video,
        patience: float,
        is_watched: Callable[[], bool] = lambda: True,
    ):
        self.codec, self.sets = video.codec, video.sets
        self.dialogue = dialogue
        self._is_watched = is_watched
        self._network, self._patience = network, patience
        self._assembler = Assembler(video.codec, video.payload_type)
        self._shots = self._assembler.shots
        self._rest = b""
        self._channel = dialogue.channel
        self._queue: SimpleQueue = SimpleQueue()
        # Each is written by one thread alone.
        self._put = self._put_bytes = self._got = self._got_bytes = 0
        self._overflowed = 0
        self.alive_at = time.monotonic() + dialogue.timeout / 2

    # --- the camera's thread ---

    def __iter__(self) -> Iterator[Shot]:
        while True:
            try:
                found = self._queue.get(timeout=self._patience)
            except Empty:
                raise TimeoutError("no picture") from None
            if isinstance(found, Exception):
                raise found
            for shot in found:
                self._got_bytes += len(shot.data)
                self._got += 1
                yield shot

    def close(self) -> None:
        self._network.leave(self)

    # --- the network's thread ---

    def take(self, data: bytes, now: float) -> None:
        """Bytes from the camera, which came at `now`."""
        if self._rest:
            data = self._rest + data
        at, size, channel = 0, len(data), self._channel
        while at + 4 <= size:
            if data[at] != DOLLAR:
                after = self._text(data, at)
                if after < 0:
                    break
                at = after
                continue
            end = at + 4 + (data[at + 2] << 8 | data[at + 3])
            if end > size:
                break
            if data[at + 1] == channel:
                self._assembler.take(data, at + 4, end, now)
            elif data[at + 1] == channel + 1:
                self._assembler.report(data, at + 4, end)
            at = end
        self._rest = data[at:]

    def _text(self, data: bytes, at: int) -> int:
        """Skip an answer, or a request of the camera; where it ends, -1 when there is more to come."""
        if data[at] in b"\r\n":
            return at + 1
        if not data.startswith(TEXTS, at):
            raise BadStream("neither packet nor answer")
        end = data.find(b"\r\n\r\n", at, at + rtsp.MAX_HEAD)
        if end < 0:
            if len(data) - at >= rtsp.MAX_HEAD:
                raise BadStream("a head without an end")
            return -1
        if data.startswith(b"RTSP/", at):
            said = rtsp.answer(data[at:end])
            self._answered(said)
        else:
            said = rtsp.Answer(0, rtsp.answer(b"RTSP/1.0 200 OK\r\n" + data[at:end]).headers)
        after = end + 4 + rtsp.body_length(said)
        return after if after <= len(data) else -1

    def _answered(self, said: rtsp.Answer) -> None:
        """To a sign of life. A camera that knows us no longer will end the stream anyhow."""
        if said.status == 401:
            self.dialogue.credentials.learn(said.all("www-authenticate"))
            self.alive_at = time.monotonic() + 1
        elif said.status == 454:
            raise Farewell("the camera forgot the session")

    def is_due(self, now: float) -> bool:
        """Whether what is complete should be handed over now."""
        return bool(self._shots) and (self._is_watched() or now - self._shots[0].arrived >= LOT_SECONDS)

    def hand_over(self) -> None:
        """Give the camera's thread what is complete: all at once, so that it wakes once."""
        if not self._shots:
            return
        shots = self._shots[:]
        self._shots.clear()
        if self._put - self._got > WAITING_SHOTS or self._put_bytes - self._got_bytes > WAITING_BYTES:
            self._overflowed += len(shots)
            return
        if self._overflowed:
            while shots and not shots[0].key:
                shots.pop(0)
                self._overflowed += 1
            if not shots:
                return
            shots[0].lost += self._overflowed
            self._overflowed = 0
        self._put += len(shots)
        self._put_bytes += sum(len(shot.data) for shot in shots)
        self._queue.put(shots)

    def end(self, error: Exception) -> None:
        self._queue.put(error)


class Network:
    """Reads all streams of a process. Its thread lives as long as there are any."""

    def __init__(self):
        self._poll = select.epoll()
        self._streams: dict[int, Stream] = {}
        self._filled: set[Stream] = set()  # those with pictures to hand over
        self._turn = Lock()  # held while sockets are read: nobody closes one meanwhile
        self._lives = False
        self._buffer = bytearray(BUFFER_BYTES)
        self._view = memoryview(self._buffer)
        self._kept_alive_at = self._rounds_at = 0.0

    def open(self, url: str, opening: float, patience: float, is_watched: Callable[[], bool] = lambda: True) -> Stream:
        """The pictures of the camera at `url`, asked for within `opening` seconds and never `patience` apart.

        Those that somebody watches are handed over one by one, others in lots of LOT_SECONDS.
        """
        dialogue, video = rtsp.connect(url, opening)
        stream = Stream(self, dialogue, video, patience, is_watched)
        dialogue.socket.setblocking(False)
        with self._turn:
            self._feed(stream, dialogue.early + dialogue.rest, time.monotonic())
            dialogue.early = dialogue.rest = b""
            stream.hand_over()
            self._streams[dialogue.socket.fileno()] = stream
            self._poll.register(dialogue.socket, select.EPOLLIN | select.EPOLLRDHUP)
            if not self._lives:
                self._lives = True
                Thread(target=self._run, name="network", daemon=True).start()
        return stream

    def leave(self, stream: Stream) -> None:
        """Say goodbye to the camera."""
        with self._turn:
            self._forget(stream)
            self._send(stream, stream.dialogue.farewell())
            stream.dialogue.close()

    # --- the thread ---

    def _run(self) -> None:
        while True:
            ready = self._poll.poll(WAIT_SECONDS)
            with self._turn:
                if not self._streams:
                    self._lives = False
                    return
                now = time.monotonic()
                touched = [stream for fd, _ in ready if (stream := self._streams.get(fd)) and self._read(stream, now)]
                self._hand_over(touched, now)
                if now - self._kept_alive_at > 1:
                    self._keep_alive(now)
            time.sleep(PAUSE_SECONDS)

    def _hand_over(self, touched: list[Stream], now: float) -> None:
        """What is due of those that have just sent, and now and then of those that have fallen silent."""
        self._filled.update(touched)
        if is_round := now - self._rounds_at > LOT_SECONDS:
            self._rounds_at = now
        for stream in tuple(self._filled) if is_round else touched:
            if stream.is_due(now):
                self._filled.discard(stream)
                stream.hand_over()

    def _read(self, stream: Stream, now: float) -> bool:
        """Whether there are pictures to hand over."""
        socket, taken = stream.dialogue.socket, 0
        try:
            while taken < BUFFER_BYTES:
                size = socket.recv_into(self._buffer)
                if not size:
                    raise EOFError("the camera hangs up")
                if not self._feed(stream, bytes(self._view[:size]), now):
                    return False
                if not stream.dialogue.asked.is_secret:
                    break
                taken += size  # TLS gives one record at a time
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass
        except (OSError, EOFError) as error:
            self._end(stream, error)
        return bool(stream._shots)

    def _feed(self, stream: Stream, data: bytes, now: float) -> bool:
        try:
            stream.take(data, now)
        except (EOFError, ValueError, Unsupported) as error:
            self._end(stream, error)
            return False
        except Exception as error:  # whatever this camera did, the others are read on
            logger.exception("a camera's packets could not be read")
            self._end(stream, BadStream(str(error)))
            return False
        return True

    def _end(self, stream: Stream, error: Exception) -> None:
        stream.hand_over()
        self._forget(stream)
        stream.end(error)

    def _forget(self, stream: Stream) -> None:
        """Read no more of it; its own thread closes the socket."""
        self._filled.discard(stream)
        fd = stream.dialogue.socket.fileno()
        if self._streams.get(fd) is stream:
            del self._streams[fd]
            self._poll.unregister(fd)

    def _keep_alive(self, now: float) -> None:
        self._kept_alive_at = now
        for stream in self._streams.values():
            if now >= stream.alive_at:
                stream.alive_at = now + stream.dialogue.timeout / 2
                self._send(stream, stream.dialogue.keep_alive())

    @staticmethod
    def _send(stream: Stream, data: bytes) -> None:
        with suppress(OSError, ValueError):  # a camera that takes nothing is noticed when it sends nothing
            stream.dialogue.socket.send(data)
