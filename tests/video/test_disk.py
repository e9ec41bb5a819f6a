import shutil
from datetime import UTC, date, datetime, timedelta

import pytest

from apps.video import disk
from apps.video.disk import Space
from apps.video.models import HeldSegment, PurgeMark, Segment
from tests.retention.conftest import lay  # noqa: F401
from tests.video.conftest import roots  # noqa: F401

GIB = 1024**3


@pytest.mark.parametrize(
    ("used", "level"),
    [
        (0, "normal"),
        (84.9, "normal"),
        (85, "caution"),
        (91.9, "caution"),
        (92, "serious"),
        (95.9, "serious"),
        (96, "critical"),
        (100, "critical"),
    ],
)
def test_the_level_rises_with_what_is_used(used, level):
    assert disk.level_of(Space(1000 * GIB, round((100 - used) * 10 * GIB))) == level


def test_levels_are_settings(settings):
    settings.DISK_CAUTION_PERCENT, settings.DISK_SERIOUS_PERCENT, settings.DISK_CRITICAL_PERCENT = 10, 20, 30
    assert disk.level_of(Space(100, 75)) == "serious"


def test_no_room_at_all_is_critical():
    assert disk.level_of(Space(0, 0)) == "critical"


def test_the_room_is_that_of_the_file_system_also_before_the_folder_is_there(tmp_path):
    room, shown = disk.space(tmp_path / "not" / "there"), shutil.disk_usage(tmp_path)
    assert room.free == pytest.approx(shown.free, rel=0.01)
    assert room.total == pytest.approx(shown.used + shown.free, rel=0.01)
    assert disk.level(tmp_path / "not") in disk.LEVELS


@pytest.mark.django_db
class TestAQuota:
    """What is recorded is summed by the hour, and once an hour is over never again, but when something of it went."""

    @pytest.fixture
    def began(self):
        return datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)

    @pytest.fixture
    def left(self, settings, roots):  # noqa: F811
        settings.VIDEO_QUOTA_BYTES = 100_000
        return lambda: disk.space(roots.VIDEO_ROOT).free

    def test_it_is_what_is_on_this_machine(self, left, began, camera, far_camera, lay):  # noqa: F811
        for hour in range(3):
            lay(camera, began + timedelta(hours=hour), bytes=1000)
        lay(far_camera, datetime.now(UTC) - timedelta(minutes=2), bytes=500)
        lay(far_camera, began, bytes=300, store="objects")
        assert left() == 96_500

    def test_what_is_over_is_not_read_again(self, left, began, camera, lay):  # noqa: F811
        lay(camera, began, bytes=1000)
        assert left() == 99_000
        Segment.objects.update(bytes=5000)
        lay(camera, datetime.now(UTC) - timedelta(minutes=2), bytes=500)
        assert left() == 98_500

    def test_but_when_something_of_it_went(self, left, began, camera, lay):  # noqa: F811
        row = lay(camera, began + timedelta(minutes=59, seconds=30), bytes=1000)
        lay(camera, began + timedelta(hours=1, minutes=30), bytes=700)
        assert left() == 98_300
        PurgeMark.objects.create(
            camera=camera, until=row.ended_at + disk.HOUR / 60, removed=row.ended_at + disk.HOUR / 60
        )
        disk.forget_sums(row.started_at, row.ended_at)
        assert left() == 99_300

    def test_what_holds_alone_keep_counts(self, left, began, camera, lay):  # noqa: F811
        row = lay(camera, began, bytes=1000)
        names = ("camera_id", "started_at", "ended_at", "session", "init_bytes", "width", "height", "sha256", "codec")
        HeldSegment.objects.create(hold=1, bytes=1000, **{name: getattr(row, name) for name in names})
        assert left() == 99_000
        Segment.objects.all().delete()
        disk.forget_sums(began, began)
        assert left() == 99_000


def test_the_days_that_are_here_are_those_of_folders(roots):  # noqa: F811
    for path in ("7/20260102", "8/20260102", "7/20251231", "7/20260231", "7/99991231", "٣/20260101", "07/20260101"):
        (roots.VIDEO_ROOT / path).mkdir(parents=True)
    (roots.VIDEO_ROOT / "9").write_text("no folder")
    (roots.VIDEO_ROOT / ("9" * 30) / "20260101").mkdir(parents=True)
    found = disk.days_here()
    assert list(found) == [date(2025, 12, 31), date(2026, 1, 2)]
    assert {day.day: set(cameras) for day, cameras in found.items()} == {31: {7}, 2: {7, 8}}
