"""The live view of a camera, wherever its recorder runs.

However many watch a camera in this process, it is drawn once: a `Line` takes the pictures from the recorder and
hands them to its viewers, each of whom goes at a pace of its own (docs/adr/0012).
"""

import asyncio
import contextlib
import json
import logging
import socket
import time
from collections import deque
from collections.abc import AsyncIterator
from math import inf

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from apps.video import reasons, tls, wire
from apps.video.channel import Channel, Config, Frame, Viewer
from apps.video.converting import Converter, needs_conversion
from apps.video.fmp4 import HEAD_BYTES, TIMESCALE, decode_time, duration, moved, sequence, taken_box
from apps.video.models import Lease, Recorder
from apps.video.reasons import NotAvailable

logger = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
# The recorder ends a view whose camera is gone after 5 s; a recorder that says nothing for longer is gone itself.
SILENCE_SECONDS = 7.0
# A picture that took this much longer than the quickest to get here is stale.
STALE_SECONDS = 3.0
# What stays stale this long is no passing jam: a clock was set, or the way is blocked. A new connection will tell.
STALE_FOR_SECONDS = 10.0
# A recorder that does not answer may only be busy; who waits for a first picture is told after this.
FIRST_SECONDS = 8.0
# Another recorder takes over after 10 s, and opens the camera; until then the viewers are kept.
TAKEOVER_SECONDS = 20.0
TRY_AGAIN_SECONDS = 0.5
# Small, so that what a slow process has not taken waits in the recorder, which can drop it.
RECEIVE_BUFFER = 128 * 1024
# How much a viewer may have on its way, where no buffer in between can hide it.
ON_THE_WAY_SECONDS = 1.5
# What a way carries is reckoned over the newest reports, which come four times a second.
REPORTS = 20
# What is no older than this is on its way because reports have their pauses, not because the way is full.
IN_TIME_SECONDS = 0.5


def recorder_of(camera_id: int) -> str:
    """Address of the live recorder that holds this camera."""
    alive = Recorder.objects.alive()
    lease = Lease.objects.filter(camera_id=camera_id, recorder__in=alive).select_related("recorder").first()
    if lease is None:
        raise NotAvailable(reasons.NO_RECORDER)
    return lease.recorder.address


class Pace:
    """What a viewer has been sent and says it has got. One that says nothing is trusted to keep up."""

    def __init__(self):
        self._sent = deque(maxlen=4096)  # on its way: number, time, bytes up to here
        self._count = self._bytes = self._got_bytes = 0
        self._reports = deque(maxlen=REPORTS)  # time, bytes that had come
        self._speaks, self._news = False, asyncio.Event()

    def sent(self, size: int) -> None:
        self._count += 1
        self._bytes += size
        self._sent.append((self._count, time.monotonic(), self._bytes))

    def got(self, count: int) -> None:
        self._speaks = True
        while self._sent and self._sent[0][0] <= count:
            self._got_bytes = self._sent.popleft()[2]
        self._reports.append((time.monotonic(), self._got_bytes))
        self._news.set()

    async def ready(self) -> None:
        """Wait until no more than ON_THE_WAY_SECONDS of pictures are on their way, as old or as much as that."""
        while self._speaks and self._sent and self._is_full():
            self._news.clear()
            await self._news.wait()

    def _is_full(self) -> bool:
        age = time.monotonic() - self._sent[0][1]
        if age > ON_THE_WAY_SECONDS:
            return True
        return age > IN_TIME_SECONDS and self._bytes - self._got_bytes > self._carries() * ON_THE_WAY_SECONDS

    def _carries(self) -> float:
        """Bytes a second, as far as it is known."""
        (began, before), (ended, after) = self._reports[0], self._reports[-1]
        return (after - before) / (ended - began) if ended > began else inf


