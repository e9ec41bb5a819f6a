import shutil

import pytest

from apps.video import disk
from apps.video.disk import Space

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
