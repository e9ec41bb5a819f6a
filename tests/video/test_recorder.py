import itertools
import os
import signal
import subprocess
import time
from datetime import timedelta

import av
import pytest
from django.db import connection
from django.utils import timezone

from apps.video import models, recorder, tasks
from apps.video.fmp4 import fragments
from apps.video.healing import adopt, heal, heal_left_behind
from apps.video.models import Lease, Recorder, Segment
from apps.video.reasons import DISABLED, NO_RECORDER
from tests.cast import make_camera
from tests.video.conftest import MANAGE, delivers
from tests.video.filming import film
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def short_leases(monkeypatch):
    silence = timedelta(seconds=2)
    for module in (models, recorder):
        monkeypatch.setattr(module, "RECORDER_SILENCE", silence)


@pytest.fixture
def other_recorder(roots):
    """A recorder in a process of its own."""
    base = connection.settings_dict
    address = f"{base['HOST']}:{base['PORT']}/{base['NAME']}"
    url = f"postgis://{base['USER']}:{base['PASSWORD']}@{address}"
    environment = {
        **os.environ,
        "DATABASE_URL": url,
        "OWNER_DATABASE_URL": url,
        "VIDEO_ROOT": str(roots.VIDEO_ROOT),
    }
    with subprocess.Popen([*MANAGE, "record"], env=environment, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def playable(segment: Segment) -> int:
    with av.open(str(segment.file)) as container:
        times = [frame.pts for frame in container.decode(video=0)]
    assert times == sorted(set(times))
    return len(times)


def written(segment: Segment) -> int:
    """Pictures that stand in whole fragments."""
    with segment.file.open("rb") as file:
        return sum(one.samples for one in fragments(file.fileno()))


def test_cameras_are_recorded_indexed_and_closed(start_recorder, make_streaming):
    cameras = [make_streaming(f"/cam/{n}") for n in (1, 2, 3)]
    running = start_recorder()
    until(lambda: Segment.objects.count() == 3, "three segments")
    until(lambda: all(written(segment) >= 45 for segment in Segment.objects.all()), "three seconds of each")
    running.stop()
    for camera in cameras:
        camera.refresh_from_db()
        assert (camera.status, camera.width, camera.height) == ("normal", 320, 180)
        (segment,) = camera.segments.all()
        assert segment.state == Segment.State.CLOSED
        assert playable(segment) >= 30
        assert segment.bytes == segment.file.stat().st_size
        assert segment.ended_at - segment.started_at > timedelta(seconds=2)
    assert not Lease.objects.exists() and not Recorder.objects.exists()


def test_changes_in_the_registry_are_followed(start_recorder, make_streaming, street):
    camera, other = make_streaming("/cam/1"), make_streaming("/nothing")
    start_recorder()
    until(lambda: delivers(camera))
    camera.is_enabled = False
    camera.save()
    other.rtsp_url = street("/cam/2")
    other.save()
    until(lambda: delivers(other), "the new address")
    until(lambda: not Lease.objects.filter(camera=camera).exists(), "the lease given back")
    until(lambda: not delivers(camera), "the view closed")
    camera.refresh_from_db()
    assert (camera.status, camera.status_reason) == ("off", DISABLED)
    until(lambda: camera.segments.get().state == Segment.State.CLOSED, "its segment closed")


def test_two_recorders_share_and_never_record_twice(start_recorder, make_streaming, short_leases):
    cameras = [make_streaming(f"/cam/{n}") for n in (1, 2, 3, 4)]
    start_recorder()
    until(lambda: Lease.objects.count() == 4)
    second = start_recorder()
    until(lambda: Lease.objects.filter(recorder=second.process.id).count() == 2, "half of the cameras")
    until(lambda: Lease.objects.count() == 4)
    time.sleep(2)
    for camera in cameras:
        until(lambda camera=camera: delivers(camera))
        until(lambda camera=camera: camera.segments.filter(ended_at=None).count() <= 1)
        spans = list(camera.segments.order_by("started_at").values_list("started_at", "ended_at"))
        assert all(end is not None and end <= start for (_, end), (start, _) in itertools.pairwise(spans))


def test_a_killed_recorders_cameras_and_files_are_taken_over(
    start_recorder, make_streaming, other_recorder, short_leases
):
    camera = make_streaming("/cam/1")
    torn = until(lambda: camera.segments.first(), "the first recorder")
    until(lambda: written(torn) >= 7)
    other_recorder.send_signal(signal.SIGKILL)
    other_recorder.wait()
    with torn.file.open("ab") as file:
        file.write(b"\0\0\1\0moof torn by the power cut")
    start_recorder()
    until(lambda: camera.segments.count() == 2, "the second recorder")
    torn = until(lambda: camera.segments.filter(pk=torn.pk, state=Segment.State.CLOSED).first(), "healing")
    assert torn.bytes == torn.file.stat().st_size
    assert playable(torn) >= 7
    later = camera.segments.exclude(pk=torn.pk).get()
    assert torn.ended_at <= later.started_at


def test_the_database_may_be_away_for_a_while(start_recorder, make_streaming, monkeypatch):
    camera = make_streaming("/cam/1")
    running = start_recorder()
    segment = until(lambda: camera.segments.first())

    def broken(*_args, **_kwargs):
        raise recorder.DatabaseError("away")

    monkeypatch.setattr(running.process, "_write", broken)
    monkeypatch.setattr(running.process, "_say_alive", broken)
    before = segment.file.stat().st_size
    until(lambda: segment.file.stat().st_size > before + 3000, "recording goes on")
    monkeypatch.undo()
    running.stop()
    segment.refresh_from_db()
    assert (segment.state, segment.bytes) == (Segment.State.CLOSED, segment.file.stat().st_size)


class TestHealing:
    @pytest.fixture
    def torn(self, roots, camera):
        segment = film(roots, camera, timezone.now() - timedelta(minutes=1), 3)
        Segment.objects.update(state="recording", sha256="", ended_at=None, bytes=0)
        segment.refresh_from_db()
        with segment.file.open("r+b") as file:
            file.truncate(segment.file.stat().st_size - 100)
        return segment

    def test_a_torn_segment_keeps_its_whole_seconds(self, torn):
        assert heal_left_behind() == 1
        torn.refresh_from_db()
        assert torn.state == "closed"
        assert torn.ended_at - torn.started_at == timedelta(seconds=2)
        assert torn.bytes == torn.file.stat().st_size
        assert playable(torn) == 30

    def test_a_second_healing_finds_nothing(self, torn):
        assert heal(*torn.pk)
        assert not heal(*torn.pk)

    def test_a_segment_without_a_picture_is_forgotten(self, torn):
        with torn.file.open("r+b") as file:
            file.truncate(torn.init_bytes + 20)
        heal_left_behind()
        assert not Segment.objects.exists() and not torn.file.exists()

    def test_a_row_without_a_file_is_forgotten(self, torn):
        torn.file.unlink()
        heal_left_behind()
        assert not Segment.objects.exists()

    def test_what_a_living_recorder_writes_is_left_alone(self, torn):
        recorder = Recorder.objects.create(address="x:1", capacity=1)
        Segment.objects.update(recorder=recorder.id)
        assert heal_left_behind() == 0

    def test_what_is_still_being_written_is_left_alone_whatever_the_database_says(self, torn):
        import fcntl

        with torn.file.open("rb") as writer:
            fcntl.flock(writer, fcntl.LOCK_EX)
            assert heal_left_behind() == 0
        assert heal_left_behind() == 1

    def test_a_file_nobody_wrote_down_is_adopted(self, roots, camera):
        segment = film(roots, camera, timezone.now() - timedelta(minutes=1), 2)
        Segment.objects.all().delete()
        assert adopt(camera.pk, now=timezone.now()) == 1
        found = Segment.objects.get()
        same = ("path", "bytes", "sha256", "codec", "width", "height", "init_bytes", "state")
        assert [getattr(found, name) for name in same] == [getattr(segment, name) for name in same]
        assert abs(found.started_at - segment.started_at) < timedelta(milliseconds=1)
        assert adopt(camera.pk, now=timezone.now()) == 0

    def test_a_strange_file_is_not_adopted(self, roots, camera):
        day = roots.VIDEO_ROOT / str(camera.pk) / f"{timezone.now():%Y%m%d}"
        day.mkdir(parents=True)
        for name in ("000000.000Z.mp4", "x.mp4"):
            (day / name).write_bytes(b"no recording")
        assert adopt(camera.pk, now=timezone.now()) == 0
        assert not Segment.objects.exists()

    def test_fragments_stay_whole(self, torn):
        heal(*torn.pk)
        with torn.file.open("rb") as file:
            assert [f.samples for f in fragments(file.fileno())] == [15, 15]


def test_a_camera_that_nobody_records_is_not_normal(owner):
    lost = make_camera(owner, rtsp_url="rtsp://127.0.0.1:1/x", status="normal")
    held = make_camera(owner, rtsp_url="rtsp://127.0.0.1:1/y", status="normal")
    Lease.objects.create(camera=held, recorder=Recorder.objects.create(address="x:1", capacity=1))
    tasks.note_unrecorded_cameras()
    lost.refresh_from_db()
    held.refresh_from_db()
    assert (lost.status, lost.status_reason) == ("serious", NO_RECORDER)
    assert held.status == "normal"
