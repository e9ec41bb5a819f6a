import io
from datetime import UTC, datetime, timedelta

import pytest
from PIL import Image

from apps.showroom.virtual import clock
from apps.video import reasons, stills
from apps.video.models import Segment
from apps.video.nal import H265
from apps.video.reasons import NotAvailable
from apps.video.stills import still, thumbnail
from tests.video.filming import film

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
START = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)


def seen(jpeg: bytes) -> datetime:
    return datetime.fromtimestamp(clock.read(Image.open(io.BytesIO(jpeg))) / 1000, UTC)


@pytest.mark.parametrize("after", [0.0, 0.9, 1.0, 2.5])
def test_a_recorded_still_shows_the_time_it_says(roots, camera, after):
    film(roots, camera, START, 3)
    found = still(camera.pk, START + timedelta(seconds=after))
    assert found.taken_at == START + timedelta(seconds=int(after))
    assert abs(seen(found.jpeg) - found.taken_at) < timedelta(milliseconds=2)


def test_h265_gives_a_still_too(roots, camera):
    film(roots, camera, START, 1, codec=H265)
    assert abs(seen(still(camera.pk, START).jpeg) - START) < timedelta(milliseconds=2)


def test_a_large_picture_is_bounded(roots, camera):
    film(roots, camera, START, 0.2, size=(1920, 1080))
    picture = Image.open(io.BytesIO(still(camera.pk, START).jpeg))
    assert picture.size == (1280, 720)


@pytest.mark.parametrize("seconds", [-1, 3.5, 3600])
def test_a_time_without_video_has_no_still(roots, camera, far_camera, seconds):
    film(roots, camera, START, 3)
    film(roots, far_camera, START - timedelta(seconds=3), 3)
    with pytest.raises(NotAvailable) as refused:
        still(camera.pk, START + timedelta(seconds=seconds))
    assert refused.value.reason == reasons.NOT_RECORDED


def test_the_growing_segment_counts_as_far_as_it_is_written(roots, camera):
    segment = film(roots, camera, START, 3)
    Segment.objects.filter(pk=segment.pk).update(state="recording", ended_at=None, sha256="")
    assert still(camera.pk, START + timedelta(seconds=2.5)).taken_at == START + timedelta(seconds=2)
    with pytest.raises(NotAvailable):
        still(camera.pk, START + timedelta(seconds=30))


def test_a_file_that_is_gone_is_said_to_be(roots, camera):
    film(roots, camera, START, 1).file.unlink()
    with pytest.raises(NotAvailable):
        still(camera.pk, START)


def test_a_broken_file_is_said_to_be(roots, camera):
    segment = film(roots, camera, START, 1)
    segment.file.write_bytes(b"broken" * 1000)
    with pytest.raises(NotAvailable):
        still(camera.pk, START)


def test_what_is_being_purged_is_not_shown(roots, camera):
    film(roots, camera, START, 1, state="purging")
    with pytest.raises(NotAvailable):
        still(camera.pk, START)


def test_a_thumbnail_is_the_last_complete_picture_made_small(roots, camera):
    film(roots, camera, START, 2)
    picture = Image.open(io.BytesIO(thumbnail(camera.pk, START + timedelta(seconds=1.9))))
    assert picture.size == (160, 90)
    assert thumbnail(camera.pk, START) == thumbnail(camera.pk, START + timedelta(seconds=0.9))
    assert Image.open(io.BytesIO(thumbnail(camera.pk, START, width=4000))).size == (640, 360)


def test_a_thumbnail_in_memory_does_not_outlive_its_recording(roots, camera):
    segment = film(roots, camera, START, 1)
    thumbnail(camera.pk, START)
    segment.delete()
    with pytest.raises(NotAvailable):
        thumbnail(camera.pk, START)


def test_recent_pictures_are_few_and_young(monkeypatch):
    now = 0.0
    monkeypatch.setattr(stills.time, "monotonic", lambda: now)
    recent = stills._Recent(seconds=10, most=2)
    made = []
    for number in (1, 2, 1, 3, 4, 1):
        recent.get((number,), lambda number=number: made.append(number) or b"%d" % number)
    assert made == [1, 2, 3, 4, 1]
    now = 10.0
    assert recent.get((1,), lambda: b"again") == b"again"
