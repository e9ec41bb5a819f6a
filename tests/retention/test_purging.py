import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.db.models import F
from django.utils import timezone

from apps.audit.models import Entry
from apps.cameras.models import Camera
from apps.retention import purging, tasks
from apps.video import partitions
from apps.video.models import PurgeMark, Recorder, Segment
from tests.cast import make_camera
from tests.killing import killed_at
from tests.video.conftest import roots  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
NOW = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0)


@pytest.fixture
def lay(roots):  # noqa: F811
    """Lay down a segment of a minute that ended so long before NOW; its content is of no concern here."""

    def lay(camera, age: timedelta, **details) -> Segment:
        ended = NOW - age
        started = ended - timedelta(minutes=1)
        path = f"{camera.pk}/{started:%Y%m%d}/{started:%H%M%S}.000Z.mp4"
        file = roots.VIDEO_ROOT / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * 1000)
        row = {
            "camera": camera,
            "session": 1,
            "started_at": started,
            "ended_at": ended,
            "bytes": 1000,
            "init_bytes": 700,
            "codec": "avc1.640016",
            "width": 640,
            "height": 360,
            "sha256": "0" * 64,
            "state": "closed",
        }
        return Segment.objects.create(**{**row, **details})

    return lay


@pytest.fixture
def week(camera, lay):
    """A camera that keeps seven days, with one segment for each of the last ten."""
    Camera.objects.filter(pk=camera.pk).update(retention_days=7)
    return [lay(camera, timedelta(days=n, hours=1)) for n in range(10)]


def left(segments) -> list[bool]:
    known = set(Segment.objects.on_disk().values_list("pk", flat=True))
    assert all(segment.file.exists() == (segment.pk in known) for segment in segments)
    return [segment.file.exists() for segment in segments]


def test_what_is_over_goes_and_the_rest_stays(week):
    result = purging.purge(NOW)
    assert (result.segments, result.bytes, result.failed) == (3, 3000, 0)
    assert left(week) == [True] * 7 + [False] * 3


def test_each_camera_has_its_own_days(week, far_camera, lay):
    Camera.objects.filter(pk=far_camera.pk).update(retention_days=90)
    kept = [lay(far_camera, timedelta(days=n)) for n in (8, 40, 89)]
    gone = lay(far_camera, timedelta(days=91))
    purging.purge(NOW)
    assert left([*kept, gone]) == [True, True, True, False]


@pytest.mark.parametrize(("seconds", "there"), [(-1, True), (1, False)])
def test_the_last_second_counts(camera, lay, seconds, there):
    Camera.objects.filter(pk=camera.pk).update(retention_days=7)
    segment = lay(camera, timedelta(days=7, seconds=seconds))
    purging.purge(NOW)
    assert left([segment]) == [there]


def test_the_segment_being_written_is_never_purged(camera, lay):
    recorder = Recorder.objects.create(address="x:1", capacity=1)
    segment = lay(camera, timedelta(days=400), state="recording", ended_at=None, sha256="", recorder=recorder.id)
    assert purging.purge(NOW).segments == 0
    assert left([segment]) == [True]


def test_what_a_dead_recorder_left_open_does_not_stay_for_ever(camera, lay):
    lay(camera, timedelta(days=400), state="recording", ended_at=None, sha256="")
    purging.purge(NOW)
    assert not Segment.objects.exists()


def test_each_purge_is_on_record(week, camera):
    purging.purge(NOW)
    entries = Entry.objects.filter(verb="video.purged").order_by("pk")
    assert [entry.detail["segments"] for entry in entries] == [1, 1, 1]
    assert entries[0].detail == {
        "cameras": {camera.number: 1},
        "segments": 1,
        "bytes": 1000,
        "since": week[9].started_at.isoformat(),
        "until": week[9].ended_at.isoformat(),
    }


