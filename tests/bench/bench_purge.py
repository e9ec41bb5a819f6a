"""Purging a day of 500 cameras, 720,000 files, while other cameras are recorded, against `rm -rf` of the same tree.

Two trees are laid the way recorders write them, minute by minute through all cameras. Ours marks, unlinks what the
index names, brings that to disk, puts it on record and drops the day from the index; `rm` only removes. `ratio` is
wall time over wall time. PURGE_CAMERAS and PURGE_RECORDING choose other numbers.
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.db import connection
from django.test import override_settings
from django.utils import timezone

from apps.cameras.models import Camera
from apps.retention import purging
from apps.video import partitions
from apps.video.models import Segment
from tests.bench.apart import apart
from tests.cast import make_agency, make_camera
from tests.soak.rig import Rig, count, rig
from tests.waiting import until

CAMERAS, RECORDING = int(os.environ.get("PURGE_CAMERAS", 500)), int(os.environ.get("PURGE_RECORDING", 50))
BYTES = b"\0" * 4096
# Before and after, so that the recording is seen to go on.
CALM_SECONDS = 15

ROWS = """
insert into video_segment (camera_id, started_at, ended_at, session, bytes, init_bytes, width, height, sha256, codec,
                           state, store)
select camera, began, began + interval '60 s', 1, %(bytes)s, 700, 640, 360, sha256(int8send(minute)), 'avc1.640016',
       'closed', 'local'
  from generate_series(0, 1439) minute, unnest(%(cameras)s) camera,
       lateral (select %(since)s::timestamptz + minute * interval '1 minute') start(began)
"""


def run() -> list[dict]:
    with apart("purge") as folder, rig(folder) as built, override_settings(VIDEO_ROOT=built.video):
        return measured(built)


def measured(built: Rig) -> list[dict]:
    owner = make_agency("bench")
    cameras = [make_camera(owner) for _ in range(CAMERAS)]
    day = (timezone.now() - timedelta(days=cameras[0].retention_days + 2)).date()
    for root in (built.video, built.folder / "reference"):
        lay_files(root, [camera.pk for camera in cameras], day)
    lay_rows([camera.pk for camera in cameras], day)
    recorded = record(built)
    files = CAMERAS * 1_440
    case = f"a day of {CAMERAS} cameras, {files} files, while {RECORDING} are recorded"
    before = lost(recorded, built)
    ours = seconds(lambda: purge(files))
    lost_by_us = lost(recorded, built) - before
    theirs = seconds(lambda: subprocess.run(["rm", "-rf", built.folder / "reference"], check=True))
    lost_by_them = lost(recorded, built) - before - lost_by_us
    assert not Segment.objects.filter(camera__in=cameras).exists() and day not in partitions.days("video_segment")
    assert not any(any((built.video / str(camera.pk)).iterdir()) for camera in cameras)
    return [
        row(case, ours, theirs, "s", files),
        row(f"{case}: pictures lost", lost_by_us, lost_by_them, "pictures", RECORDING),
    ]


def lay_files(root: Path, cameras: list[int], day: date) -> None:
    say(f"laying {len(cameras) * 1_440} files below {root.name}")
    folders = [root / str(camera) / f"{day:%Y%m%d}" for camera in cameras]
    for folder in folders:
        folder.mkdir(parents=True)
    for minute in range(1_440):
        name = f"{minute // 60:02d}{minute % 60:02d}00.000Z.mp4"
        for folder in folders:
            with open(folder / name, "wb", buffering=0) as file:
                file.write(BYTES)


def lay_rows(cameras: list[int], day: date) -> None:
    since = datetime(day.year, day.month, day.day, tzinfo=UTC)
    partitions.call("video_segment_make_day", day)
    with connection.cursor() as cursor:
        cursor.execute(ROWS, {"bytes": len(BYTES), "cameras": cameras, "since": since})
    partitions.call("video_segment_arrange_day", day)


def record(built: Rig) -> list[Camera]:
    street = built.street(RECORDING)
    cameras = built.cameras([street(f"/cam/{n}") for n in range(1, RECORDING + 1)])
    built.recorder(RECORDING)
    until(
        lambda: Segment.objects.filter(camera__in=cameras).values("camera").distinct().count() == RECORDING,
        "every camera is recorded",
        within=120,
    )
    return cameras


def lost(cameras: list[Camera], built: Rig) -> int:
    """Pictures missing so far in what was recorded, after a calm while."""
    time.sleep(CALM_SECONDS)
    found = count(Segment.objects.filter(camera__in=cameras), built.video)
    say(f"{found.pictures} pictures recorded, {found.missing} missing")
    return found.missing


def purge(files: int) -> None:
    result = purging.purge(timezone.now())
    assert (result.segments, result.failed) == (files, 0)


def seconds(act: Callable[[], object]) -> float:
    os.sync()
    began = time.monotonic()
    act()
    passed = time.monotonic() - began
    say(f"{passed:.1f} s")
    return passed


def row(case: str, ours: float, reference: float, unit: str, count_: int) -> dict:
    return {
        "name": "purge",
        "case": case,
        "ratio": round(ours / reference, 2) if reference else None,
        "ours": round(ours, 2),
        "reference": round(reference, 2),
        "unit": unit,
        "n": count_,
    }


def say(words: str) -> None:
    print(f"purge: {words}", file=sys.stderr, flush=True)
