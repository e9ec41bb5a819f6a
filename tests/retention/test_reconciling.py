import os
import time
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from apps.audit.models import Entry
from apps.cameras.models import Camera
from apps.incidents.models import Event
from apps.retention import actions, comparing, reconciling, tasks
from apps.retention.comparing import Kind
from apps.retention.models import Look
from apps.video import disk, healing, reasons, storage, tiering
from apps.video.models import HeldSegment, PurgeMark, Segment
from tests.killing import killed_at
from tests.video.filming import film

pytestmark = pytest.mark.django_db
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def now():
    return timezone.now().replace(microsecond=0)


@pytest.fixture
def twenty(camera, lay, now):
    """Twenty recordings of a camera, index and disk in step, all older than a quarter of an hour."""
    rows = [lay(camera, now - n * MINUTE) for n in range(60, 40, -1)]
    for row in rows:
        age(row.file)
    return rows


def age(file) -> None:
    old = time.time() - 2 * comparing.YOUNG_SECONDS
    os.utime(file, (old, old), follow_symlinks=False)


def stray(roots, path: str, content: bytes = b"something"):
    file = roots.VIDEO_ROOT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    age(file)
    return file


def counts() -> dict[Kind, int]:
    return dict(reconciling.survey().counts)


def mend():
    return dict(reconciling.mend(reconciling.survey()))


class TestInStep:
    def test_nothing_differs_and_nothing_is_told(self, twenty):
        found = reconciling.survey()
        assert (found.rows, found.files, found.going, found.share) == (20, 20, 0, 0)
        tasks.reconcile()
        assert not found.counts and not Entry.objects.filter(verb="storage.differs").exists()

    def test_of_what_was_never_recorded_neither(self, roots, camera):
        roots.VIDEO_ROOT.rmdir()
        assert reconciling.survey().counts.total() == 0

    def test_what_is_being_recorded_or_purged_is_left_alone(self, twenty):
        Segment.objects.filter(pk=twenty[0].pk).update(state="recording", bytes=0, ended_at=None)
        Segment.objects.filter(pk=twenty[1].pk).update(state="purging")
        twenty[1].file.unlink()
        PurgeMark.objects.create(camera=twenty[0].camera, until=twenty[4].started_at, removed=twenty[4].started_at)
        twenty[2].file.unlink()
        assert counts() == {}

    def test_a_file_that_was_just_written_may_yet_get_its_row(self, twenty):
        Segment.objects.filter(pk=twenty[0].pk).delete()
        os.utime(twenty[0].file)
        assert counts() == {}


class TestRowsWithoutFiles:
    def test_are_forgotten_and_put_on_record(self, twenty, camera):
        twenty[3].file.unlink()
        twenty[4].file.unlink()
        assert counts() == {Kind.LOST: 2}
        assert mend() == {Kind.LOST: 2}
        assert Segment.objects.count() == 18 and counts() == {}
        entry = Entry.objects.get(verb="video.lost")
        assert entry.target == f"cameras.camera:{camera.pk}"
        assert (entry.detail["segments"], entry.detail["since"]) == (2, twenty[3].started_at.isoformat())

    def test_a_file_that_is_back_is_not_forgotten(self, twenty):
        content = twenty[3].file.read_bytes()
        twenty[3].file.unlink()
        found = reconciling.survey()
        twenty[3].file.write_bytes(content)
        assert dict(reconciling.mend(found)) == {}
        assert Segment.objects.count() == 20