async def watch(camera_id: int, pace: Pace | None = None, *, converted: bool = False) -> AsyncIterator[str | bytes]:
    """Yield `{"mime": …, "now": …}` as JSON, the init segment, then fragments of one picture each, first a keyframe.

    `now` is the time here (Unix s); behind each fragment stands a `uuid` box with the time, by the same clock,
    at which its picture came to the recorder. Media time starts at 0 and has no holes. A viewer that fell behind goes
    on with a keyframe and is told `{"skipped": seconds}`. When the format changes, or the recorder, mime and init come
    again before the next fragment. `converted`: as H.264, whatever the camera sends.
    Raises NotAvailable when there is nothing, or nothing more, to see.
    """
    pace = pace or Pace()
    line = _line_to(camera_id, converted)
    viewer = line.join()
    try:
        async for part in _Story(viewer).parts(pace):
            yield part
    finally:
        line.leave(viewer)


class _Story:
    """What one viewer is sent: pictures on a time line of its own, and what it needs to be told about them."""

    def __init__(self, viewer: Viewer):
        self._viewer = viewer
        self._last: Frame | None = None
        self._shift = self._end = 0

    async def parts(self, pace: Pace) -> AsyncIterator[str | bytes]:
        while True:
            await pace.ready()
            frame = await self._viewer.next()
            if frame is None:
                raise NotAvailable(self._viewer.ended)
            for part in self._before(frame):
                yield part
            fragment = self._placed(frame)
            yield fragment
            pace.sent(len(fragment))

    def _before(self, frame: Frame) -> list[str | bytes]:
        last = self._last
        if last is None or frame.config is not last.config:
            return [json.dumps(json.loads(frame.config.mime) | {"now": time.time()}), frame.config.init]
        if _skipped(last, frame):
            return [json.dumps({"skipped": round(frame.taken_at - last.taken_at, 1)})]
        return []

    def _placed(self, frame: Frame) -> bytes:
        at, last = decode_time(frame.head), self._last
        hole = at + self._shift - self._end > TIMESCALE
        if last is None or frame.config is not last.config or _skipped(last, frame) or hole:
            self._shift = self._end - at
        self._end = at + self._shift + duration(frame.head)
        self._last = frame
        return b"".join((moved(frame.head, self._shift), frame.data, taken_box(frame.taken_at)))


def _skipped(last: Frame, frame: Frame) -> bool:
    return sequence(frame.head) != sequence(last.head) + 1


# --- the line from the recorder, one per camera and event loop ---

_lines: dict[tuple[asyncio.AbstractEventLoop, int, bool], "Line"] = {}


def _line_to(camera_id: int, converted: bool) -> "Line":
    place = asyncio.get_running_loop(), camera_id, converted
    if place not in _lines:
        _lines[place] = Line(place)
    return _lines[place]


