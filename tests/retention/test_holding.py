import errno
import os
import subprocess
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.utils import timezone

from apps.audit.models import Entry
from apps.incidents.models import Event
from apps.mous.actions import NotAllowed
from apps.mous.models import LedgerEntry
from apps.retention import actions, holding, purging, tasks
from apps.retention.models import Certificate, Hold
from apps.video import storage
from apps.video.models import HeldSegment, Segment, recorded, recording_named
from tests.killing import killed_at
from tests.retention.conftest import NOW

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def held(hold) -> list[HeldSegment]:
    return list(hold.held.order_by("camera", "started_at"))


def forget(segments: list[Segment]) -> None:
    """As a purge would: file and row are gone."""
    for segment in segments:
        segment.file.unlink()
        Segment.objects.filter(pk=segment.pk).delete()


def over(hold) -> Hold:
    Hold.objects.filter(pk=hold.pk).update(ends_at=timezone.now() - MINUTE, review_at=timezone.now() - 2 * MINUTE)
    return hold


class TestTaking:
    def test_what_is_there_is_linked_at_once(self, hold, camera, hour):
        placed = hold(camera)
        copies = held(placed)
        assert [copy.started_at for copy in copies] == [segment.started_at for segment in hour[5:]]
        assert all(copy.file.samefile(segment.file) for copy, segment in zip(copies, hour[5:], strict=True))

    def test_days_of_video_are_linked_in_the_background(self, hold, camera, hour):
        placed = hold(camera, since=NOW - timedelta(days=20))
        assert not held(placed)
        tasks.keep_holds()
        assert len(held(placed)) == 10

    def test_a_purge_takes_nothing_from_it(self, hold, camera, hour):
        placed = hold(camera)
        contents = [segment.file.read_bytes() for segment in hour[5:]]
        forget(hour)
        assert [copy.file.read_bytes() for copy in held(placed)] == contents
        assert holding.check(seconds=10) == 0
        assert {copy.condition for copy in held(placed)} == {"whole"}

    def test_of_several_cameras_each_has_its_own(self, hold, camera, far_camera, hour, lay):
        other = lay(far_camera, NOW - MINUTE)
        placed = hold(camera, far_camera)
        assert placed.held.filter(camera=camera).count() == 5
        assert held(placed)[-1].file.samefile(other.file)

    def test_two_holds_of_one_minute_have_a_copy_each(self, hold, camera, hour):
        one, two = hold(camera), hold(camera)
        actions.release_hold(one, reason="settled", by=one.created_by)
        tasks.keep_holds()
        assert not held(one) and all(copy.file.exists() for copy in held(two))

    def test_the_growing_segment_follows_once_it_is_closed(self, hold, camera, hour):
        growing = hour[-1]
        Segment.objects.filter(pk=growing.pk).update(state="recording")
        placed = hold(camera)
        assert len(held(placed)) == 4
        Segment.objects.filter(pk=growing.pk).update(state="closed")
        tasks.keep_holds()
        assert held(placed)[-1].file.samefile(growing.file)

    def test_a_period_in_the_future_is_taken_as_it_comes(self, hold, camera, lay):
        now = timezone.now().replace(microsecond=0)
        placed = hold(camera, since=now, until=now + timedelta(hours=1))
        assert not held(placed)
        lay(camera, now + 5 * MINUTE)
        tasks.keep_holds()
        assert len(held(placed)) == 1
        placed.refresh_from_db()
        assert placed.taken_at is None

    def test_a_period_long_over_is_complete_after_the_first_look(self, hold, camera, hour):
        placed = hold(camera)
        tasks.keep_holds()
        placed.refresh_from_db()
        assert placed.taken_at is not None
        assert Entry.objects.get(verb="hold.complete").detail == {"copies": 5}

    def test_taken_twice_is_taken_once(self, hold, camera, hour):
        placed = hold(camera)
        assert holding.take(placed).copies == 0
        assert len(held(placed)) == 5

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_killed_at_any_step_the_next_run_finishes(self, camera, lay, hold, monkeypatch):
        midnight = NOW - timedelta(hours=12)
        both_days = [lay(camera, midnight + n * MINUTE) for n in range(-2, 3)]
        with monkeypatch.context() as idle:
            idle.setattr(holding, "take", lambda *_args, **_more: None)
            placed = hold(camera, since=midnight - 10 * MINUTE)
        for where, name, calls, copies in (
            (holding, "_write_down", 0, 0),
            (os, "link", 1, 0),
            (storage, "sync_copies", 0, 0),
            (holding, "_write_down", 1, 2),
            (os, "link", 1, 2),
            (storage, "sync_copies", 0, 2),
            (holding, "_complete", 0, 5),
            (holding, "record", 0, 5),
        ):
            killed_at(tasks.keep_holds, where, name, calls)
            assert len(held(placed)) == copies and all(copy.file.exists() for copy in held(placed))
            assert Hold.objects.get().taken_at is None
        tasks.keep_holds()
        assert [copy.started_at for copy in held(placed)] == [segment.started_at for segment in both_days]
        assert all(copy.file.samefile(segment.file) for copy, segment in zip(held(placed), both_days, strict=True))
        assert Entry.objects.get(verb="hold.complete").detail == {"copies": 5}

    def test_a_leftover_under_its_name_is_replaced(self, hold, camera, hour, monkeypatch):
        with monkeypatch.context() as idle:
            idle.setattr(holding, "take", lambda *_args, **_more: None)
            placed = hold(camera)
        leftover = storage.settings.VIDEO_ROOT / storage.HELD / str(placed.pk) / hour[5].path
        leftover.parent.mkdir(parents=True)
        leftover.write_bytes(b"torn")
        tasks.keep_holds()
        assert held(placed)[0].file == leftover and leftover.read_bytes() == hour[5].file.read_bytes()

    @pytest.mark.parametrize("refusal", [errno.EXDEV, errno.EMLINK])
    def test_where_no_link_can_be_made_there_is_a_copy(self, hold, camera, hour, monkeypatch, refusal):
        def refuses(*_args, **_more):
            raise OSError(refusal, os.strerror(refusal))

        monkeypatch.setattr(os, "link", refuses)
        copies = held(hold(camera))
        assert [copy.file.read_bytes() for copy in copies] == [segment.file.read_bytes() for segment in hour[5:]]
        assert not copies[0].file.samefile(hour[5].file)
        assert sorted(copies[0].file.parent.iterdir()) == [copy.file for copy in copies]

    @pytest.mark.slow
    def test_a_camera_on_a_disk_of_its_own_is_copied(self, hold, camera, lay, roots):
        own_disk = roots.VIDEO_ROOT / str(camera.pk)
        own_disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "one", own_disk], capture_output=True)
        if mounted.returncode:
            pytest.skip(f"no file system of its own: {mounted.stderr.decode().strip()}")
        try:
            segment = lay(camera, NOW - MINUTE)
            (copy,) = held(hold(camera))
            assert copy.file.read_bytes() == segment.file.read_bytes()
            assert copy.file.stat().st_dev != segment.file.stat().st_dev
        finally:
            subprocess.run(["umount", "-l", own_disk], check=True)
        assert holding.check(seconds=10) == 0

    def test_what_cannot_be_copied_keeps_its_camera_from_the_purge(self, hold, camera, hour, monkeypatch):
        def full(*_args, **_more):
            raise OSError(errno.ENOSPC, "no space")

        with monkeypatch.context() as broken:
            broken.setattr(os, "link", full)
            placed = hold(camera)
            assert holding.take_unfinished() == {camera.pk}
            assert purging.purge(NOW + timedelta(days=400)).segments == 0
            with pytest.raises(tasks.Incomplete):
                tasks.keep_holds()
        placed.refresh_from_db()
        assert placed.taken_at is None
        assert purging.purge(NOW + timedelta(days=400)).segments == 10
        assert len(held(placed)) == 5 and all(copy.file.exists() for copy in held(placed))

    def test_a_file_that_is_gone_stops_nobody(self, hold, camera, hour):
        hour[7].file.unlink()
        placed = hold(camera)
        assert len(held(placed)) == 4
        assert holding.take(placed).copies == 0

    def test_what_it_says_of_each_is_what_the_index_said(self, hold, camera, hour):
        copies = held(hold(camera))
        for name in (*holding.COPIED, "store"):
            assert [getattr(copy, name) for copy in copies] == [getattr(segment, name) for segment in hour[5:]]

    def test_two_that_take_at_once_leave_each_copy_once(self, hold, camera, hour, monkeypatch):
        """The second comes while the first is about to write its rows."""
        with monkeypatch.context() as idle:
            idle.setattr(holding, "take", lambda *_args, **_more: None)
            placed = hold(camera)
        write, taken = holding._write_down, []

        def after_another(*args):
            if not taken:
                taken.append(None)
                taken[0] = holding.take(placed).copies
            return write(*args)

        monkeypatch.setattr(holding, "_write_down", after_another)
        assert (holding.take(placed).copies, taken, len(held(placed))) == (0, [5], 5)