class TestFilesWithoutRows:
    def test_a_recording_is_adopted(self, twenty, camera, now, settings):
        row = film(settings, camera, now - 30 * MINUTE, 2, size=(320, 180))
        age(row.file)
        sha256 = row.sha256
        Segment.objects.filter(pk=row.pk).delete()
        assert counts() == {Kind.ORPHAN: 1}
        assert mend() == {Kind.ORPHAN: 1}
        adopted = Segment.objects.get(camera=camera, started_at=row.started_at)
        assert (adopted.sha256, adopted.state, adopted.bytes) == (sha256, "closed", row.bytes)
        assert counts() == {}

    def test_what_only_has_the_name_of_one_stays_and_is_told(self, twenty, roots, camera, now):
        file = stray(roots, f"{camera.pk}/{now - DAY:%Y%m%d}/010203.004Z.mp4")
        assert counts() == {Kind.ORPHAN: 1}
        assert mend() == {} and file.exists()

    def test_one_whose_days_are_over_is_removed(self, twenty, roots, camera, now):
        old = now - timedelta(days=camera.retention_days + 2)
        file = stray(roots, f"{camera.pk}/{old:%Y%m%d}/010203.004Z.mp4")
        assert counts() == {Kind.OVER: 1}
        assert mend() == {Kind.OVER: 1} and not file.exists()

    def test_one_of_a_time_that_was_purged_early_is_removed(self, twenty, roots, camera, now):
        PurgeMark.objects.create(camera=camera, until=now - DAY, removed=now - DAY)
        stray(roots, f"{camera.pk}/{now - 3 * DAY:%Y%m%d}/010203.004Z.mp4")
        assert counts() == {Kind.OVER: 1}

    def test_what_changes_while_it_is_looked_at_is_no_difference(self, twenty, monkeypatch):
        """Rows are read, then the purge takes the rest of the day, then files are listed."""
        read, purged = comparing._sizes, []

        def purged_meanwhile(folder):
            if not purged:
                purged.append(twenty[0].file.unlink())
                PurgeMark.objects.create(
                    camera=twenty[0].camera, until=twenty[1].started_at + MINUTE / 2, removed=twenty[1].started_at
                )
            return read(folder)

        monkeypatch.setattr(comparing, "_sizes", purged_meanwhile)
        assert counts() == {}

    def test_another_size_is_told_and_touched_by_nobody(self, twenty):
        twenty[5].file.write_bytes(b"shorter")
        assert counts() == {Kind.SIZE: 1}
        assert mend() == {}
        assert twenty[5].file.read_bytes() == b"shorter" and Segment.objects.count() == 20


class TestTheHostile:
    @pytest.mark.parametrize(
        "path",
        [
            "notes.txt",
            "999999/20260601/010203.004Z.mp4",
            "99999999999999999999999/20260601/010203.004Z.mp4",
            "007/20260601/010203.004Z.mp4",
            "٣/20260601/010203.004Z.mp4",
            "-1/x",
            "{camera}/notes.txt",
            "{camera}/20260601/readme",
            "{camera}/20260601/010203.4Z.mp4",
            "{camera}/20260699/010203.004Z.mp4",
            "{camera}/20260601/010203.004Z.mp4.part",
            "{camera}/20260601/deeper/010203.004Z.mp4",
            "{camera}/../{camera}x/20260601/010203.004Z.mp4",
            "{camera}/20260601/$(reboot).mp4",
            "{camera}/20260601/new\nline.mp4",
        ],
    )
    def test_what_is_not_ours_is_told_and_stays(self, twenty, roots, camera, path, capsys):
        file = stray(roots, path.format(camera=camera.pk))
        assert counts() == {Kind.FOREIGN: 1}
        assert mend() == {} and file.exists()

    def test_a_name_that_is_no_text(self, twenty, roots, capsys):
        file = os.fsencode(roots.VIDEO_ROOT) + b"/\xff\xfe.mp4"
        os.close(os.open(file, os.O_CREAT))
        call_command("reconcile")
        assert "\\udcff\\udcfe.mp4" in capsys.readouterr().out

    def test_links_are_followed_nowhere(self, twenty, roots, camera, tmp_path):
        outside = tmp_path / "outside"
        outside.mkdir()
        treasure = outside / "010203.004Z.mp4"
        treasure.write_bytes(b"not ours")
        day = roots.VIDEO_ROOT / str(camera.pk) / "20200101"
        day.symlink_to(outside)
        (roots.VIDEO_ROOT / "elsewhere").symlink_to("/")
        twenty[0].file.parent.joinpath("000000.000Z.mp4").symlink_to(treasure)
        (roots.VIDEO_ROOT / storage.HELD).mkdir()
        (roots.VIDEO_ROOT / storage.HELD / "9").symlink_to(outside)
        assert counts() == {Kind.FOREIGN: 3}
        assert mend() == {} and treasure.exists()

    def test_a_pipe_in_place_of_a_recording_holds_nobody_up(self, twenty):
        twenty[0].file.unlink()
        os.mkfifo(twenty[0].file)
        assert counts() == {Kind.FOREIGN: 1, Kind.LOST: 1}
        assert mend() == {}  # something stands where the file should be

    def test_a_whole_camera_in_place_of_a_folder(self, twenty, roots, far_camera):
        (roots.VIDEO_ROOT / str(far_camera.pk)).write_text("no folder")
        assert counts() == {Kind.FOREIGN: 1}


