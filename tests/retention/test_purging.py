import os
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.audit.models import Entry
from apps.cameras.models import Camera
from apps.retention import purging, tasks
from apps.video.models import Recorder, Segment
from apps.video.playback import playlist
from tests.video.conftest import roots  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
NOW = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


class Killed(BaseException):
    """Stands for the end of the process: nothing handles it."""


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
    known = set(Segment.objects.values_list("pk", flat=True))
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
    entry = Entry.objects.get(verb="video.purged")
    assert entry.target == f"cameras.camera:{camera.pk}"
    assert (entry.detail["segments"], entry.detail["bytes"]) == (3, 3000)
    assert entry.detail["since"] == week[9].started_at.isoformat()


def test_emptied_days_leave_no_folder(week, roots, camera):  # noqa: F811
    purging.purge(NOW)
    assert len(list((roots.VIDEO_ROOT / str(camera.pk)).iterdir())) == 7


def test_more_than_a_batch(camera, lay, monkeypatch):
    monkeypatch.setattr(purging, "BATCH", 4)
    segments = [lay(camera, timedelta(days=40, minutes=n)) for n in range(10)]
    assert purging.purge(NOW).segments == 10
    assert left(segments) == [False] * 10
    assert sum(entry.detail["segments"] for entry in Entry.objects.filter(verb="video.purged")) == 10


def kill_after(monkeypatch, module, name: str, calls: int):
    """Let `name` work `calls` times, then end the process in the middle of the purge."""
    real, done = getattr(module, name), []

    def dies(*args, **kwargs):
        if len(done) >= calls:
            raise Killed
        done.append(args)
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, dies)


@pytest.mark.parametrize(
    ("module", "name", "calls"),
    [
        (purging, "mark", 0),
        (purging, "unlink", 0),
        (os, "unlink", 0),
        (os, "unlink", 1),
        (os, "unlink", 2),
        (purging, "sync_directory", 0),
        (purging, "sync_directory", 1),
        (purging, "forget", 0),
        (purging, "record", 0),
        (purging, "mark", 1),
    ],
)
def test_killed_at_any_step_the_next_run_finishes(week, camera, monkeypatch, module, name, calls):
    with monkeypatch.context() as broken, pytest.raises(Killed):
        kill_after(broken, module, name, calls)
        purging.purge(NOW)
    # Whatever has a row that is not marked has its file: nothing listed is missing, nothing is orphaned.
    rows = {segment.path: segment.state for segment in Segment.objects.all()}
    for segment in week:
        assert not segment.file.exists() or segment.path in rows
        assert segment.file.exists() or rows.get(segment.path) in (None, "purging")
    assert "EXTINF" not in playlist(camera.pk, week[9].started_at, week[9].ended_at, lambda s: s.path)
    purging.purge(NOW)
    assert left(week) == [True] * 7 + [False] * 3
    assert sum(entry.detail["segments"] for entry in Entry.objects.filter(verb="video.purged")) == 3


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