class TestChecking:
    def test_a_damaged_copy_is_found_told_and_kept(self, hold, camera, hour):
        placed = hold(camera)
        hour[6].file.write_bytes(b"not what was recorded")
        assert holding.check(seconds=10) == 1
        bad = held(placed)[1]
        assert bad.condition == "damaged" and bad.file.exists()
        assert Entry.objects.get(verb="hold.damaged").detail["path"] == bad.path
        assert Event.objects.get(kind="hold.damaged").object_id == placed.pk
        assert holding.check(seconds=10) == 0

    def test_a_copy_whose_file_is_gone_is_damaged(self, hold, camera, hour):
        placed = hold(camera)
        held(placed)[0].file.unlink()
        assert holding.check(seconds=10) == 1

    def test_it_stops_when_its_time_is_over_and_goes_on_later(self, hold, camera, hour):
        placed = hold(camera)
        holding.check(seconds=-1)
        assert {copy.condition for copy in held(placed)} == {"taken"}


class TestFinding:
    def test_what_the_index_forgot_is_found_in_the_hold(self, hold, camera, hour):
        hold(camera)
        forget(hour)
        found = recorded(camera.pk, NOW - timedelta(minutes=9), NOW)
        assert [film.started_at for film in found] == [segment.started_at for segment in hour[5:]]
        assert all(isinstance(film, HeldSegment) for film in found)
        named = recording_named(camera.pk, hour[6].start_ms, NOW - timedelta(minutes=9), NOW)
        assert (named.started_at, named.sha256) == (hour[6].started_at, hour[6].sha256)

    def test_each_moment_is_found_once(self, hold, camera, hour):
        hold(camera)
        hold(camera)
        assert [type(film) for film in recorded(camera.pk, NOW - 9 * MINUTE, NOW)] == [Segment] * 9
        forget(hour[-1:])
        assert [type(film) for film in recorded(camera.pk, NOW - 9 * MINUTE, NOW)] == [Segment] * 8 + [HeldSegment]

    def test_another_camera_and_another_time_are_not_found(self, hold, camera, far_camera, hour):
        hold(camera)
        forget(hour)
        assert not recorded(far_camera.pk, NOW - 9 * MINUTE, NOW)
        assert not recorded(camera.pk, NOW - 9 * MINUTE, NOW - 6 * MINUTE)
        assert recording_named(camera.pk, hour[0].start_ms, NOW - 9 * MINUTE, NOW) is None

    def test_an_ended_hold_shows_nothing_from_that_moment(self, hold, camera, hour):
        placed = hold(camera)
        forget(hour)
        actions.release_hold(placed, reason="settled", by=placed.created_by)
        assert not recorded(camera.pk, NOW - 9 * MINUTE, NOW)