class TestHolds:
    @pytest.fixture
    def placed(self, hold, camera, twenty, now):
        placed = hold(camera, since=now - 50 * MINUTE, until=now - 45 * MINUTE)
        assert placed.held.count() == 5
        return placed

    def test_held_links_are_in_step(self, placed):
        assert counts() == {}

    def test_a_held_copy_that_is_gone_is_told_and_never_forgotten(self, placed):
        placed.held.first().file.unlink()
        assert counts() == {Kind.HELD_LOST: 1}
        assert mend() == {} and placed.held.count() == 5

    def test_a_copy_whose_row_was_lost_stays_as_long_as_its_hold(self, placed):
        copy = placed.held.first()
        HeldSegment.objects.filter(pk=copy.pk).delete()
        age(copy.file)
        assert counts() == {Kind.HELD_ORPHAN: 1}
        assert mend() == {} and copy.file.exists()
        actions.release_hold(placed, reason="settled", by=placed.created_by)
        assert counts() == {Kind.OVER: 1}

    def test_what_an_ended_hold_left_goes(self, placed, roots):
        part = stray(roots, f"{storage.HELD}/{placed.pk}/1/20260601/010203.004Z.mp4.12345678.part")
        assert counts() == {Kind.OVER: 1}
        actions.release_hold(placed, reason="settled", by=placed.created_by)
        tasks.keep_holds()
        left = stray(roots, f"{storage.HELD}/{placed.pk}/1/20260601/010203.004Z.mp4")
        assert counts() == {Kind.OVER: 2}
        assert mend() == {Kind.OVER: 2} and not left.exists() and not part.exists()

    def test_a_hold_that_nobody_knows_may_have_been_lost_with_its_row(self, twenty, roots):
        file = stray(roots, f"{storage.HELD}/4711/1/20260601/010203.004Z.mp4")
        assert counts() == {Kind.HELD_ORPHAN: 1}
        assert mend() == {} and file.exists()


class TestTheLimit:
    def test_more_than_a_fifth_of_the_rows_is_refused(self, twenty):
        for row in twenty[:5]:
            row.file.unlink()
        with pytest.raises(reconciling.TooMuch, match=r"25% \(5\)"):
            mend()
        assert Segment.objects.count() == 20

    def test_a_fifth_is_not_more_than_a_fifth(self, twenty):
        for row in twenty[:4]:
            row.file.unlink()
        assert mend() == {Kind.LOST: 4}

    def test_more_than_a_fifth_of_the_files_is_refused(self, twenty, roots, camera, now):
        old = now - timedelta(days=camera.retention_days + 2)
        for n in range(6):
            stray(roots, f"{camera.pk}/{old:%Y%m%d}/01020{n}.004Z.mp4")
        with pytest.raises(reconciling.TooMuch):
            mend()

    def test_a_disk_that_is_not_mounted_loses_nothing(self, twenty, roots):
        roots.VIDEO_ROOT.rename(roots.VIDEO_ROOT.with_name("unmounted"))
        roots.VIDEO_ROOT.mkdir()
        with pytest.raises(CommandError, match=r"100% \(20\) would go: nothing was done"):
            call_command("reconcile", "--fix")
        assert Segment.objects.count() == 20

    def test_a_person_can_answer_for_it_by_name(self, twenty, custodian):
        for row in twenty[:15]:
            row.file.unlink()
        call_command("reconcile", "--fix", "--confirm", custodian.username, "--reason", "disk 2 is beyond repair")
        assert Segment.objects.count() == 5
        entry = Entry.objects.get(verb="storage.mended_beyond_limit")
        assert (entry.actor, entry.detail) == (custodian, {"reason": "disk 2 is beyond repair", "share": 0.75})

    @pytest.mark.parametrize("words", [["--confirm", "nobody", "--reason", "x"], ["--confirm", "supervisor"]])
    def test_nobody_else_can(self, twenty, custodian, words):
        for row in twenty[:15]:
            row.file.unlink()
        with pytest.raises(CommandError):
            call_command("reconcile", "--fix", *words)
        assert Segment.objects.count() == 20

    def test_what_grew_since_it_was_counted_does_not_go(self, twenty):
        twenty[0].file.unlink()
        found = reconciling.survey()
        for row in twenty[1:10]:
            row.file.unlink()
        assert dict(reconciling.mend(found)) == {Kind.LOST: 1}


