"""The analyst beside a running recorder, on real RTSP."""

import threading
from datetime import timedelta

import pytest
from django.db import connections
from django.utils import timezone

from apps.incidents.models import Event
from apps.video import alarms, analysis, analyst, feed, motion
from apps.video.analyst import AnalystProcess, Claims, Decoders, Tail
from apps.video.models import CameraAlarm, Segment, UsualView
from apps.video.nal import H265, BadStream
from apps.video.presence import Presence
from tests.video.filming import film
from tests.waiting import until

pytestmark = pytest.mark.slow


class Running:
    """An analyst in a thread of this process."""

    def __init__(self):
        self.process = AnalystProcess()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        try:
            self.process.run()
        finally:
            connections.close_all()

    def stop(self):
        self.process.stop()
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def impatient(monkeypatch):
    """Believes at once what it would else watch for half a minute."""
    for kind in analysis.PATIENCE:
        monkeypatch.setitem(analysis.PATIENCE, kind, (2, 1))
    monkeypatch.setattr(analysis, "KNOWN_AFTER", 3)
    monkeypatch.setattr(analysis, "LIVELY_AFTER", 3)
    for name, seconds in {"BEAT_SECONDS": 0.25, "OFTEN_SECONDS": 0.9, "SHARE": 1, "FLUSH_SECONDS": 1}.items():
        monkeypatch.setattr(analyst, name, seconds)


@pytest.fixture
def start_analyst(impatient):
    started = []

    def start():
        started.append(Running())
        return started[-1]

    yield start
    for running in started:
        running.stop()


def of(camera) -> list[tuple[str, bool]]:
    """(kind, is over) of the camera's alarms."""
    found = CameraAlarm.objects.filter(camera=camera).order_by("began_at")
    return [(alarm.kind, alarm.ended_at is not None) for alarm in found]


def levels(camera) -> list[int]:
    """How much moved in each second of the last two minutes."""
    now = timezone.now()
    return [level for _second, level in motion.levels(camera.pk, now - timedelta(minutes=2), now)]


@pytest.fixture
def slow_streets(monkeypatch):
    """Four streets take their time to be drawn, anew for a camera that is moved: no silence is an outage."""
    monkeypatch.setattr(feed, "OPEN_SECONDS", 60.0)
    monkeypatch.setattr(feed, "READ_SECONDS", 60.0)


@pytest.mark.usefixtures("slow_streets")
def test_what_happens_to_cameras_is_told_and_is_over_again(start_recorder, start_analyst, make_streaming):
    start_analyst()
    # A clock that stops betrays a frozen picture to whoever has seen it run for a while.
    seconds = {"frozen": 16, "black": 8, "moved": 8}
    cameras = {how: make_streaming(f"/bad/{how}/{long}") for how, long in seconds.items()}
    street = make_streaming("/cam/1")
    start_recorder()
    until(lambda: all(how in dict(of(camera)) for how, camera in cameras.items()), "alarms", within=200)
    until(lambda: all((how, True) in of(camera) for how, camera in cameras.items()), "ends")
    assert {kind for how, camera in cameras.items() for kind, _ in of(camera) if kind != how} == set()
    assert of(street) == []
    told = set(Event.objects.values_list("kind", "object_id"))
    assert {("camera.alarm", camera.pk) for camera in cameras.values()} <= told
    until(lambda: len(levels(street)) > 8 and max(levels(street)) > 20, "somebody passing")
    assert UsualView.objects.filter(camera=street).exists()
    alarms.accept_view(street.pk)
    since = timezone.now()
    until(lambda: UsualView.objects.filter(camera=street, learned_at__gt=since).exists(), "the view learnt anew")


def test_each_recorder_has_one_analyst_until_that_dies(roots):
    recorder = Presence(roots.VIDEO_ROOT, "7a9b5a4e-3f4f-4b0e-9b70-6a1f3d7d1c11")
    recorder.show()
    one, other = Claims(roots.VIDEO_ROOT), Claims(roots.VIDEO_ROOT)
    assert len(one.hold()) == 1
    assert other.hold() == set()
    one.end()
    assert len(other.hold()) == 1
    recorder.end()
    assert other.hold() == set()
    assert list((roots.VIDEO_ROOT / ".analysts").iterdir()) == []


@pytest.mark.django_db
def test_a_tail_reads_on_where_it_was_and_file_after_file(roots, camera):
    now = timezone.now().replace(microsecond=0)
    first, second = (film(roots, camera, now + timedelta(seconds=at), 3) for at in (0, 3))
    whole = first.file.read_bytes()
    first.file.write_bytes(whole[: len(whole) - 100])
    tail = Tail()
    tail.follow(first)
    assert [round(at - now.timestamp()) for at, *_ in tail.read()] == [0, 1]
    with first.file.open("ab") as file:
        file.write(whole[-100:])
    tail.follow(first)
    tail.follow(second)
    assert [round(at - now.timestamp()) for at, *_ in tail.read()] == [2, 3, 4, 5]
    assert list(tail.read()) == []
    tail.close()


@pytest.mark.django_db
def test_h265_and_h264_are_decoded_by_turns(roots, camera, far_camera):
    now, decoders = timezone.now(), Decoders()
    for segment in (film(roots, camera, now, 1), film(roots, far_camera, now, 1, codec=H265)) * 2:
        tail = Tail()
        tail.follow(segment)
        (_at, fragment, fd), *_ = tail.read()
        with open(fd, "rb", closefd=False) as file:
            file.seek(fragment.data)
            assert decoders.decode(tail.init, file.read(fragment.first)).width == 640
        tail.close()


@pytest.mark.django_db
@pytest.mark.parametrize("damage", [b"", b"\0" * 64, b"\0\0\0\x04\x65abc" * 50])
def test_a_broken_keyframe_costs_nobody_else_a_look(roots, camera, damage):
    segment, decoders = film(roots, camera, timezone.now(), 1), Decoders()
    tail = Tail()
    tail.follow(segment)
    (_at, fragment, fd), *_ = tail.read()
    with pytest.raises(BadStream):
        decoders.decode(tail.init, damage)
    with open(fd, "rb", closefd=False) as file:
        file.seek(fragment.data)
        assert decoders.decode(tail.init, file.read(fragment.first)).height == 360
    tail.close()


@pytest.mark.django_db
def test_a_file_that_is_gone_is_left_alone(roots, camera):
    segment = film(roots, camera, timezone.now(), 1)
    segment.file.unlink()
    tail = Tail()
    tail.follow(segment)
    assert list(tail.read()) == []
    assert Segment.objects.count() == 1