class TestPlacing:
    def test_it_is_on_record(self, hold, camera, custodian):
        placed = hold(camera)
        entry = Entry.objects.get(verb="hold.placed")
        assert (entry.actor, entry.detail["cameras"]) == (custodian, [camera.number])
        line = LedgerEntry.objects.get(kind="use")
        assert (line.file_name, line.ground, line.cameras) == (placed.number, "investigation", [camera.number])
        assert Event.objects.get(kind="hold.placed").detail["number"] == placed.number

    def test_a_hold_without_a_day_of_review_is_reviewed_within_a_month(self, hold, camera):
        assert hold(camera).review_at - timezone.now() < timedelta(days=31)
        soon = hold(camera, ends_at=timezone.now() + timedelta(days=2))
        assert soon.review_at == soon.ends_at

    @pytest.mark.parametrize(
        ("details", "cameras"),
        [({"until": NOW - timedelta(hours=1)}, 1), ({"ends_at": NOW - timedelta(days=3650)}, 1), ({}, 0)],
    )
    def test_nonsense_is_refused(self, hold, camera, details, cameras):
        with pytest.raises(NotAllowed):
            hold(*[camera][:cameras], **details)
        assert not Hold.objects.exists()

    def test_only_who_may_places_one(self, hold, camera, operator):
        with pytest.raises(NotAllowed):
            hold(camera, by=operator)
        assert not Hold.objects.exists() and not Entry.objects.filter(verb="hold.placed").exists()


