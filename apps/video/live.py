"""The live view of a camera, wherever its recorder runs."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator

from channels.db import database_sync_to_async

from apps.video import reasons, wire
from apps.video.fmp4 import decode_time, moved
from apps.video.models import Lease, Recorder
from apps.video.reasons import NotAvailable

CONNECT_SECONDS = 3.0
# The recorder ends a view whose camera is gone after 5 s; a recorder that says nothing for longer is gone itself.
SILENCE_SECONDS = 12.0
# A picture that took this much longer than the quickest to get here is stale.
STALE_SECONDS = 3.0
# Small, so that what a slow viewer has not taken waits in the recorder, which can drop it.
RECEIVE_BUFFER = 128 * 1024


def recorder_of(camera_id: int) -> str:
    """Address of the live recorder that holds this camera."""
    alive = Recorder.objects.alive()
    lease = Lease.objects.filter(camera_id=camera_id, recorder__in=alive).select_related("recorder").first()
    if lease is None:
        raise NotAvailable(reasons.NO_RECORDER)
    return lease.recorder.address


async def watch(camera_id: int) -> AsyncIterator[str | bytes]:
    """Yield `{"mime": …}` as JSON, the init segment, then fragments of one picture each, the first a keyframe.

    Media time starts at 0 and has no holes: after a viewer fell behind, or the camera reconnected, it goes on
    with a keyframe. When the picture's format changes, mime and init come again before the next fragment.
    Raises NotAvailable when there is nothing, or nothing more, to see.
    """
    address = await database_sync_to_async(recorder_of)(camera_id)
    reader, writer = await _connect(address, wire.WATCH, camera_id)
    try:
        async for part in _Line().parts(reader):
            yield part
    except (ConnectionError, asyncio.IncompleteReadError, wire.BadPeer, TimeoutError):
        raise NotAvailable(reasons.RECORDER_GONE) from None
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def _connect(address: str, want: str, camera_id: int):
    host, _, port = address.rpartition(":")
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            reader, writer = await asyncio.open_connection(host, int(port), limit=RECEIVE_BUFFER)
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
            writer.write(wire.wish(await reader.readexactly(wire.NONCE_BYTES), want, camera_id))
            await writer.drain()
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        raise NotAvailable(reasons.RECORDER_GONE) from None
    return reader, writer


class _Line:
    """Joins what arrives into one media time line without holes, and drops what is stale."""

    def __init__(self):
        self.end = 0
        self.shift: int | None = None
        self.quickest = float("inf")
        self.waits_for_key = True

    async def parts(self, reader: asyncio.StreamReader) -> AsyncIterator[str | bytes]:
        while True:
            kind, payload, taken_at = await _message(reader)
            if kind == wire.END:
                raise NotAvailable(payload.decode() or reasons.RECORDER_GONE)
            if kind == wire.CONFIG:
                self.waits_for_key, self.shift = True, None
                yield payload.decode()
            elif kind == wire.INIT:
                yield payload
            elif self._wanted(kind == wire.KEY, taken_at):
                yield self._placed(payload)

    def _wanted(self, key: bool, taken_at: float) -> bool:
        delay = time.time() - taken_at
        self.quickest = min(self.quickest, delay)
        if delay - self.quickest > STALE_SECONDS and not self.waits_for_key:
            self.waits_for_key, self.shift = True, None
        if self.waits_for_key and not key:
            return False
        self.waits_for_key = False
        return True

    def _placed(self, fragment: bytes) -> bytes:
        at = decode_time(fragment)
        # A recorder that dropped pictures for a slow viewer leaves a hole: close it.
        if self.shift is None or at + self.shift - self.end > 90_000:
            self.shift = self.end - at
        self.end = at + self.shift + int.from_bytes(fragment[88:92], "big")
        return moved(fragment, self.shift)


async def _message(reader: asyncio.StreamReader) -> tuple[bytes, bytes, float]:
    async with asyncio.timeout(SILENCE_SECONDS):
        kind, length, taken_at = wire.read_header(await reader.readexactly(wire.HEADER.size))
        return kind, await reader.readexactly(length), taken_at
