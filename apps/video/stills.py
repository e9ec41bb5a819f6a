"""One picture of a camera as a JPEG."""

import contextlib
import io
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Lock

import av

from apps.video import reasons, storage, tls, wire
from apps.video.fmp4 import TIMESCALE, configuration_of, fragments
from apps.video.live import CONNECT_SECONDS, recorder_of
from apps.video.models import HeldSegment, Segment, recorded
from apps.video.nal import BadStream
from apps.video.reasons import NotAvailable

LONGEST_SIDE = 1280
QUALITY, SMALL_QUALITY = 82, 70


@dataclass(frozen=True)
class Still:
    jpeg: bytes
    taken_at: datetime


def still(camera_id: int, at: datetime | None = None) -> Still:
    """The newest complete picture, or the last complete one at or before `at`; `taken_at` says of when it is.

    Raises NotAvailable.
    """
    init, picture, taken_at = _newest(camera_id) if at is None else _recorded(camera_id, at)
    return Still(_jpeg(init, picture), taken_at)


def thumbnail(camera_id: int, at: datetime, width: int = 160) -> bytes:
    """A JPEG `width` pixels wide of the last complete picture at or before `at`, made once in a while.

    Raises NotAvailable, also for a picture it still has in memory when the recording may not be shown any more.
    """
    init, picture, taken_at = _recorded(camera_id, at)
    return _thumbnails.get((camera_id, taken_at, width), lambda: _small_jpeg(init, picture, width))


class _Recent:
    """What was made lately. Nothing stays for long: a picture may not outlive its recording."""

    def __init__(self, *, seconds: float, most: int):
        self._seconds, self._most = seconds, most
        self._kept: dict[tuple, tuple[float, bytes]] = {}
        self._guard = Lock()

    def get(self, key: tuple, make: Callable[[], bytes]) -> bytes:
        with self._guard:
            self._drop_old(time.monotonic())
            if key in self._kept:
                return self._kept[key][1]
        made = make()
        with self._guard:
            self._kept[key] = time.monotonic(), made
        return made

    def _drop_old(self, now: float) -> None:
        while self._kept:
            eldest = next(iter(self._kept))
            if len(self._kept) <= self._most and now - self._kept[eldest][0] < self._seconds:
                return
            del self._kept[eldest]


_thumbnails = _Recent(seconds=300, most=1000)


def _newest(camera_id: int) -> tuple[bytes, bytes, datetime]:
    """Init segment, keyframe and its time from the memory of the camera's recorder."""
    host, _, port = recorder_of(camera_id).rpartition(":")
    try:
        with (
            socket.create_connection((host, int(port)), CONNECT_SECONDS) as plain,
            tls.wrapped(plain, host) as connection,
        ):
            init, fragment, taken_at = _ask(connection, camera_id)
    except (OSError, wire.BadPeer):
        raise NotAvailable(reasons.RECORDER_GONE) from None
    moof = int.from_bytes(fragment[:4], "big")
    return init, fragment[moof + 8 :], datetime.fromtimestamp(taken_at, UTC)


def _ask(connection: socket.socket, camera_id: int) -> tuple[bytes, bytes, float]:
    with connection.makefile("rb") as file:
        challenge = wire.read_greeting(_exactly(file, wire.GREETING_BYTES), tls.fingerprint_of(connection))
        connection.sendall(wire.wish(challenge, wire.STILL, camera_id))
        init = b""
        while True:
            kind, length, taken_at = wire.read_header(_exactly(file, wire.HEADER.size))
            payload = _exactly(file, length)
            if kind == wire.END:
                raise NotAvailable(payload.decode())
            if kind == wire.KEY:
                return init, payload, taken_at
            init = payload


def _exactly(file, length: int) -> bytes:
    data = file.read(length)
    if len(data) < length:
        raise ConnectionError("the recorder hung up")
    return data


def _recorded(camera_id: int, at: datetime) -> tuple[bytes, bytes, datetime]:
    """Init segment, keyframe and its time from the segment on disk that covers `at`."""
    found = recorded(camera_id, at, at + timedelta(microseconds=1))
    if not found:
        raise NotAvailable(reasons.NOT_RECORDED)
    try:
        with storage.open_segment(found[-1]) as file:
            return _last_key(found[-1], file.fileno(), at)
    except FileNotFoundError:
        raise NotAvailable(reasons.NOT_RECORDED) from None
    except storage.StoreAway:
        raise NotAvailable(reasons.STORE_AWAY) from None
    except (BadStream, storage.Damaged):
        raise NotAvailable(reasons.NOT_READABLE) from None


def _last_key(segment: Segment | HeldSegment, fd: int, at: datetime) -> tuple[bytes, bytes, datetime]:
    until = (at - segment.started_at).total_seconds() * TIMESCALE
    found = first = last = None
    for fragment in fragments(fd, segment.init_bytes):
        first, last = first or fragment, fragment
        if fragment.at - first.at > until:
            break
        found = fragment if fragment.key else found
    # A segment still being recorded covers no more than is on disk.
    if found is None or last.at + last.duration - first.at + 2 * TIMESCALE < until:
        raise NotAvailable(reasons.NOT_RECORDED)
    taken_at = segment.started_at + timedelta(seconds=(found.at - first.at) / TIMESCALE)
    init = os.pread(fd, segment.init_bytes, 0)
    return init, os.pread(fd, found.first, found.data), taken_at


def _jpeg(init: bytes, picture: bytes) -> bytes:
    with contextlib.closing(_decoded(init, picture).to_image()) as image, io.BytesIO() as out:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        image.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()


def _decoded(init: bytes, picture: bytes, *, quickly: bool = False) -> av.VideoFrame:
    try:
        codec, configuration = configuration_of(init)
        decoder = av.CodecContext.create(codec, "r")
        decoder.extradata = configuration
        decoder.thread_count = 1
        if quickly:  # edges of blocks that nobody sees in a small picture
            decoder.options = {"skip_loop_filter": "all"}
        frames = decoder.decode(av.Packet(picture)) or decoder.decode(None)
    except (BadStream, av.FFmpegError):
        raise NotAvailable(reasons.NOT_READABLE) from None
    if not frames:
        raise NotAvailable(reasons.NOT_READABLE)
    return frames[0]


def _small_jpeg(init: bytes, picture: bytes, width: int) -> bytes:
    frame = _decoded(init, picture, quickly=True)
    width = min(width, frame.width)
    height = max(1, round(frame.height * width / frame.width))
    with contextlib.closing(frame.to_image(width=width, height=height)) as image, io.BytesIO() as out:
        image.save(out, "JPEG", quality=SMALL_QUALITY)
        return out.getvalue()
