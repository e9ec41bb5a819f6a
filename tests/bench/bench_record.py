"""Recording without re-encoding: our processes against one ffmpeg per camera, on the same looped virtual cameras.

Each row is one figure of one case: memory per camera (PSS, MB), processor time per camera (thousandths of a core)
and pictures lost, counted one by one from the timestamps in the files. The two take turns. RECORD_CASES
("100@640x360 …") and RECORD_SECONDS choose other sizes and another length.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from apps.video.models import Segment
from tests.bench.apart import apart
from tests.soak.rig import Count, Program, Rig, count, count_files, rig, total
from tests.waiting import until

CASES = "100@640x360 200@640x360 100@1280x720"
PER_PROCESS = 100
# The start is left out: opening a hundred cameras at once is the same work for both.
SETTLE_SECONDS = 20


def run() -> list[dict]:
    cases = os.environ.get("RECORD_CASES", CASES).split()
    seconds = int(os.environ.get("RECORD_SECONDS", "60"))
    with apart("record") as folder:
        return [row for case in cases for row in _case(case, seconds, folder)]


def _case(case: str, seconds: int, folder: Path) -> list[dict]:
    cameras, _, size = case.partition("@")
    ours = _measured(folder / f"{case}-ours", int(cameras), size, seconds, _record)
    theirs = _measured(folder / f"{case}-reference", int(cameras), size, seconds, _ffmpeg)
    pictures = ours[2].pictures
    return [
        _row(f"{case}: MB per camera", ours[0], theirs[0], "MB per camera", int(cameras)),
        _row(f"{case}: processor", ours[1], theirs[1], "thousandths of a core per camera", int(cameras)),
        _row(f"{case}: pictures lost", ours[2].missing, theirs[2].missing, "pictures", pictures),
    ]


Take = Callable[[Rig, list[str]], tuple[list[Program], Callable[[], Count]]]


def _measured(folder: Path, cameras: int, size: str, seconds: int, take: Take) -> tuple[float, float, Count]:
    """(MB, thousandths of a core) per camera over `seconds`, and the pictures of the whole run."""
    with rig(folder) as built:
        street = built.street(cameras, size=size)
        programs, found = take(built, [street(f"/cam/{n}") for n in range(1, cameras + 1)])
        time.sleep(SETTLE_SECONDS)
        began, used = time.monotonic(), sum(one.cpu_seconds() for one in programs)
        time.sleep(seconds)
        used = sum(one.cpu_seconds() for one in programs) - used
        passed = time.monotonic() - began
        megabytes = sum(one.megabytes() for one in programs)
        for one in programs:
            one.tell(signal.SIGTERM)
        for one in programs:
            one.process.wait(60)
        return megabytes / cameras, 1000 * used / passed / cameras, found()


def _record(built: Rig, addresses: list[str]):
    Segment.objects.all().delete()
    made = built.cameras(addresses)
    for _ in range(-(-len(made) // PER_PROCESS)):
        built.recorder(PER_PROCESS)
    until(lambda: _recorded(made) == len(made), "every camera is recorded", within=120)

    def found() -> Count:
        counted = count(Segment.objects.filter(camera__in=made), built.video)
        for camera in made:
            camera.is_enabled = False
            camera.save(update_fields=["is_enabled"])
        return counted

    return built.recorders, found


def _recorded(made) -> int:
    return Segment.objects.filter(camera__in=made).values("camera").distinct().count()


def _ffmpeg(built: Rig, addresses: list[str]):
    """As most recorders do it: segments of a minute, nothing re-encoded, no sound."""
    programs = []
    for number, address in enumerate(addresses):
        folder = built.video / str(number)
        folder.mkdir()
        words = [
            "ffmpeg",
            "-nostdin",
            "-loglevel",
            "error",
            "-rtsp_transport",
            "tcp",
            "-i",
            address,
            "-an",
            "-c",
            "copy",
        ]
        words += ["-f", "segment", "-segment_time", "60", "-segment_format", "mp4", "-reset_timestamps", "0"]
        programs.append(built.start([*words, str(folder / "%03d.mp4")]))
        time.sleep(0.02)
    until(
        lambda: all(any(built.video.joinpath(str(n)).iterdir()) for n in range(len(addresses))),
        "every ffmpeg",
        within=120,
    )
    return programs, lambda: total(count_files(sorted(folder.iterdir())) for folder in built.video.iterdir())


def _row(case: str, ours: float, reference: float, unit: str, n: int) -> dict:
    return {
        "name": "record",
        "case": case,
        "ratio": round(ours / reference, 3) if reference else None,
        "ours": round(ours, 3),
        "reference": round(reference, 3),
        "unit": unit,
        "n": n,
    }