class TestGoingOn:
    """A look that takes hours is broken off, and goes on with the next camera."""

    @pytest.fixture
    def forty(self, twenty, far_camera, lay):
        others = [lay(far_camera, row.started_at) for row in twenty]
        for row in others:
            age(row.file)
        return twenty + others

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_killed_it_goes_on_with_the_next_camera(self, forty, monkeypatch):
        forty[0].file.unlink()
        forty[-1].file.unlink()
        monkeypatch.setattr(reconciling, "SAVE_SECONDS", 0)
        killed_at(tasks.reconcile, comparing, "of_camera", 1)
        one, other = sorted({row.camera_id for row in forty})
        assert Look.objects.get().reached == one
        with monkeypatch.context() as listening:
            real, looked_at = comparing.of_camera, []
            of_camera = lambda pk, *words, **more: looked_at.append(pk) or real(pk, *words, **more)  # noqa: E731
            listening.setattr(comparing, "of_camera", of_camera)
            tasks.reconcile()
        assert looked_at == [other]
        assert Entry.objects.get(verb="storage.differs").detail == {"rows": 40, "files": 38, "lost": 2}
        assert reconciling.mend(comparing.Survey.from_json(Look.objects.get().found)) == {Kind.LOST: 2}

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_killed_at_any_step_of_mending_the_next_finishes(self, twenty, roots, camera, now, settings):
        """An orphan, a file whose days are over, two rows without files: each mended once."""
        orphan = film(settings, camera, now - 30 * MINUTE, 1, size=(320, 180))
        age(orphan.file)
        Segment.objects.filter(pk=orphan.pk).delete()
        old = now - timedelta(days=camera.retention_days + 2)
        over = stray(roots, f"{camera.pk}/{old:%Y%m%d}/010203.004Z.mp4")
        for row in twenty[:2]:
            row.file.unlink()
        left = {Kind.ORPHAN: 1, Kind.OVER: 1, Kind.LOST: 2}
        for where, name, mended in (
            (os, "unlink", ()),
            (reconciling, "sync_directory", (Kind.OVER,)),
            (healing, "adopt_file", ()),
            (storage, "exists", (Kind.ORPHAN,)),
            (disk, "forget_sums", ()),
            (reconciling, "record", ()),
        ):
            killed_at(mend, where, name)
            left = {kind: number for kind, number in left.items() if kind not in mended}
            assert counts() == left
            assert not Entry.objects.filter(verb="video.lost").exists()
        assert mend() == {Kind.LOST: 2}
        assert counts() == {} and not over.exists()
        assert Segment.objects.filter(started_at=orphan.started_at).exists() and Segment.objects.count() == 19
        assert Entry.objects.get(verb="video.lost").detail["segments"] == 2

    def test_out_of_time_or_while_the_disk_is_slow_it_waits(self, forty, camera):
        assert not reconciling.go_on(Look.objects.create(), seconds=-1)
        Camera.objects.filter(pk=camera.pk).update(rtsp_url="rtsp://x", status_reason=reasons.DISK_SLOW)
        look = Look.objects.create()
        assert not reconciling.go_on(look, share=0.5) and look.reached == 0
        Camera.objects.update(status_reason="")
        assert reconciling.go_on(look, share=0.5) and look.finished_at

    def test_once_a_day(self, twenty):
        twenty[0].file.unlink()
        tasks.reconcile()
        tasks.reconcile()
        assert Entry.objects.filter(verb="storage.differs").count() == 1
        Look.objects.update(began_at=timezone.now() - DAY, finished_at=timezone.now())
        tasks.reconcile()
        assert Entry.objects.filter(verb="storage.differs").count() == 2

    def test_a_person_may_go_on_from_what_was_found(self, twenty, capsys):
        twenty[0].file.unlink()
        tasks.reconcile()
        Segment.objects.filter(pk=twenty[1].pk).delete()
        call_command("reconcile", "--go-on")
        assert "20 rows and 19 files looked at, 1 differ" in capsys.readouterr().out
        call_command("reconcile")
        assert "19 rows and 19 files looked at, 2 differ" in capsys.readouterr().out

    def test_it_works_its_share_of_the_time(self, monkeypatch):
        now, slept = [0.0], []
        monkeypatch.setattr(reconciling.time, "monotonic", lambda: now[0])
        monkeypatch.setattr(reconciling.time, "sleep", slept.append)
        pace = reconciling.Pace(0.25)
        now[0] += 1.0
        pace()
        assert slept == [3.0]