def test_emptied_days_leave_no_folder(week, roots, camera):  # noqa: F811
    purging.purge(NOW)
    assert len(list((roots.VIDEO_ROOT / str(camera.pk)).iterdir())) == 7


def test_more_cameras_than_go_at_once(owner, lay, monkeypatch):
    monkeypatch.setattr(purging, "CAMERAS_AT_ONCE", 2)
    segments = [lay(make_camera(owner), timedelta(days=40, minutes=n)) for n in range(5)]
    assert purging.purge(NOW).segments == 5
    assert left(segments) == [False] * 5
    assert put_on_record() == 5


class TestKilled:
    """The end of the process at each step, by SIGKILL: what it leaves behind is true, and the next run finishes."""

    @pytest.fixture
    def days_of_its_own(self, transactional_db):
        """Days made here outlive the test, and would make emptying the tables slower for all that follow."""
        yield
        with connection.cursor() as cursor:
            for day in partitions.days("video_segment"):
                cursor.execute(f"drop table video_segment_{day:%Y%m%d}")

    @pytest.mark.parametrize(
        ("module", "name", "calls"),
        [
            (purging, "mark", 0),
            (purging, "_remove_marked", 0),
            (purging, "unlink", 0),
            (os, "unlink", 0),
            (os, "unlink", 1),
            (os, "unlink", 2),
            (purging, "sync_directory", 0),
            (Path, "rmdir", 0),
            (purging, "note", 0),
            (purging, "record", 0),
            (purging, "note", 1),
            (purging, "forget", 0),
            (purging, "_leaves_no_file", 0),
            (partitions, "call", 0),
            (partitions, "call", 1),
        ],
    )
    def test_at_any_step_the_next_run_finishes(self, days_of_its_own, week, camera, module, name, calls):
        partitions.empty_the_net(NOW)
        killed_at(lambda: purging.purge(NOW), module, name, calls)
        rows = {segment.path for segment in Segment.objects.all()}
        assert all(segment.file.exists() for segment in Segment.objects.in_sight())
        assert all(segment.path in rows for segment in week if segment.file.exists())
        marked = PurgeMark.objects.exists()
        for over in week[7:]:
            assert marked != bool(Segment.objects.covering(camera.pk, over.started_at, over.ended_at))
        purging.purge(NOW)
        assert left(week) == [True] * 7 + [False] * 3
        assert put_on_record() == 3
        there = partitions.days("video_segment")
        assert [segment.started_at.date() in there for segment in week] == [True] * 8 + [False] * 2


def put_on_record() -> int:
    return sum(entry.detail["segments"] for entry in Entry.objects.filter(verb="video.purged"))


def test_files_already_gone_do_not_stop_it(week):
    week[8].file.unlink()
    assert purging.purge(NOW).segments == 3


def test_a_folder_already_gone_does_not_stop_it(week):
    week[8].file.unlink()
    week[8].file.parent.rmdir()
    assert purging.purge(NOW).segments == 3


class TestWhatCannotBeRemoved:
    @pytest.fixture
    def stubborn(self, week):
        """The file of one segment is in truth a folder, which unlink refuses."""
        file = week[8].file
        file.unlink()
        file.mkdir()
        return week[8]

    def test_it_is_counted_kept_in_mind_and_stops_nobody_else(self, week, stubborn):
        result = purging.purge(NOW)
        assert (result.segments, result.failed) == (2, 1)
        assert Segment.objects.get(pk=stubborn.pk).state == "purging"
        stubborn.file.rmdir()
        assert purging.purge(NOW).segments == 1

    def test_the_command_and_the_task_fail_aloud(self, stubborn):
        with pytest.raises(CommandError, match="1 segments could not be removed"):
            call_command("purge")
        with pytest.raises(tasks.Incomplete):
            tasks.purge()


