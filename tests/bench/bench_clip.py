"""Making an evidence clip: ten minutes out of segments of a minute, against what ffmpeg's own joining takes.

Ours is everything from claiming the order until the recipient can have the file: reading the index, choosing the
pictures, joining, sealing, the SHA-256 of the file, the signed row on disk. The reference is `ffmpeg -f concat -c copy`
of the same segments, with nothing but a file in the end. Neither waits until the disk has the film; how long ours takes
until then is a case of its own, beside the reference and a `sync` of its file. The three take turns. `ratio` is the
median of ours over the reference's. The last case is how far the first picture is from the one that was asked for, read
from the clock in the picture.
"""

import shutil
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import mock

import numpy as np
from django.conf import settings
from django.test.utils import override_settings

from apps.cameras.models import Camera
from apps.video import actions, cutting, partitions, tasks
from apps.video.models import Clip, Segment
from tests.video.filming import FPS, film, first_shown, picture

MINUTES, ROUNDS = 10, 7
SIZE = (1280, 720)
NOISY_LINES = 48
# A recording a day old, so that no recorder of the city writes at the same time.
START = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0) - timedelta(days=1)
ASKED = START + timedelta(seconds=0.7)
END = START + timedelta(minutes=MINUTES) - timedelta(seconds=0.5)


def run() -> list[dict]:
    with tempfile.TemporaryDirectory(prefix="soc-clip-", dir="/var/tmp") as folder:
        root = Path(folder)
        with override_settings(VIDEO_ROOT=root / "video", CLIP_ROOT=root / "clips"):
            camera = Camera.objects.order_by("pk").last()
            partitions.make_ready(START)
            segments = recorded(camera)
            try:
                return measured(camera, segments, root)
            finally:
                Segment.objects.filter(camera=camera, started_at__gte=START, started_at__lt=END).delete()


def recorded(camera: Camera) -> list[Segment]:
    """Ten minutes of 720p whose pictures show their own time, at about 2 Mbit/s."""
    settings.VIDEO_ROOT.mkdir()
    noise = np.random.default_rng(7)

    def noisy(at: datetime, size: tuple[int, int]) -> np.ndarray:
        planes = picture(at, size)
        planes[:NOISY_LINES] = noise.integers(96, 160, (NOISY_LINES, size[0]), np.uint8)
        return planes

    return [
        film(settings, camera, START + timedelta(minutes=n), 60, size=SIZE, first=n * 60 * 90_000, draw=noisy)
        for n in range(MINUTES)
    ]


def measured(camera: Camera, segments: list[Segment], root: Path) -> list[dict]:
    ready, saved, reference, synced = [], [], [], []
    for _ in range(ROUNDS):
        clip, to_ready, to_disk = _ours(camera)
        ready.append(to_ready)
        saved.append(to_disk)
        file, took, with_sync = _reference(segments, root)
        reference.append(took)
        synced.append(with_sync)
        errors = [_milliseconds_off(one) for one in (clip.file, file)]
        actions.destroy_clip(clip)
        file.unlink()
    size = sum(segment.bytes for segment in segments) / 1e6
    case = f"{MINUTES} min, {len(segments)} segments, {size:.0f} MB"
    return [
        _row(case, statistics.median(ready), statistics.median(reference), "s", ROUNDS),
        _row("the same, on disk", statistics.median(saved), statistics.median(synced), "s", ROUNDS),
        {**_row("first picture is off by", *errors, "ms", 1), "ratio": 0.0 if not errors[0] else None},
    ]


def _ours(camera: Camera) -> tuple[Clip, float, float]:
    """A clip, and the seconds until it was ready and until it was on disk."""
    clip = Clip.objects.create(camera=camera, starts_at=ASKED, ends_at=END, note={"ledger_number": 0})
    ready_at, bring_to_disk = [], cutting.bring_to_disk

    def ready(file: Path) -> None:
        ready_at.append(time.perf_counter())
        bring_to_disk(file)

    began = time.perf_counter()
    with mock.patch.object(cutting, "bring_to_disk", ready):
        tasks.cut_clips()
    ended = time.perf_counter()
    clip.refresh_from_db()
    if clip.state != Clip.State.READY:
        raise RuntimeError(f"no clip: {clip.error}")
    return clip, ready_at[0] - began, ended - began


def _reference(segments: list[Segment], root: Path) -> tuple[Path, float, float]:
    listing, file = root / "list.txt", root / "reference.mp4"
    lines = [f"file '{segment.file}'" for segment in segments]
    lines.insert(1, f"inpoint {(ASKED - START).total_seconds()}")
    listing.write_text("\n".join(lines))
    words = ["-f", "concat", "-safe", "0", "-i", str(listing), "-t", str((END - ASKED).total_seconds()), "-c", "copy"]
    began = time.perf_counter()
    subprocess.run([shutil.which("ffmpeg"), "-y", "-loglevel", "error", *words, str(file)], check=True)
    took = time.perf_counter() - began
    subprocess.run(["sync", str(file)], check=True)
    return file, took, time.perf_counter() - began


def _milliseconds_off(file: Path) -> int:
    """Between the picture on screen at the time asked for, and the first that a player shows."""
    on_screen = START + timedelta(seconds=int((ASKED - START).total_seconds() * FPS + 1e-6) / FPS)
    return abs(first_shown(file) - round(on_screen.timestamp() * 1000))


def _row(case: str, ours: float, reference: float, unit: str, n: int) -> dict:
    ratio = round(ours / reference, 3) if reference else None
    row = {"name": "clip", "case": case, "ratio": ratio}
    return row | {"ours": round(ours, 3), "reference": round(reference, 3), "unit": unit, "n": n}