class TestReviewing:
    def test_the_centre_is_reminded_once(self, hold, camera):
        placed = hold(camera)
        Hold.objects.update(review_at=timezone.now() - MINUTE)
        tasks.keep_holds()
        tasks.keep_holds()
        assert Event.objects.filter(kind="hold.review_due", object_id=placed.pk).count() == 1
        assert Entry.objects.get(verb="hold.review_due").detail["owner"] == "Inspector Kim"

    def test_after_a_review_the_next_one_is_told_too(self, hold, camera, custodian):
        placed = hold(camera)
        Hold.objects.update(review_at=timezone.now() - MINUTE)
        tasks.keep_holds()
        later = timezone.now() + timedelta(days=200)
        actions.review_hold(placed, ends_at=later, review_at=later, reason="trial begins in May", by=custodian)
        entry = Entry.objects.get(verb="hold.reviewed")
        assert entry.detail["reason"] == "trial begins in May" and entry.detail["ends_at"] == later.isoformat()
        assert holding.remind(later + MINUTE) == 1

    def test_it_is_not_made_shorter(self, hold, camera, custodian):
        placed, soon = hold(camera), timezone.now() + timedelta(days=1)
        with pytest.raises(NotAllowed, match="release"):
            actions.review_hold(placed, ends_at=soon, review_at=soon, reason="why", by=custodian)

    @pytest.mark.parametrize("reason", ["", "  "])
    def test_it_needs_a_reason(self, hold, camera, custodian, reason):
        placed = hold(camera)
        later = placed.ends_at + timedelta(days=1)
        with pytest.raises(NotAllowed):
            actions.review_hold(placed, ends_at=later, review_at=later, reason=reason, by=custodian)
        with pytest.raises(NotAllowed):
            actions.release_hold(placed, reason=reason, by=custodian)

    def test_only_who_may(self, hold, camera, operator):
        placed = hold(camera)
        with pytest.raises(NotAllowed):
            actions.review_hold(placed, ends_at=placed.ends_at, review_at=placed.ends_at, reason="why", by=operator)
        with pytest.raises(NotAllowed):
            actions.release_hold(placed, reason="why", by=operator)
        assert Hold.objects.in_force().exists()


