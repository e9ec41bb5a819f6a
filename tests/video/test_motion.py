from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from apps.retention import purging
from apps.video import motion, partitions
from apps.video.models import PurgeMark

pytestmark = pytest.mark.django_db
NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=2)
LEVELS = bytes(range(1, 61))


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def test_levels_come_back_by_the_second(camera):
    motion.note({(camera.pk, NOON): LEVELS, (camera.pk, NOON + seconds(60)): bytes([7]) + bytes(59)})
    found = motion.levels(camera.pk, NOON + seconds(58), NOON + seconds(120))
    assert found == [(NOON + seconds(58), 59), (NOON + seconds(59), 60), (NOON + seconds(60), 7)]


def test_of_a_camera_nobody_looked_at_nothing_is_known(camera, far_camera):
    motion.note({(far_camera.pk, NOON): LEVELS})
    assert motion.levels(camera.pk, NOON, NOON + seconds(60)) == []


def test_the_same_minute_may_be_written_again(camera):
    motion.note({(camera.pk, NOON): bytes([9]) + bytes(59)})
    motion.note({(camera.pk, NOON): LEVELS})
    assert len(motion.levels(camera.pk, NOON, NOON + seconds(60))) == 60


def test_a_minute_has_sixty_seconds(camera):
    with pytest.raises(IntegrityError), transaction.atomic():
        motion.note({(camera.pk, NOON): b"short"})


def test_what_is_being_purged_is_out_of_sight(camera):
    motion.note({(camera.pk, NOON): LEVELS, (camera.pk, NOON + seconds(60)): LEVELS})
    PurgeMark.objects.create(camera=camera, until=NOON + seconds(60))
    assert motion.levels(camera.pk, NOON, NOON + seconds(120))[0] == (NOON + seconds(60), 1)


def test_motion_lies_in_the_partition_of_its_day_and_goes_with_its_recording(camera, far_camera):
    for ahead in (0, 1):
        partitions.call("video_motion_make_day", (NOON + timedelta(days=ahead)).date())
    motion.note({(camera.pk, NOON): LEVELS, (camera.pk, NOON + timedelta(days=1)): LEVELS})
    motion.note({(far_camera.pk, NOON): LEVELS})
    with connection.cursor() as cursor:
        cursor.execute(f"select count(*) from video_motion_{NOON:%Y%m%d}")
        assert cursor.fetchone() == (2,)
    over = NOON + timedelta(days=1)
    PurgeMark.objects.create(camera=camera, until=over, removed=over)
    purging.forget_motion()
    assert motion.levels(far_camera.pk, NOON, NOON + seconds(60))
    assert motion.levels(camera.pk, over, over + seconds(60))
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from video_motion")
        assert cursor.fetchone() == (2,)
    PurgeMark.objects.create(camera=far_camera, until=over, removed=over)
    purging.forget_motion()
    assert NOON.date() not in partitions.days("video_motion")
