"""One picture of a camera as a JPEG."""

import contextlib
import io
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import av

from apps.video import reasons, storage, wire
from apps.video.fmp4 import TIMESCALE, configuration_of, fragments
from apps.video.live import CONNECT_SECONDS, recorder_of
from apps.video.models import HeldSegment, Segment, recorded
from apps.video.nal import BadStream
from apps.video.reasons import NotAvailable

LONGEST_SIDE = 1280
QUALITY = 82


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


def _newest(camera_id: int) -> tuple[bytes, bytes, datetime]:
    """Init segment, keyframe and its time from the memory of the camera's recorder."""
    host, _, port = recorder_of(camera_id).rpartition(":")
    try:
        with socket.create_connection((host, int(port)), CONNECT_SECONDS) as connection:
            init, fragment, taken_at = _ask(connection, camera_id)
    except (OSError, wire.BadPeer):
        raise NotAvailable(reasons.RECORDER_GONE) from None
    moof = int.from_bytes(fragment[:4], "big")
    return init, fragment[moof + 8 :], datetime.fromtimestamp(taken_at, UTC)


def _ask(connection: socket.socket, camera_id: int) -> tuple[bytes, bytes, float]:
    with connection.makefile("rb") as file:
        connection.sendall(wire.wish(_exactly(file, wire.NONCE_BYTES), wire.STILL, camera_id))
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
    try:
        codec, configuration = configuration_of(init)
        decoder = av.CodecContext.create(codec, "r")
        decoder.extradata = configuration
        decoder.thread_count = 1
        frames = decoder.decode(av.Packet(picture)) or decoder.decode(None)
    except (BadStream, av.FFmpegError):
        raise NotAvailable(reasons.NOT_READABLE) from None
    if not frames:
        raise NotAvailable(reasons.NOT_READABLE)
    with contextlib.closing(frames[0].to_image()) as image, io.BytesIO() as out:
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        image.save(out, "JPEG", quality=QUALITY)
        return out.getvalue()
