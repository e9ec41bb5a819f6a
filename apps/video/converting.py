"""Live pictures in another format, for browsers that cannot play H.265: one process for each camera so watched.

A city pays for at most CONVERSIONS_AT_ONCE of them on a host, however many look at each; see docs/adr/0011.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import sys

from django.conf import settings

from apps.video import reasons, wire
from apps.video.channel import Channel, Config
from apps.video.fmp4 import HEAD_BYTES
from apps.video.reasons import NotAvailable

# What the process has not taken; beyond it pictures are left out up to the next keyframe.
BACKLOG = 4 * 1024 * 1024
PATIENCE = 3.0


class Converter:
    """Takes what a `Channel` takes, and hands its pictures on to `channel` as H.264."""

    def __init__(self, channel: Channel, slot: int):
        self._channel, self._slot = channel, slot
        self._waits_for_key = True

    @classmethod
    async def start(cls, channel: Channel) -> "Converter":
        """Raises NotAvailable when too many run already."""
        converter = cls(channel, _free_slot())
        try:
            converter._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "apps.video.transcoder"),
                cwd=settings.BASE_DIR,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                limit=BACKLOG,
            )
        except BaseException:
            os.close(converter._slot)
            raise
        converter._reading = asyncio.create_task(converter._read())
        return converter

    def announce(self, config: Config) -> None:
        self._waits_for_key = True
        self._send(wire.INIT, config.init, 0.0)

    def publish(self, head: bytes, data: bytes, key: bool, taken_at: float) -> None:
        if self._process.stdin.transport.get_write_buffer_size() > BACKLOG:
            self._waits_for_key = True
        elif key or not self._waits_for_key:
            self._waits_for_key = False
            self._send(wire.KEY if key else wire.DELTA, head + data, taken_at)

    async def stop(self) -> None:
        self._reading.cancel()
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._process.stdin.close()
        os.close(self._slot)

    def _send(self, kind: bytes, payload: bytes, taken_at: float) -> None:
        if self._process.returncode is not None:
            raise NotAvailable(reasons.NOT_CONVERTED)
        self._process.stdin.write(wire.HEADER.pack(kind, len(payload), taken_at) + payload)

    async def _read(self) -> None:
        source, mime = self._process.stdout, ""
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                kind, length, taken_at = wire.read_header(await source.readexactly(wire.HEADER.size))
                payload = await source.readexactly(length)
                if kind == wire.CONFIG:
                    mime = payload.decode()
                elif kind == wire.INIT:
                    self._channel.announce(Config(mime, payload))
                else:
                    self._channel.publish(payload[:HEAD_BYTES], payload[HEAD_BYTES:], kind == wire.KEY, taken_at)


def needs_conversion(config: Config) -> bool:
    return "avc1" not in json.loads(config.mime)["mime"]


def _free_slot() -> int:
    """A place among those that run on this host, as a locked file: whoever dies gives it back."""
    folder = settings.VAR_DIR / "run" / "conversions"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(settings.CONVERSIONS_AT_ONCE):
        fd = os.open(folder / str(number), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
        else:
            return fd
    raise NotAvailable(reasons.TOO_MANY_CONVERTED)