class TestTheEnd:
    def test_when_its_day_has_come_everything_is_destroyed_and_certified(self, hold, camera, far_camera, hour, lay):
        other = lay(far_camera, NOW - MINUTE)
        placed = over(hold(camera, far_camera))
        files = [copy.file for copy in held(placed)]
        tasks.keep_holds()
        placed.refresh_from_db()
        assert placed.destroyed_at and placed.released_by is None
        assert not any(file.exists() for file in files) and not held(placed)
        assert other.file.exists() and all(segment.file.exists() for segment in hour)
        assert not (storage.settings.VIDEO_ROOT / storage.HELD / str(placed.pk)).exists()
        certificate = Certificate.objects.get(camera=camera)
        listing = "".join(f"{segment.sha256}\n" for segment in hour[5:])
        assert certificate.sha256 == sha256(listing.encode()).hexdigest()
        assert (certificate.files, certificate.hold) == (5, placed)
        assert (certificate.period_from, certificate.period_until) == (hour[5].started_at, NOW)
        assert LedgerEntry.objects.filter(kind="destroy", file_name=placed.number).count() == 2

    def test_a_release_says_who_and_why(self, hold, camera, hour, custodian):
        actions.release_hold(hold(camera), reason="case dropped", by=custodian)
        assert Entry.objects.get(verb="hold.released").detail["reason"] == "case dropped"
        tasks.keep_holds()
        assert Certificate.objects.get().by == str(custodian)

    def test_it_ends_once(self, hold, camera, custodian):
        placed = actions.release_hold(hold(camera), reason="case dropped", by=custodian)
        with pytest.raises(NotAllowed):
            actions.release_hold(placed, reason="again", by=custodian)
        tasks.keep_holds()
        tasks.keep_holds()
        assert Entry.objects.filter(verb="hold.destroyed").count() == 1

    @pytest.mark.parametrize("recording_is_there", [True, False])
    def test_the_certificate_says_whether_the_recording_itself_is_gone(
        self, hold, camera, hour, settings, recording_is_there
    ):
        settings.LANGUAGE_CODE = "en"
        over(hold(camera))
        if not recording_is_there:
            forget(hour)
        tasks.keep_holds()
        assert ("within its days" in Certificate.objects.get().what) == recording_is_there

    @pytest.mark.slow
    @pytest.mark.django_db(transaction=True)
    def test_killed_at_any_step_the_next_run_finishes(self, hold, camera, hour):
        placed = over(hold(camera))
        tasks.holding.check(seconds=10)
        files = [copy.file for copy in held(placed)]
        for where, name, calls, left in (
            (holding, "record", 0, 5),
            (storage, "delete", 0, 5),
            (storage, "delete", 2, 3),
            (storage, "sync_copies", 0, 0),
            (holding, "_certify", 0, 0),
            (holding, "record", 0, 0),
            (storage, "remove_folder", 0, 0),
            (holding, "record", 0, 0),
        ):
            is_certified = name == "remove_folder" or Certificate.objects.exists()
            killed_at(tasks.keep_holds, where, name, calls)
            assert sum(file.exists() for file in files) == left
            assert (Certificate.objects.count(), len(held(placed))) == ((1, 0) if is_certified else (0, 5))
        tasks.keep_holds()
        placed.refresh_from_db()
        assert placed.destroyed_at
        assert Certificate.objects.get().files == 5
        told = Entry.objects.filter(verb__in=["hold.ended", "hold.destroyed"]).values_list("verb", flat=True)
        assert sorted(told) == ["hold.destroyed", "hold.ended"]
        assert all(segment.file.exists() for segment in hour)

    def test_what_cannot_be_destroyed_is_told_and_not_certified(self, hold, camera, hour, monkeypatch):
        placed = over(hold(camera))
        stubborn = held(placed)[2].file
        stubborn.unlink()
        stubborn.mkdir()
        with pytest.raises(tasks.Incomplete):
            tasks.keep_holds()
        assert not Certificate.objects.exists()
        stubborn.rmdir()
        tasks.keep_holds()
        assert Certificate.objects.get().files == 5

    def test_what_was_taken_while_it_ended_goes_too(self, hold, camera, hour):
        placed = hold(camera)
        stale = Hold.objects.get(pk=placed.pk)
        HeldSegment.objects.all().delete()
        actions.release_hold(placed, reason="settled", by=placed.created_by)
        assert holding.take(stale).copies == 0
        assert not any((storage.settings.VIDEO_ROOT / storage.HELD).rglob("*.mp4"))


@pytest.mark.parametrize(
    "change",
    [
        {"period_until": NOW - timedelta(days=1)},
        {"review_at": datetime(2100, 1, 1, tzinfo=UTC)},
        {"release_reason": "no one"},
        {"destroyed_at": NOW},
    ],
)
def test_the_database_refuses_what_makes_no_sense(hold, camera, change):
    placed = hold(camera)
    with pytest.raises(IntegrityError), transaction.atomic():
        Hold.objects.filter(pk=placed.pk).update(**change)


def test_a_certificate_of_a_hold_cannot_be_changed_either(hold, camera, hour):
    over(hold(camera))
    tasks.keep_holds()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        Certificate.objects.update(files=1)
