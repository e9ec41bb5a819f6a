"""Keeping recordings: holding a day of ten cameras, comparing index and disk, moving to an object store and back.

STORAGE_CAMERAS and STORAGE_DAYS make it more: 24 cameras and 30 days are a million files.

References do the bare work on the same files: `cp -al`, `find` with sizes, uploads and downloads by the plain client.
The object store is a Swift of one node on the same machine. `ratio` is wall time over wall time.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from django.conf import settings
from django.core.files.storage import storages
from django.test import override_settings
from django.utils import timezone

from apps.agencies.models import User
from apps.cameras.models import Camera
from apps.retention import holding, reconciling
from apps.retention.models import Hold
from apps.video import storage, tiering
from apps.video.models import HeldSegment, Segment
from tests.bench.apart import apart
from tests.bench.bench_purge import lay_files, lay_rows
from tests.cast import make_agency, make_camera
from tests.object_store import object_store, recordings_in

CAMERAS, DAYS = int(os.environ.get("STORAGE_CAMERAS", 10)), int(os.environ.get("STORAGE_DAYS", 1))
MOVED, SIZE = int(os.environ.get("STORAGE_MOVED", 100)), 4_000_000


def run() -> list[dict]:
    with apart("storage") as folder, override_settings(VIDEO_ROOT=folder / "video"):
        owner = make_agency("bench")
        cameras = [make_camera(owner) for _ in range(CAMERAS)]
        return [*a_day(cameras, folder), *(a_store(cameras[0], folder) if MOVED else ())]


def a_day(cameras: list[Camera], folder: Path) -> Iterator[dict]:
    numbers, last = [camera.pk for camera in cameras], (timezone.now() - timedelta(days=2)).date()
    for day in (last - timedelta(days=n) for n in range(DAYS)):
        lay_files(settings.VIDEO_ROOT, numbers, day)
        lay_rows(numbers, day)
    files = CAMERAS * 1_440
    since = datetime(last.year, last.month, last.day, tzinfo=UTC)
    hold = Hold.objects.create(
        period_from=since,
        period_until=since + timedelta(days=1),
        legal_ground="investigation",
        agency=cameras[0].owner,
        ends_at=timezone.now() + timedelta(days=1),
        review_at=timezone.now(),
        created_by=User.objects.create(username="bench"),
    )
    hold.cameras.set(cameras)
    theirs = seconds(lambda: link_day(last, folder / "reference"))
    ours = seconds(lambda: holding.take(hold))
    assert hold.held.count() == files
    yield row(f"hold a day of {CAMERAS} cameras", ours, theirs, files)
    HeldSegment.objects.all().delete()
    shutil.rmtree(settings.VIDEO_ROOT / storage.HELD)
    look = ["find", settings.VIDEO_ROOT, "-type", "f", "-printf", "%s %p\n"]
    theirs = seconds(lambda: subprocess.run(look, check=True, stdout=subprocess.DEVNULL))
    found: list[reconciling.Survey] = []
    ours = seconds(lambda: found.append(reconciling.survey()))
    assert (found[0].rows, found[0].files, found[0].counts.total()) == (files * DAYS, files * DAYS, 0)
    yield row(f"compare index and disk, {DAYS} days", ours, theirs, files * DAYS)
    Segment.objects.all().delete()


def link_day(day: date, target: Path) -> None:
    """What `cp -al` makes of the same day."""
    target.mkdir()
    folders = [folder.relative_to(settings.VIDEO_ROOT) for folder in settings.VIDEO_ROOT.glob(f"*/{day:%Y%m%d}")]
    subprocess.run(["cp", "-al", "--parents", *folders, target], check=True, cwd=settings.VIDEO_ROOT)


def a_store(camera: Camera, folder: Path) -> Iterator[dict]:
    began = timezone.now() - timedelta(days=1)
    rows = [lay(camera, began + timedelta(minutes=n)) for n in range(MOVED)]
    (folder / "swift").mkdir()
    with object_store(folder / "swift") as store, moving_to(store):
        client, bucket = storages["recordings"].connection.meta.client, storages["recordings"].bucket_name
        theirs = seconds(
            lambda: each(lambda s: client.put_object(Bucket=bucket, Key=f"x{s.start_ms}", Body=read(s)), rows)
        )
        ours = seconds(lambda: tiering.make_room(MOVED * SIZE))
        yield row(f"move {MOVED} recordings of {SIZE} bytes", ours, theirs, MOVED)
        moved = list(Segment.objects.filter(camera=camera, store="objects"))
        assert len(moved) == MOVED
        theirs = seconds(lambda: [client.get_object(Bucket=bucket, Key=s.path)["Body"].read() for s in moved])
        ours = seconds(lambda: [read(segment) for segment in moved])
        yield row("read them, one after the other", ours, theirs, MOVED)
        again = seconds(lambda: [read(segment) for segment in moved])
        yield row("read them again within the hour", again, theirs, MOVED)


def lay(camera: Camera, started: datetime) -> Segment:
    content = os.urandom(SIZE)
    segment = Segment(
        camera=camera,
        started_at=started,
        ended_at=started + timedelta(minutes=1),
        session=1,
        bytes=SIZE,
        init_bytes=700,
        width=640,
        height=360,
        codec="avc1.640016",
        sha256=sha256(content).hexdigest(),
        state=Segment.State.CLOSED,
    )
    segment.save(force_insert=True)
    segment.file.parent.mkdir(parents=True, exist_ok=True)
    segment.file.write_bytes(content)
    return segment


@contextmanager
def moving_to(store) -> Iterator[None]:
    with override_settings(STORAGES=settings.STORAGES | {"recordings": recordings_in(store, "bench")}):
        storages["recordings"].connection.meta.client.create_bucket(Bucket="bench")
        yield


def each(act: Callable[[Segment], object], rows: list[Segment]) -> None:
    with ThreadPoolExecutor(settings.TIER_AT_ONCE) as pool:
        list(pool.map(act, rows))


def read(segment: Segment) -> bytes:
    with storage.open_segment(segment) as file:
        return file.read()


def seconds(act: Callable[[], object]) -> float:
    os.sync()
    began = time.monotonic()
    act()
    passed = time.monotonic() - began
    print(f"storage: {passed:.2f} s", file=sys.stderr, flush=True)
    return passed


def row(case: str, ours: float, reference: float, count: int) -> dict:
    return {
        "name": "storage",
        "case": case,
        "ratio": round(ours / reference, 2),
        "ours": round(ours, 2),
        "reference": round(reference, 2),
        "unit": "s",
        "n": count,
    }
