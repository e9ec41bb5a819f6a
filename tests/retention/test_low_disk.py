import logging
import os
import subprocess
import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.audit.models import Entry
from apps.cameras.models import Camera
from apps.incidents.models import Event
from apps.retention import low_disk, purging, tasks
from apps.retention.models import DiskWatch, EarlyPurge
from apps.video import disk
from apps.video.disk import Space
from apps.video.locks import only_one
from apps.video.models import Segment
from apps.video.recording import path_of

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def budget(roots, settings):
    """Give recordings so many bytes; the disk below counts as endless."""

    def budget(size: int):
        settings.VIDEO_QUOTA_BYTES = size

    settings.DISK_HOURS_LEFT = float("inf")
    return budget


@pytest.fixture
def twelve(camera, lay, now):
    """Twelve segments of a camera, half an hour apart, the oldest first; each a thousand bytes to the budget."""
    return [lay(camera, now - 30 * n * MINUTE, bytes=1000) for n in range(12, 0, -1)]


def left() -> list[Segment]:
    return list(Segment.objects.on_disk().order_by("started_at", "camera"))


class TestLevels:
    @pytest.mark.parametrize(
        ("before", "used", "after"),
        [
            ("normal", 84, "normal"),
            ("normal", 85, "caution"),
            ("caution", 84, "caution"),
            ("caution", 82, "normal"),
            ("normal", 97, "critical"),
            ("critical", 95, "critical"),
            ("critical", 93, "serious"),
            ("critical", 50, "normal"),
            ("serious", 97, "critical"),
        ],
    )
    def test_it_rises_at_once_and_falls_with_a_margin(self, before, used, after):
        assert low_disk._steady(before, Space(1000, 1000 - 10 * used)) == after

    def test_each_change_is_told_once(self, budget, twelve, now):
        budget(13_500)  # 12,000 of it are used: 89%
        tasks.watch_disk()
        tasks.watch_disk()
        event = Event.objects.get(kind="disk.level")
        assert event.detail == {"level": "caution", "free": 1500, "total": 13_500}
        assert Entry.objects.get(verb="disk.level").detail == event.detail
        budget(100_000)
        tasks.watch_disk()
        assert list(Event.objects.filter(kind="disk.level").values_list("detail__level", flat=True)) == [
            "caution",
            "normal",
        ]

    def test_caution_takes_nothing(self, budget, twelve):
        budget(13_500)
        tasks.watch_disk()
        assert len(left()) == 12 and not EarlyPurge.objects.exists()