class TestTelling:
    def test_by_night_it_looks_tells_and_touches_nothing(self, twenty):
        twenty[0].file.unlink()
        tasks.reconcile()
        assert Segment.objects.count() == 20
        assert Entry.objects.get(verb="storage.differs").detail == {"rows": 20, "files": 19, "lost": 1}
        assert Event.objects.get(kind="storage.differs").detail == {"lost": 1}

    @pytest.mark.parametrize("words", [[], ["--dry-run"]])
    def test_the_command_shows_and_touches_nothing(self, twenty, capsys, words):
        twenty[0].file.unlink()
        call_command("reconcile", *words)
        said = capsys.readouterr().out
        assert f"row without a file: {twenty[0].path}" in said
        assert "20 rows and 19 files looked at, 1 differ; mending takes 1 away (5%)" in said
        assert Segment.objects.count() == 20

    def test_not_both(self):
        with pytest.raises(CommandError, match="not both"):
            call_command("reconcile", "--dry-run", "--fix")

    def test_a_long_list_is_cut(self, twenty, capsys, monkeypatch):
        monkeypatch.setattr(comparing, "SHOWN", 2)
        for row in twenty[:5]:
            row.file.unlink()
        call_command("reconcile")
        assert "… and 3 more" in capsys.readouterr().out


@pytest.mark.slow
class TestTheObjectStore:
    @pytest.fixture
    def tiered(self, objects, twenty):
        Camera.objects.update(retention_days=30)
        for row in twenty:
            Segment.objects.filter(pk=row.pk).update(sha256=storage.fingerprint(row))
        tiering.make_room(10**9)
        return twenty

    def test_in_step(self, tiered):
        found = reconciling.survey()
        assert (found.rows, found.files, dict(found.counts)) == (20, 20, {})

    def test_both_ways(self, tiered, camera, objects):
        storage.remove_object(tiered[0].path)
        Segment.objects.filter(pk=tiered[1].pk).delete()
        put = storage._objects().put_object
        put(Bucket=storage._bucket(), Key=f"{camera.pk}/notes.txt", Body=b"foreign")
        put(Bucket=storage._bucket(), Key="elsewhere/a", Body=b"foreign")
        assert counts() == {Kind.OBJECT_LOST: 1, Kind.OBJECT_OVER: 1, Kind.FOREIGN_OBJECT: 2}
        assert mend() == {Kind.OBJECT_LOST: 1, Kind.OBJECT_OVER: 1}
        assert counts() == {Kind.FOREIGN_OBJECT: 2}

    def test_an_upload_that_was_broken_off_is_no_orphan(self, tiered):
        Segment.objects.filter(pk=tiered[0].pk).update(store="local")
        assert counts() == {Kind.LOST: 1}
        assert mend() == {}  # the object is there

    def test_holds(self, tiered, hold, camera, now):
        placed = hold(camera, since=now - 50 * MINUTE, until=now - 45 * MINUTE)
        tasks.keep_holds()
        assert {copy.store for copy in placed.held.all()} == {"objects"}
        assert counts() == {}
        storage.remove_object(placed.held.first().path)
        assert counts() == {Kind.HELD_LOST: 1}
        copy = placed.held.last()
        HeldSegment.objects.filter(pk=copy.pk).delete()
        assert counts() == {Kind.HELD_LOST: 1}
        actions.release_hold(placed, reason="settled", by=placed.created_by)
        assert counts()[Kind.OBJECT_OVER] == 1
