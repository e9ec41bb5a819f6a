"""Pictures in another format, for browsers that cannot play H.265.

Live, one process for each camera so watched; of recordings, one for each piece while it is asked for. A city pays for
at most CONVERSIONS_AT_ONCE of them together on a host, however many look at each; see docs/adr/0011.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator

from django.conf import settings

from apps.video import reasons, storage, wire
from apps.video.channel import Channel, Config
from apps.video.fmp4 import HEAD_BYTES, fragments
from apps.video.models import HeldSegment, Segment
from apps.video.nal import BadStream
from apps.video.reasons import NotAvailable

# What the process has not taken; beyond it pictures are left out up to the next keyframe.
BACKLOG = 4 * 1024 * 1024
# A piece of a recording that takes longer is given up.
LONGEST = 40.0
PROGRAM = (sys.executable, "-m", "apps.video.transcoder")


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
                *PROGRAM,
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


def convert(film: Segment | HeldSegment, part: range) -> tuple[str, bytes]:
    """MIME type and bytes of a whole MP4 as H.264: the fragments at `part` of a recorded file, at their own times.

    Raises FileNotFoundError, NotAvailable; the latter at once when too many run: no thread of the web's waits here.
    """
    try:
        with storage.open_segment(film) as file:
            asked = b"".join(_messages(file.fileno(), film.init_bytes, part))
    except storage.StoreAway:
        raise NotAvailable(reasons.STORE_AWAY) from None
    except (storage.Damaged, BadStream):
        raise NotAvailable(reasons.NOT_READABLE) from None
    slot = _free_slot()
    try:
        done = subprocess.run(  # noqa: S603  (a program of ours, without a word from outside)
            PROGRAM, cwd=settings.BASE_DIR, input=asked, stdout=subprocess.PIPE, timeout=LONGEST, check=False
        )
    except subprocess.TimeoutExpired:
        raise NotAvailable(reasons.NOT_CONVERTED) from None
    finally:
        os.close(slot)
    return _whole(done.stdout)


def _messages(fd: int, init_bytes: int, part: range) -> Iterator[bytes]:
    yield _message(wire.INIT, os.pread(fd, init_bytes, 0))
    for fragment in fragments(fd, part.start):
        if fragment.end > part.stop:
            return
        yield _message(wire.KEY if fragment.key else wire.DELTA, os.pread(fd, fragment.size, fragment.start))


def _message(kind: bytes, payload: bytes) -> bytes:
    return wire.HEADER.pack(kind, len(payload), 0.0) + payload


def _whole(said: bytes) -> tuple[str, bytes]:
    """What the process said, as a file; NotAvailable when it said nothing."""
    mime, parts, at = "", [], 0
    while at < len(said):
        kind, length, _at = wire.read_header(said[at : at + wire.HEADER.size])
        at += wire.HEADER.size + length
        payload = said[at - length : at]
        if kind == wire.CONFIG:
            mime = mime or json.loads(payload)["mime"]
        else:
            parts.append(payload)
    if not parts:
        raise NotAvailable(reasons.NOT_CONVERTED)
    return mime, b"".join(parts)


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