def test_a_dry_run_tells_and_touches_nothing(week, capsys, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    call_command("purge", "--dry-run")
    said = capsys.readouterr().out
    assert "3 segments, 3000 bytes" in said and "keeps 7 days" in said
    assert left(week) == [True] * 10
    assert not Entry.objects.exists()


def test_the_command_purges(week, capsys, monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: NOW)
    call_command("purge")
    assert capsys.readouterr().out == "3 segments removed, 3000 bytes\n"
    assert left(week) == [True] * 7 + [False] * 3


class TestForgetting:
    def test_a_day_of_which_nothing_is_left_is_dropped_whole(self, week):
        partitions.empty_the_net(NOW)
        purging.purge(NOW)
        there = partitions.days("video_segment")
        assert [segment.started_at.date() in there for segment in week] == [True] * 8 + [False] * 2

    def test_a_day_that_one_camera_keeps_longer_loses_the_rows_of_the_others(self, week, far_camera, lay):
        kept = lay(far_camera, timedelta(days=9, hours=1))
        partitions.empty_the_net(NOW)
        purging.purge(NOW)
        assert list(Segment.objects.filter(started_at__lt=NOW - timedelta(days=9))) == [kept]
        assert kept.file.exists()

    def test_a_file_whose_row_came_after_the_mark_goes_with_its_day(self, week, camera, lay):
        """Adopted, or closed late: what nobody would look for any more is looked for before its day is forgotten."""
        purging.mark(NOW)
        PurgeMark.objects.update(removed=F("until"))
        purging.purge(NOW)
        assert [segment.file.exists() for segment in week] == [True] * 8 + [False] * 2

    def test_strangers_and_their_folder_stay(self, week, roots):  # noqa: F811
        strange = week[9].file.with_name("notes.txt")
        strange.write_text("not ours")
        (roots.VIDEO_ROOT / "lost+found" / strange.parent.name).mkdir(parents=True)
        assert purging.purge(NOW).segments == 3
        assert strange.exists() and not week[9].file.exists()

    def test_somebody_reading_for_long_puts_it_off(self, week, monkeypatch):
        def held_up(*_):
            raise OperationalError("canceling statement due to lock timeout")

        with monkeypatch.context() as busy:
            busy.setattr(partitions, "call", held_up)
            assert purging.purge(NOW).segments == 3
        assert Segment.objects.count() == 10
        purging.purge(NOW)
        assert Segment.objects.count() == 8


def test_cameras_can_be_purged_before_their_days_are_over(week, camera, far_camera, lay):
    other = lay(far_camera, timedelta(days=3))
    assert purging.purge_until({camera.pk: NOW - timedelta(days=2)}).segments == 8
    assert left([*week, other]) == [True] * 2 + [False] * 8 + [True]


def test_a_disk_in_trouble_holds_up_one_camera_and_writes_no_row(owner, lay, monkeypatch):
    monkeypatch.setattr(purging, "STUBBORN", 1)
    bad, good = make_camera(owner), make_camera(owner)
    stuck = [lay(bad, timedelta(days=40, minutes=n)) for n in range(3)]
    for segment in stuck:
        segment.file.unlink()
        segment.file.mkdir()
    gone = lay(good, timedelta(days=40))
    result = purging.purge(NOW)
    assert (result.segments, result.failed) == (1, 3)
    assert not gone.file.exists()
    assert not Segment.objects.filter(state=Segment.State.PURGING).exists()
    assert not Segment.objects.in_sight().exists()
    for segment in stuck:
        segment.file.rmdir()
    assert purging.purge(NOW).segments == 3


def test_without_its_disk_nothing_is_taken_for_gone(week, roots):  # noqa: F811
    away = roots.VIDEO_ROOT.rename(roots.VIDEO_ROOT.with_name("unplugged"))
    roots.VIDEO_ROOT.mkdir()
    result = purging.purge(NOW)
    assert (result.segments, result.failed) == (0, 1)
    roots.VIDEO_ROOT.rmdir()
    away.rename(roots.VIDEO_ROOT)
    assert purging.purge(NOW).segments == 3
    assert left(week) == [True] * 7 + [False] * 3
