"""Hundreds of cameras, and everything that can go wrong around them, for minutes. `make soak`, not `make test`.

SOAK_CAMERAS (200 good ones, and a bad one for every ten) and SOAK_MINUTES (5) say how large and how long.
"""

import itertools
import os
import random
import signal
import statistics
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connections
from django.utils import timezone

from apps.cameras.models import Camera
from apps.video.models import Segment
from tests.soak.rig import Program, Rig, count, overlaps, rig
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
CAMERAS, MINUTES = int(os.environ.get("SOAK_CAMERAS", "200")), float(os.environ.get("SOAK_MINUTES", "5"))
BAD = ("hang", "garbage", "noise", "refuse", "stall/4", "flap/3", "nokey", "late/8", "silent", "wrap")
TAKEOVER = 10.0
PER_PROCESS = 70


class Faults:
    """What was done to the recorders, and when: outside these spans nothing may be missing."""

    def __init__(self, built: Rig):
        self.built = built
        self.spans: list[tuple[str, datetime, datetime]] = []
        self.takeovers: list[float] = []

    def alive(self) -> list[Program]:
        return [one for one in self.built.recorders if one.lives]

    def kill(self) -> None:
        victim = random.choice(self.alive())
        self._do("killed", victim.kill)
        self.built.recorder(PER_PROCESS)

    def stop_and_go_on(self) -> None:
        victim = random.choice(self.alive())

        def pause():
            victim.tell(signal.SIGSTOP)
            time.sleep(8)
            victim.tell(signal.SIGCONT)

        self._do("stopped", pause)

    def end_politely(self) -> None:
        victim = random.choice(self.alive())
        self._do("ended", lambda: victim.end(20))
        self.built.recorder(PER_PROCESS)

    def _do(self, name: str, act: Callable[[], object]) -> None:
        began, clock = timezone.now(), time.monotonic()
        act()
        happened = time.time() if name != "killed" else began.timestamp()
        until(lambda: self.all_grow_since(happened), f"every camera is recorded after a recorder was {name}", within=40)
        self.takeovers.append(time.monotonic() - clock)
        self.spans.append((name, began - timedelta(seconds=2), timezone.now() + timedelta(seconds=10)))

    def all_grow_since(self, moment: float) -> bool:
        """Every good camera has a file that was written to a second after `moment` (Unix s), or later."""
        growing = set()
        for segment in Segment.objects.filter(state=Segment.State.RECORDING, camera__in=good()):
            file = self.built.video / segment.path
            if file.exists() and file.stat().st_mtime > moment + 1:
                growing.add(segment.camera_id)
        return len(growing) == CAMERAS


def good():
    return Camera.objects.filter(rtsp_url__contains="/cam/")


def test_nothing_is_lost_or_recorded_twice(folder):
    with rig(folder) as built:
        street = built.street(CAMERAS)
        built.cameras([street(f"/cam/{n}") for n in range(1, CAMERAS + 1)])
        bad = [street(f"/bad/{name}") for name, _ in zip(itertools.cycle(BAD), range(CAMERAS // 10), strict=False)]
        built.cameras(bad)
        for _ in range((CAMERAS + len(bad)) // PER_PROCESS + 2):
            built.recorder(PER_PROCESS)
        faults = Faults(built)
        until(lambda: faults.all_grow_since(0), "every good camera is recorded", within=90)
        settled = timezone.now() + timedelta(seconds=20)
        time.sleep(20)
        memory = [sum(one.megabytes() for one in faults.alive())]
        for act in itertools.cycle((faults.kill, faults.stop_and_go_on, faults.end_politely)):
            if timezone.now() - settled > timedelta(minutes=MINUTES - 1):
                break
            act()
            time.sleep(25)
            memory.append(sum(one.megabytes() for one in faults.alive()))
        # What a recorder leaves behind when all end is taken over by those that end after it.
        ended = timezone.now() - timedelta(seconds=1)
        for one in faults.alive():
            one.tell(signal.SIGTERM)
        for one in built.recorders:
            one.end(30)
        report(built, faults, memory, settled, ended)
    connections.close_all()


def report(built: Rig, faults: Faults, memory: list[float], settled: datetime, ended: datetime) -> None:
    segments = list(Segment.objects.filter(camera__in=good(), ended_at__isnull=False))
    found = count(segments, built.video)
    holes = unexplained(segments, faults.spans, settled, ended)
    print(f"\n{CAMERAS} cameras, {len(faults.spans)} faults, {found.pictures} pictures, {found.missing} missing")
    print(f"seconds until everything was recorded again: {[round(one, 1) for one in faults.takeovers]}")
    print(f"MB of all recorders: {[round(one) for one in memory]}")
    assert found.where == ()
    assert overlaps(segments) == []
    assert holes == []
    killed = [took for took, (name, *_) in zip(faults.takeovers, faults.spans, strict=True) if name == "killed"]
    assert max(killed) < TAKEOVER
    # The first figure is taken when everything has just begun.
    assert statistics.median(memory[-3:]) < 1.25 * memory[1]


def unexplained(segments: list[Segment], faults: list[tuple[str, datetime, datetime]], settled, ended) -> list:
    """Holes in the recording of good cameras that no fault accounts for."""
    ordered = sorted(segments, key=lambda one: (one.camera_id, one.started_at))
    holes = [
        (one.camera_id, one.ended_at, other.started_at)
        for one, other in itertools.pairwise(ordered)
        if one.camera_id == other.camera_id and other.started_at - one.ended_at > timedelta(milliseconds=2)
    ]
    return [
        hole
        for hole in holes
        if settled < hole[1] < ended and not any(began <= hole[2] and hole[1] <= over for _, began, over in faults)
    ]
