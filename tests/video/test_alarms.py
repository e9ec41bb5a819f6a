import pytest
from django.db import IntegrityError

from apps.incidents.models import Event
from apps.video import reasons
from apps.video.alarms import clear_alarm, raise_alarm, say_status
from apps.video.models import CameraAlarm

pytestmark = pytest.mark.django_db


def statuses(camera):
    camera.refresh_from_db()
    return camera.status, camera.status_reason


def test_an_alarm_begins_once_and_ends_once(camera):
    assert raise_alarm(camera.pk, "frozen", seconds=30)
    assert not raise_alarm(camera.pk, "frozen", seconds=60)
    alarm = CameraAlarm.objects.get()
    assert (alarm.kind, alarm.detail, alarm.ended_at) == ("frozen", {"seconds": 30}, None)
    assert clear_alarm(camera.pk, "frozen")
    assert not clear_alarm(camera.pk, "frozen")
    alarm.refresh_from_db()
    assert alarm.ended_at >= alarm.began_at
    assert raise_alarm(camera.pk, "frozen")
    assert CameraAlarm.objects.count() == 2


def test_the_centre_and_the_owner_are_told_of_both_ends(camera):
    raise_alarm(camera.pk, "black")
    raise_alarm(camera.pk, "black")
    clear_alarm(camera.pk, "black")
    begun, ended = Event.objects.order_by("seq")
    assert [event.kind for event in (begun, ended)] == ["camera.alarm", "camera.alarm_over"]
    assert begun.object_id == camera.pk
    assert begun.agencies == [camera.owner_id]
    assert (begun.detail["alarm"], begun.detail["number"]) == ("black", camera.number)
    assert "until" in ended.detail


def test_the_status_follows_the_picture(camera):
    say_status(camera.pk, "normal")
    raise_alarm(camera.pk, "covered")
    assert statuses(camera) == ("caution", reasons.COVERED)
    raise_alarm(camera.pk, "frozen")
    say_status(camera.pk, "normal")  # the recorder begins its next segment
    assert statuses(camera) == ("caution", reasons.COVERED)
    clear_alarm(camera.pk, "covered")
    assert statuses(camera) == ("caution", reasons.FROZEN)
    clear_alarm(camera.pk, "frozen")
    assert statuses(camera) == ("normal", "")


def test_what_the_recorder_says_of_a_dead_camera_stands(camera):
    say_status(camera.pk, "serious", reasons.STALLED)
    raise_alarm(camera.pk, "frozen")
    assert statuses(camera) == ("serious", reasons.STALLED)
    clear_alarm(camera.pk, "frozen")
    assert statuses(camera) == ("serious", reasons.STALLED)


def test_an_alarm_of_the_disk_leaves_the_status_to_the_recorder(camera):
    say_status(camera.pk, "critical", reasons.DISK_FULL)
    raise_alarm(camera.pk, "disk")
    assert statuses(camera) == ("critical", reasons.DISK_FULL)


def test_no_kind_but_the_known_ones(camera):
    with pytest.raises(ValueError, match="gone fishing"):
        raise_alarm(camera.pk, "gone fishing")


def test_the_database_keeps_one_open_alarm_a_kind(camera):
    CameraAlarm.objects.create(camera=camera, kind="moved")
    with pytest.raises(IntegrityError):
        CameraAlarm.objects.create(camera=camera, kind="moved")