class TestMakingRoom:
    def test_the_oldest_goes_first_until_there_is_clearly_more_room(self, budget, twelve, now):
        budget(12_800)  # 94%, and 90% is wanted: 11,520
        assert low_disk.make_room(now).segments == 1
        assert [row.pk for row in left()] == [row.pk for row in twelve[1:]]
        assert [segment.file.exists() for segment in twelve] == [False] + [True] * 11
        assert not DiskWatch.objects.get().is_making_room

    def test_of_all_cameras_alike(self, budget, camera, far_camera, lay, now):
        rows = [lay(of, now - n * 30 * MINUTE, bytes=1000) for n in range(6, 0, -1) for of in (camera, far_camera)]
        budget(12_000)
        assert low_disk.make_room(now).segments == 2
        assert {row.pk for row in left()} == {row.pk for row in rows[2:]}

    def test_what_has_moved_away_stays_when_no_more_can_be_moved(
        self, budget, camera, far_camera, lay, now, settings, monkeypatch
    ):
        """Nor does a stranger's folder, or one that is empty, hold it up."""
        away = lay(camera, now - 3 * DAY, bytes=1000, store="objects")
        away.file.unlink()
        (away.file.parents[1] / "20200101").mkdir()
        (away.file.parents[2] / "notes" / "20200101").mkdir(parents=True)
        rows = [lay(of, now - n * 30 * MINUTE, bytes=1000) for n in range(6, 0, -1) for of in (camera, far_camera)]
        budget(12_000)
        settings.STORAGES = settings.STORAGES | {"recordings": {}}
        monkeypatch.setattr(low_disk, "_moves", lambda _missing: False)
        assert low_disk.make_room(now).segments == 2
        assert {row.pk for row in left()} == {away.pk, *(row.pk for row in rows[2:])}
        assert [row.file.exists() for row in rows[:3]] == [False, False, True]
        assert Entry.objects.get(verb="video.purged_early").detail["segments"] == 2
        assert Event.objects.get(kind="disk.purged_early").detail["cameras"] == 2

    def test_each_is_on_record_before_it_goes(self, budget, twelve, camera, now, monkeypatch):
        Camera.objects.update(retention_days=30)
        budget(12_800)
        said = []
        real = low_disk.purging.purge_until
        monkeypatch.setattr(
            low_disk.purging,
            "purge_until",
            lambda times: said.extend(Entry.objects.filter(verb="video.purged_early")) or real(times),
        )
        low_disk.make_room(now)
        (entry,) = said
        assert entry.detail["kept_days"] == {camera.number: "0.2/30"}
        event = Event.objects.get(kind="disk.purged_early")
        assert event.detail["cameras"] == 1 and event.detail["until"] == entry.detail["until"]
        assert low_disk.kept_days(camera, now) == pytest.approx(0.24, abs=0.01)

    def test_what_was_due_anyway_is_not_called_early(self, budget, camera, lay, now):
        Camera.objects.update(retention_days=7)
        for n in range(20):
            lay(camera, now - 8 * DAY - n * 30 * MINUTE, bytes=1000)
        budget(20_000)
        assert low_disk.make_room(now).segments
        assert not EarlyPurge.objects.exists() and low_disk.kept_days(camera, now) is None

    def test_the_shortage_is_over_when_the_days_have_filled_again(self, camera, now):
        Camera.objects.update(retention_days=30)
        EarlyPurge.objects.create(camera=camera, until=now - 12 * DAY, at=now)
        assert low_disk.kept_days(camera, now) == pytest.approx(12)
        assert low_disk.kept_days(camera, now + 19 * DAY) is None

    def test_the_growing_segment_stays(self, budget, twelve, now):
        Segment.objects.filter(pk=twelve[0].pk).update(state="recording", ended_at=None)
        budget(1000)
        low_disk.make_room(now)
        assert [row.pk for row in left()] == [twelve[0].pk]

    def test_held_video_stays(self, budget, twelve, camera, now, hold):
        placed = hold(camera, since=now - DAY, until=now - 300 * MINUTE)
        budget(9000)
        low_disk.make_room(now)
        assert not twelve[0].file.exists()
        assert placed.held.count() == 2
        assert all(copy.file.exists() for copy in placed.held.all())

    def test_what_a_hold_could_not_copy_stays(self, budget, twelve, camera, now, hold, monkeypatch):
        def full(*_args, **_more):
            raise OSError(28, "no space")

        monkeypatch.setattr(os, "link", full)
        hold(camera, since=now - DAY, until=now - 300 * MINUTE)
        budget(9000)
        assert low_disk.make_room(now).segments == 0
        assert len(left()) == 12

    def test_with_room_for_hours_of_recording_a_serious_level_is_not_acted_on(self, budget, twelve, now, settings):
        settings.DISK_HOURS_LEFT = 0.3
        budget(12_800)  # 800 left at 2,000 an hour: 0.4 hours
        assert low_disk.make_room(now).segments == 0
        settings.DISK_HOURS_LEFT = 0.5
        assert low_disk.make_room(now).segments == 1

    def test_the_reserve_is_kept_whatever_the_rate(self, budget, twelve, now, settings):
        settings.DISK_HOURS_LEFT = 0
        budget(12_300)
        assert low_disk.make_room(now).segments == 0
        budget(12_200)  # 200 left, of which a fiftieth of the whole, 244, is the reserve
        assert low_disk.make_room(now).segments == 1

    def test_a_disk_full_of_what_others_keep_is_no_reason(self, roots, twelve, now, monkeypatch):
        monkeypatch.setattr(disk, "space", lambda _path: Space(10**12, 15 * 10**9))
        assert low_disk.make_room(now).segments == 0
        assert low_disk.watch(now).level == "critical"

    def test_nothing_left_to_take_is_told_and_ends(self, budget, now, monkeypatch, caplog):
        monkeypatch.setattr(disk, "space", lambda _path: Space(100, 0))
        with caplog.at_level(logging.ERROR):
            assert low_disk.make_room(now).segments == 0
        assert "no recording is left" in caplog.text

    def test_one_at_a_time(self, now, monkeypatch):
        looked = []
        monkeypatch.setattr(low_disk, "_missing", lambda *_args: looked.append(1) or 0)

        def elsewhere():
            try:
                low_disk.make_room(now)
            finally:
                connection.close()

        with only_one(low_disk.LOW_DISK_LOCK):
            other = threading.Thread(target=elsewhere)
            other.start()
            other.join()
            assert not looked
        low_disk.make_room(now)
        assert looked

    def test_a_long_purge_keeps_no_second_worker_waiting(self, budget, twelve, now, monkeypatch):
        begun, over, purged = threading.Event(), threading.Event(), []
        monkeypatch.setattr(purging, "purge", lambda now: purged.append(now) or purging.Purged())

        def elsewhere():
            with only_one(purging.PURGE_LOCK):
                begun.set()
                over.wait(30)
            connection.close()

        budget(12_800)
        other = threading.Thread(target=elsewhere)
        other.start()
        begun.wait(30)
        try:
            assert low_disk.make_room(now).segments == 0
            tasks.purge()
            assert (left(), purged) == (twelve, [])
        finally:
            over.set()
            other.join()
        tasks.purge()
        assert low_disk.make_room(now).segments > 0 and purged

    def test_a_file_that_will_not_go_is_told(self, budget, twelve):
        twelve[0].file.unlink()
        twelve[0].file.mkdir()
        budget(12_800)
        with pytest.raises(tasks.Incomplete):
            tasks.watch_disk()


@pytest.fixture
def small_disk(roots, tmp_path):
    """A real file system of 32 MiB for the recordings."""
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=32m", "recordings", roots.VIDEO_ROOT], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system of its own: {mounted.stderr.strip()}")
    yield roots.VIDEO_ROOT
    subprocess.run(["umount", "-l", roots.VIDEO_ROOT], check=True)


@pytest.mark.slow
def test_a_real_disk_never_fills_up_while_recording_goes_on(small_disk, settings, camera, lay, now):
    """Eighty megabytes of video through a disk of thirty-two, a watch after each: nothing newer is refused."""
    settings.DISK_HOURS_LEFT = float("inf")
    content, worst = os.urandom(1024**2), 0.0
    for n in range(80):
        started = now - (80 - n) * 15 * MINUTE
        segment = lay(camera, started, bytes=len(content), sha256="ab" * 32)
        (small_disk / path_of(camera.pk, started)).write_bytes(content)
        worst = max(worst, disk.space(small_disk).used_percent)
        low_disk.watch(started + MINUTE)
        low_disk.make_room(started + MINUTE)
        assert segment.file.stat().st_size == len(content)
    assert disk.space(small_disk).used_percent < settings.DISK_SERIOUS_PERCENT
    assert worst < 100
    there = [row.file.exists() for row in left()]
    assert all(there) and 26 <= len(there) <= 31
    assert Event.objects.filter(kind="disk.purged_early").exists()
