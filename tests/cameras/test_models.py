import pytest
from django.db import IntegrityError, transaction

from apps.cameras.actions import set_status
from apps.cameras.models import Camera
from tests.cameras.conftest import metres

pytestmark = pytest.mark.django_db


def test_coverage_follows_the_camera(camera):
    one = camera("one", bearing_deg=0)
    assert not one.coverage.contains(metres(-20))
    one.bearing_deg = 180
    one.save(update_fields=["bearing_deg"])
    one.refresh_from_db()
    assert one.coverage.contains(metres(-20))


def test_a_turning_camera_covers_its_circle(camera):
    one = camera("one", kind="ptz", bearing_deg=0, range_m=100)
    assert one.coverage.contains(metres(-90))


def test_without_a_stream_it_is_off(camera):
    one = camera("one")
    assert one.status == "normal"
    one.rtsp_url = ""
    one.save()
    assert Camera.objects.get().status == "off"
    one.rtsp_url = "rtsp://192.0.2.1/1"
    one.save()
    assert Camera.objects.get().status == "standby"


def test_streaming_cameras(camera):
    camera("on")
    camera("no stream", status="off")
    camera("disabled", is_enabled=False)
    assert [one.number for one in Camera.objects.streaming()] == ["on"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bearing_deg": 360},
        {"bearing_deg": -1},
        {"fov_deg": 0},
        {"fov_deg": 361},
        {"range_m": 0},
        {"range_m": 5001},
        {"retention_days": 0},
    ],
)
def test_the_database_refuses_nonsense(camera, wrong):
    camera("one")
    with pytest.raises(IntegrityError), transaction.atomic():
        Camera.objects.update(**wrong)


def test_a_status_is_written_on_change_only(camera, django_assert_num_queries):
    one = camera("one")
    assert set_status(one.pk, "serious", "no answer")
    one.refresh_from_db()
    since = one.status_at
    assert (one.status, one.status_reason) == ("serious", "no answer")
    with django_assert_num_queries(1):
        assert not set_status(one.pk, "serious", "no answer")
    one.refresh_from_db()
    assert one.status_at == since
    assert set_status(one.pk, "serious", "garbage")


def test_a_long_reason_is_cut_and_still_no_news(camera):
    one = camera("one")
    assert set_status(one.pk, "serious", "x" * 1000)
    assert not set_status(one.pk, "serious", "x" * 1000)


def test_an_unknown_status_and_an_unknown_camera(camera):
    with pytest.raises(ValueError, match="nonsense"):
        set_status(camera("one").pk, "nonsense")
    assert not set_status(10**9, "normal")