class Line:
    """Draws one camera from its recorder for as long as somebody here watches."""

    def __init__(self, place: tuple[asyncio.AbstractEventLoop, int, bool]):
        self._place = place
        self._converter: Converter | None = None
        self._channel = Channel(lambda act, *given: act(*given))
        self._drawing = asyncio.create_task(self._run(), name=f"live line to camera {place[1]}")

    def join(self) -> Viewer:
        return self._channel.join()

    def leave(self, viewer: Viewer) -> None:
        self._channel.leave(viewer)
        if not self._channel.viewers:
            self._forget()
            self._drawing.cancel()

    def _forget(self) -> None:
        if _lines.get(self._place) is self:
            del _lines[self._place]

    async def _run(self) -> None:
        reason = reasons.RECORDER_GONE
        try:
            await self._draw()
        except NotAvailable as trouble:
            reason = trouble.reason
        finally:
            self._forget()
            self._channel.end_all(reason)
            if self._converter:
                await self._converter.stop()

    async def _draw(self) -> None:
        """Draw from one recorder after another, until there is nothing more to see."""
        while True:
            try:
                await self._draw_from(await self._recorder())
            except NotAvailable as trouble:
                if not self._may_come_again(trouble.reason):
                    raise
                self._channel.down(trouble.reason)
            await asyncio.sleep(TRY_AGAIN_SECONDS)

    async def _recorder(self) -> str:
        try:
            return await database_sync_to_async(recorder_of)(self._place[1])
        except DatabaseError:
            logger.exception("the recorder of camera %s cannot be looked up", self._place[1])
            raise NotAvailable(reasons.NO_RECORDER) from None

    def _may_come_again(self, reason: str) -> bool:
        if self._channel.has_shown:
            passing, within = {reasons.NO_RECORDER, reasons.RECORDER_GONE}, TAKEOVER_SECONDS
        else:
            passing, within = {reasons.RECORDER_GONE}, FIRST_SECONDS
        return reason in passing and self._channel.down_for() < within

    async def _draw_from(self, address: str) -> None:
        reader, writer = await _connect(address, wire.WATCH, self._place[1])
        try:
            await self._take_in(reader)
        except (OSError, asyncio.IncompleteReadError, wire.BadPeer):
            raise NotAvailable(reasons.RECORDER_GONE) from None
        finally:
            writer.transport.abort()  # a farewell would wait for an answer from one who may be gone
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _take_in(self, reader: asyncio.StreamReader) -> None:
        timing, mime, takes = _Timing(), "", self._channel
        while True:
            kind, payload, at = await _message(reader)
            if kind == wire.END:
                raise NotAvailable(payload.decode() or reasons.RECORDER_GONE)
            if kind == wire.CONFIG:
                timing.heard(at)
                mime = payload.decode()
            elif kind == wire.INIT:
                timing.begin()
                config = Config(mime, payload)
                takes = await self._taker_of(config)
                takes.announce(config)
            elif timing.wants(kind == wire.KEY, at):
                head, data = payload[:HEAD_BYTES], payload[HEAD_BYTES:]
                takes.publish(head, data, kind == wire.KEY, timing.ours(at))

    async def _taker_of(self, config: Config) -> "Channel | Converter":
        if not (self._place[2] and needs_conversion(config)):
            return self._channel
        self._converter = self._converter or await Converter.start(self._channel)
        return self._converter


class _Timing:
    """Translates the recorder's time into ours, and sorts out pictures that come late."""

    def __init__(self):
        self._offset = float("inf")
        self.begin()

    def begin(self) -> None:
        """A keyframe comes, perhaps seconds old, and what followed it up to now."""
        self._waits_for_key, self._late_since = True, time.monotonic()

    def heard(self, said: float) -> None:
        """`said` was the recorder's time when it sent this, or earlier. The quickest message is nearest the truth."""
        self._offset = min(self._offset, time.time() - said)

    def ours(self, taken_at: float) -> float:
        return taken_at + self._offset

    def wants(self, key: bool, taken_at: float) -> bool:
        self.heard(taken_at)
        now = time.monotonic()
        if time.time() - self.ours(taken_at) <= STALE_SECONDS:
            self._late_since = None
        elif self._late_since is None:
            self._waits_for_key, self._late_since = True, now
        elif now - self._late_since > STALE_FOR_SECONDS:
            raise NotAvailable(reasons.RECORDER_GONE)
        if self._waits_for_key and not key:
            return False
        self._waits_for_key = False
        return True


async def _connect(address: str, want: str, camera_id: int):
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            how = {"limit": RECEIVE_BUFFER, "ssl": tls.for_reader(host)}
            reader, writer = await asyncio.open_connection(host, int(port), **how)
            try:
                await _introduce(reader, writer, want, camera_id)
            except BaseException:
                writer.transport.abort()
                raise
    except wire.BadPeer as error:
        logger.warning("the recorder at %s is not believed: %s", address, error)
        raise NotAvailable(reasons.RECORDER_GONE) from None
    except (OSError, asyncio.IncompleteReadError):
        raise NotAvailable(reasons.RECORDER_GONE) from None
    return reader, writer


async def _introduce(reader, writer, want: str, camera_id: int) -> None:
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    fingerprint = tls.fingerprint_of(writer.get_extra_info("ssl_object"))
    challenge = wire.read_greeting(await reader.readexactly(wire.GREETING_BYTES), fingerprint)
    writer.write(wire.wish(challenge, want, camera_id))
    await writer.drain()


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes, float]:
    async with asyncio.timeout(SILENCE_SECONDS):
        kind, length, taken_at = wire.read_header(await reader.readexactly(wire.HEADER.size))
        return kind, await reader.readexactly(length), taken_at
