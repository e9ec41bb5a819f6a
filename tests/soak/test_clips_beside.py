"""Clips of both kinds are made as fast as they can be, while many cameras are recorded: not a picture is missing."""

import itertools
import time
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from apps.video.models import Clip, Segment
from daejeon_soc.up import programs
from tests.soak.rig import MANAGE, count, rig
from tests.soak.test_soak import CAMERAS, PER_PROCESS
from tests.video.filming import film
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
RECORDED, SECONDS, MAKERS, WAITING = min(CAMERAS, 50), 20, 3, 6
MAKE = "import time\nfrom apps.video.tasks import cut_clips\nwhile True:\n    cut_clips()\n    time.sleep(0.05)"
# How the makers of clips stand behind everybody else.
BEHIND = list(itertools.takewhile(lambda word: "celery" not in word, programs.clips().command))


def test_clips_at_full_speed_cost_no_picture(folder, settings):
    with rig(folder) as built:
        settings.VIDEO_ROOT = built.video
        street = built.street(RECORDED)
        cameras = built.cameras([street(f"/cam/{n}") for n in range(1, RECORDED + 1)])
        for _ in range(RECORDED // PER_PROCESS + 1):
            built.recorder(PER_PROCESS)
        until(lambda: Segment.objects.count() >= RECORDED, "every camera is recorded", within=60)
        begins = timezone.now() - timedelta(hours=1)
        other = built.cameras([""])[0]
        film(settings, other, begins, 30)
        for _ in range(MAKERS):
            words = [*BEHIND, *MANAGE, "shell", "-v", "0", "-c", MAKE]
            built.start(words, **built.database, CLIP_ROOT=str(folder / "clips"), CLIPS_AT_ONCE=str(MAKERS))
        keep_ordering(other, begins)
        until(lambda: made() > MAKERS, "clips are made", within=30)
        before, end = made(), time.monotonic() + SECONDS
        while time.monotonic() < end:
            keep_ordering(other, begins)
            time.sleep(0.1)
        kinds = {kind: made(kind=kind) for kind in Clip.Kind.values}
        for recorder in built.recorders:
            assert recorder.lives
            recorder.end(30)
        recorded = Segment.objects.filter(camera__in=cameras)
        found = count(recorded, built.video)
        print(f"\n{RECORDED} cameras, {found.pictures} pictures, {found.missing} missing; beside them {kinds} clips")
        assert not Clip.objects.filter(state=Clip.State.FAILED).exists()
        assert made() - before > SECONDS / 5 and all(kinds.values())
        assert set(recorded.values_list("camera").distinct()) == {(camera.pk,) for camera in cameras}
        # One connection each, from its first picture to its last: none was broken off.
        assert recorded.values("camera", "session").distinct().count() == RECORDED
        assert found.where == ()
    connections.close_all()


def keep_ordering(camera, begins) -> None:
    """Some of each kind wait at any time; what is made is thrown away by nobody."""
    for kind in Clip.Kind.values:
        for _ in range(WAITING - Clip.objects.unfinished().filter(kind=kind).count()):
            note = {"burned_in": ["A. Person, Police", "register line 7"]} if kind == Clip.Kind.VIEWING else {}
            period = {"starts_at": begins + timedelta(seconds=2.3), "ends_at": begins + timedelta(seconds=28)}
            Clip.objects.create(camera=camera, kind=kind, note=note, **period)


def made(**of) -> int:
    return Clip.objects.filter(state=Clip.State.READY, **of).count()
