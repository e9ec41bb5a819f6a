"""Recordings for tests: a grey picture with the machine-readable clock in it, written as the recorder writes."""

from datetime import datetime, timedelta

import av
import numpy as np

from apps.showroom.virtual import clock
from apps.video.fmp4 import Sample
from apps.video.models import Segment
from apps.video.nal import H264, H265, sample, track_from
from apps.video.recording import Recording

FPS = 15
STEP = 90_000 // FPS
CODERS = {
    H264: ("libx264", {"preset": "ultrafast", "tune": "zerolatency", "bf": "0"}),
    H265: ("libx265", {"preset": "ultrafast", "x265-params": "bframes=0:log-level=none:pools=none"}),
}


def encode(codec: str, pictures: list[np.ndarray], gop: int = FPS) -> list[bytes]:
    """Annex B packets, one per picture (height * 3 / 2, width: planar YUV)."""
    name, options = CODERS[codec]
    coder = av.CodecContext.create(name, "w")
    coder.height, coder.width = pictures[0].shape[0] * 2 // 3, pictures[0].shape[1]
    coder.pix_fmt, coder.framerate, coder.gop_size, coder.options = "yuv420p", FPS, gop, options
    coder.max_b_frames = 0
    packets = []
    for number, picture in enumerate(pictures):
        frame = av.VideoFrame.from_ndarray(picture, format="yuv420p")
        frame.pts = number
        packets += coder.encode(frame)
    return [bytes(packet) for packet in [*packets, *coder.encode(None)]]


def picture(at: datetime | None, size: tuple[int, int] = (640, 360)) -> np.ndarray:
    width, height = size
    planes = np.full((height * 3 // 2, width), 128, np.uint8)
    clock.draw(planes[:height], None if at is None else round(at.timestamp() * 1000))
    return planes


def samples_of(packets: list[bytes], codec: str = H264, first: int = 0) -> tuple[object, list[Sample]]:
    track, found = None, []
    for number, packet in enumerate(packets):
        data, key, sets = sample(packet, codec)
        track = track or track_from(codec, sets)
        found.append(Sample(data, first + number * STEP, STEP, key))
    return track, found


def film(settings, camera, started: datetime, seconds: float, **details) -> Segment:
    """Record `seconds` of `camera` from `started`; every picture shows its own time."""
    size, session, draw = details.pop("size", (640, 360)), details.pop("session", 1), details.pop("draw", picture)
    codec, first = details.pop("codec", H264), details.pop("first", 0)
    times = [started + timedelta(seconds=n / FPS) for n in range(round(seconds * FPS))]
    track, samples = samples_of(encode(codec, [draw(at, size) for at in times]), codec, first)
    recording = Recording(settings.VIDEO_ROOT, camera.pk, track, started.timestamp(), first)
    for n in range(0, len(samples), FPS):
        recording.add(samples[n : n + FPS])
    recording.close()
    row = {
        "camera": camera,
        "session": session,
        "started_at": recording.started_at,
        "ended_at": started + timedelta(seconds=recording.seconds),
        "bytes": recording.size,
        "init_bytes": recording.init_bytes,
        "codec": track.name,
        "width": track.width,
        "height": track.height,
        "sha256": recording.sha256,
        "state": Segment.State.CLOSED,
    }
    return Segment.objects.create(**{**row, **details})


def shown(file) -> list[int]:
    """The clock in each picture of a file, in the order and extent a player shows them."""
    with av.open(str(file)) as container:
        return [clock.read(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]


def first_shown(file) -> int:
    """The clock in the first picture that a player shows."""
    with av.open(str(file)) as container:
        return clock.read(next(container.decode(video=0)).to_ndarray(format="gray"))
