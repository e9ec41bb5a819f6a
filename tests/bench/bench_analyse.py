"""Looking at keyframes against decoding everything: the same recorded minute of drawn streets, read by both.

Ours is what the analyst does with a camera's files: fragment heads, a keyframe now and then, its judgement. The
reference decodes every picture with the same decoder and as many threads (one), and does nothing with them.
Processor time for each second of video, in thousandths of a core, that is of one camera watched all the time.

The last row is a whole analyst beside a recorder of a hundred cameras, with what it tells the database and the work of
the database on it; its reference is the decoding of one such picture, from the first row.
"""

import time
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import av
from django.db import connection

from apps.showroom.virtual.encoder import Encoder
from apps.showroom.virtual.scene import Scene
from apps.video.analysis import Judge
from apps.video.analyst import Decoders, Watch
from apps.video.fmp4 import Sample
from apps.video.models import Motion, Segment
from apps.video.nal import sample, track_from
from apps.video.recording import Recording
from tests.bench.apart import apart
from tests.soak.rig import MANAGE, Rig, cpu_seconds, rig
from tests.waiting import until

CASES = ((640, 360), (1280, 720), (1920, 1080))
CAMERAS, SECONDS, FPS = 4, 60, 15
WATCHED, WATCHED_SECONDS = 100, 120
STEP = 90_000 // FPS
START = datetime(2026, 3, 8, 3, tzinfo=UTC)


def run() -> list[dict]:
    with apart("analyse") as folder:
        rows = [_case(size, folder) for size in CASES]
        with rig(folder / "rig") as built:
            return [*rows, _row(f"{WATCHED} cameras, database and all", _whole(built), rows[0]["reference"], WATCHED)]


def _case(size: tuple[int, int], folder: Path) -> dict:
    segments = [_film(seed, size, folder) for seed in range(1, CAMERAS + 1)]
    # By turns, so that a busy moment of the machine meets both.
    pairs = [(_ours(segment), _reference(segment)) for segment in segments for _ in range(2)]
    ours, reference = (sum(column) / len(pairs) / SECONDS * 1000 for column in zip(*pairs, strict=True))
    return _row(f"{size[0]}x{size[1]} at {FPS} a second", ours, reference, len(pairs))


def _row(case: str, ours: float, reference: float, n: int) -> dict:
    return {
        "name": "analyse",
        "case": case,
        "ratio": round(ours / reference, 4),
        "ours": round(ours, 2),
        "reference": round(reference, 2),
        "unit": "thousandths of a core per camera",
        "n": n,
    }


def _whole(built: Rig) -> float:
    """Of an analyst and its line to the database, thousandths of a core per camera, while WATCHED are recorded."""
    street = built.street(WATCHED)
    made = built.cameras([street(f"/cam/{n}") for n in range(1, WATCHED + 1)])
    built.recorder(WATCHED)
    until(lambda: Segment.objects.filter(camera__in=made).count() >= WATCHED, "every camera is recorded", within=120)
    analyst = built.start([*MANAGE, "analyse"], **built.database, PGAPPNAME="analyst")
    until(lambda: Motion.objects.values("camera").distinct().count() == WATCHED, "all are looked at", within=120)
    lines = _lines_to_database("analyst")
    began, used = time.monotonic(), sum(map(cpu_seconds, [analyst.pid, *lines]))
    time.sleep(WATCHED_SECONDS)
    used = sum(map(cpu_seconds, [analyst.pid, *lines])) - used
    if _lines_to_database("analyst") != lines:
        raise RuntimeError("the analyst changed its line: its work was not all counted")
    return 1000 * used / (time.monotonic() - began) / WATCHED


def _lines_to_database(name: str) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("select pid from pg_stat_activity where application_name = %s order by pid", [name])
        return [pid for (pid,) in cursor.fetchall()]


class _File(Segment):
    """A segment that lies anywhere, and in no index."""

    class Meta:
        managed = False
        app_label = "video"
        proxy = True

    place: Path

    @property
    def file(self) -> Path:
        return self.place


def _film(seed: int, size: tuple[int, int], folder: Path) -> Segment:
    scene, encoder, track, samples = Scene(seed, size, daylight=12.0), Encoder(*size, FPS), None, []
    for number in range(SECONDS * FPS):
        unit = encoder.encode(scene.frame(START.timestamp() + number / FPS), key=number % FPS == 0, at=0)
        data, key, sets = sample(b"".join(b"\0\0\0\1" + nal for nal in unit.nals), "h264")
        track = track or track_from("h264", sets)
        samples.append(Sample(data, number * STEP, STEP, key))
    recording = Recording(folder, seed + size[0] * 10, track, START.timestamp(), 0)
    for at in range(0, len(samples), FPS // 2):
        recording.add(samples[at : at + FPS // 2])
    recording.close()
    found = _File(camera_id=seed, started_at=recording.started_at, init_bytes=recording.init_bytes)
    found.place = folder / recording.path
    return found


def _ours(segment: Segment) -> float:
    watch, decoders = Watch(segment.camera_id, Judge(), {}), Decoders()
    began = time.process_time()
    watch.tail.follow(segment)
    # As if it were being written now: nothing in it is late.
    watch.read(decoders, segment.started_at.timestamp())
    spent = time.process_time() - began
    watch.tail.close()
    return spent


def _reference(segment: Segment) -> float:
    began, seen = time.process_time(), count()
    with av.open(str(segment.file)) as container:
        stream = container.streams.video[0]
        stream.thread_count = 1
        stream.thread_type = "NONE"
        for _frame in container.decode(stream):
            next(seen)
    spent = time.process_time() - began
    if next(seen) != SECONDS * FPS:
        raise RuntimeError("the reference did not decode everything")
    return spent
