import errno
import hashlib
import itertools
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import av
import pytest
from django.conf import settings as django_settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from apps.audit.models import Entry
from apps.video import actions, coding, cutting, joining, reasons, signing, storage, tasks, verifying
from apps.video.fmp4 import fragments
from apps.video.models import Clip, HeldSegment, Segment
from apps.video.nal import H265
from tests.video.filming import FPS, film, shown
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
START = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


@pytest.fixture
def footage(roots, camera):
    """Nine seconds in three segments of one session."""
    return [film(roots, camera, after(3 * n), 3, first=3 * n * 90_000) for n in range(3)]


def order(camera, start: float, end: float, **note) -> Clip:
    return actions.order_clip(camera.pk, after(start), after(end), note=note)


def made(camera, start: float, end: float, **note) -> Clip:
    clip = order(camera, start, end, **note)
    tasks.cut_clips()
    clip.refresh_from_db()
    return clip


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0, 1.97, 2.9, 3.0, 4.2])
def test_the_first_picture_is_the_one_on_screen_at_the_start(footage, camera, start):
    clip = made(camera, start, 7.5)
    assert (clip.state, clip.error) == ("ready", "")
    seen = shown(clip.file)
    on_screen = after(int(start * FPS + 1e-6) / FPS)
    assert seen[0] == pytest.approx(ms(on_screen), abs=1)
    assert seen[-1] == pytest.approx(ms(after(7.5 - 1 / FPS)), abs=70)
    steps = [later - before for before, later in itertools.pairwise(seen)]
    assert set(steps) <= {66, 67}


def test_pictures_are_copied_not_coded_again(footage, camera):
    clip = made(camera, 1, 5)

    def pictures(file):
        with av.open(str(file)) as container:
            return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]

    originals = [data for segment in footage for data in pictures(segment.file)]
    copies = pictures(clip.file)
    assert len(copies) == 4 * FPS
    assert copies == originals[FPS : 5 * FPS]


def test_no_more_than_the_running_group_of_pictures_is_in_the_file(footage, camera):
    clip = made(camera, 4.5, 5)
    with av.open(str(clip.file)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert len(packets) == FPS


def test_h265_is_cut_too(roots, camera):
    film(roots, camera, START, 3, codec=H265)
    clip = made(camera, 1.5, 2.5)
    assert shown(clip.file)[0] == pytest.approx(ms(after(22 / 15)), abs=1)


def test_the_clip_says_what_it_is(footage, camera):
    clip = made(camera, 2, 4, ledger_number=17, agency="police")
    data = clip.file.read_bytes()
    assert (clip.bytes, clip.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert clip.progress == 100 and clip.gaps == []
    manifest = actions.manifest(clip)
    assert manifest["camera"] == camera.number
    assert manifest["note"] == {"ledger_number": 17, "agency": "police"}
    assert manifest["from"] == "2026-03-08T09:30:02.000Z"
    assert manifest["from_local"] == "2026-03-08T18:30:02.000+09:00"
    assert manifest["sources"] == [{"segment": s.path, "sha256": s.sha256, "bytes": s.bytes} for s in footage[:2]]
    assert signing.signer(manifest)
    assert (manifest["kind"], manifest["ledger_number"]) == ("evidence", 17)


def test_missing_time_is_listed_and_the_clips_clock_stays_true(roots, footage, camera):
    film(roots, camera, after(15), 3, session=2)
    clip = made(camera, 7, 20)
    assert clip.gaps == [
        {"from": "2026-03-08T09:30:09.000Z", "to": "2026-03-08T09:30:15.000Z"},
        {"from": "2026-03-08T09:30:18.000Z", "to": "2026-03-08T09:30:20.000Z"},
    ]
    with av.open(str(clip.file)) as container:
        times = [float(frame.pts * frame.time_base) for frame in container.decode(video=0)]
    seen = shown(clip.file)
    assert len(seen) == 5 * FPS
    for at, said in zip(times, seen, strict=True):
        assert at * 1000 == pytest.approx(said - ms(after(7)), abs=5)


def test_a_clip_that_begins_before_the_recording_begins_with_it(footage, camera):
    clip = made(camera, -5, 2)
    assert shown(clip.file)[0] == pytest.approx(ms(START), abs=1)
    assert clip.gaps == [{"from": "2026-03-08T09:29:55.000Z", "to": "2026-03-08T09:30:00.000Z"}]
    assert clip.manifest["first_picture"] == "2026-03-08T09:30:00.000Z"


@pytest.mark.parametrize("change", [{"size": (1280, 720)}, {"codec": H265}])
def test_evidence_of_two_formats_is_refused_and_told_where_they_meet(roots, camera, change):
    film(roots, camera, START, 2)
    film(roots, camera, after(2), 2, session=2, **change)
    clip = made(camera, 1, 3)
    assert (clip.state, clip.error, clip.changes_at) == ("failed", reasons.FORMAT_CHANGES, after(2))
    assert [made(camera, 1, 2).state, made(camera, 2, 3).state] == ["ready", "ready"]


def test_the_growing_segment_can_be_cut(footage, camera):
    last = footage[2]
    Segment.objects.filter(pk=last.pk).update(state="recording", ended_at=None, sha256="")
    with last.file.open("ab") as file:
        file.write(b"\0\0\1\0moof half a fragment")
    clip = made(camera, 5, 8)
    assert shown(clip.file)[0] == pytest.approx(ms(after(5)), abs=1)
    written = last.file.read_bytes()[: last.bytes]
    assert clip.sources[-1]["sha256"] == hashlib.sha256(written).hexdigest()


def test_nothing_recorded_is_a_failure_in_words(footage, camera, far_camera):
    clip = made(far_camera, 0, 5)
    assert (clip.state, clip.error, clip.path) == ("failed", reasons.NOT_RECORDED, "")


@pytest.mark.parametrize("kind", Clip.Kind.values)
@pytest.mark.parametrize("change", [lambda data: data[:-9] + b"x" + data[-8:], lambda data: data + b"x"])
def test_a_recording_changed_since_it_was_closed_is_left_out_and_named(footage, camera, kind, change):
    changed = footage[1]
    changed.file.write_bytes(change(changed.file.read_bytes()))
    clip = actions.order_clip(camera.pk, after(1), after(8), kind=kind, note={"burned_in": []})
    tasks.cut_clips()
    clip.refresh_from_db()
    assert clip.state == "ready"
    assert [source["segment"] for source in clip.sources] == [footage[0].path, footage[2].path]
    assert clip.gaps == [{"from": "2026-03-08T09:30:03.000Z", "to": "2026-03-08T09:30:06.000Z"}]
    assert actions.manifest(clip)["damaged"] == [changed.path]
    told = Entry.objects.get(verb="video.damaged")
    assert told.detail == {"path": changed.path, "sha256": changed.sha256}


def test_of_changed_recordings_alone_nothing_is_made(footage, camera):
    for segment in footage:
        with segment.file.open("ab") as file:
            file.write(b"x")
    clip = made(camera, 1, 8)
    assert (clip.state, clip.error) == ("failed", reasons.NOT_RECORDED)
    assert Entry.objects.filter(verb="video.damaged").count() == 3


def test_sources_purged_meanwhile_leave_a_gap(footage, camera):
    footage[1].file.unlink()
    clip = made(camera, 0, 9)
    assert (clip.state, len(clip.gaps), len(clip.sources)) == ("ready", 1, 2)


def test_no_scraps_are_left(roots, footage, camera):
    clip = made(camera, 1, 8)
    files = [file for root in (roots.CLIP_ROOT, roots.VIDEO_ROOT) for file in root.rglob("*") if file.is_file()]
    assert set(files) == {clip.file, *(segment.file for segment in footage)}


@pytest.mark.parametrize(
    ("start", "end", "reason"),
    [
        (5, 5, reasons.NO_LENGTH),
        (5, 4, reasons.NO_LENGTH),
        (0, 6 * 3600 + 1, reasons.TOO_LONG),
        (0, 365 * 864000, reasons.TOO_LONG),
    ],
)
def test_an_impossible_period_is_refused(camera, start, end, reason):
    with pytest.raises(actions.BadPeriod, match=reason):
        order(camera, start, end)
    assert not Clip.objects.exists()


def test_the_future_is_refused(camera):
    now = timezone.now()
    with pytest.raises(actions.BadPeriod, match=reasons.FUTURE):
        actions.order_clip(camera.pk, now, now + timedelta(minutes=1), note={})


def test_the_worker_hears_of_it_after_commit_only(camera, monkeypatch, django_capture_on_commit_callbacks):
    sent = []
    monkeypatch.setattr(tasks.cut_clips, "delay", lambda *args: sent.append(args))
    with django_capture_on_commit_callbacks(execute=True):
        clip = order(camera, 0, 5)
        assert sent == []
    assert (clip.state, sent) == ("queued", [()])


def fragments_of(segment: Segment) -> list:
    with storage.opened(segment.file) as fd:
        return list(fragments(fd, segment.init_bytes))


def keep(segment: Segment) -> HeldSegment:
    """A hold's copy of a segment that the index forgets."""
    fields = ("camera_id", "started_at", "ended_at", "session", "bytes", "init_bytes", "width", "height", "codec")
    copied = {name: getattr(segment, name) for name in (*fields, "sha256")}
    held = HeldSegment.objects.create(hold=1, **copied)
    held.file.parent.mkdir(parents=True)
    segment.file.rename(held.file)
    Segment.objects.filter(pk=segment.pk).delete()
    return held


class TestAgain:
    """Tasks run twice, workers die, clips are destroyed while they are cut."""

    def test_a_second_run_changes_nothing(self, footage, camera):
        clip = made(camera, 1, 2)
        before = clip.file.stat().st_mtime_ns
        tasks.cut_clips()
        assert clip.file.stat().st_mtime_ns == before
        assert Clip.objects.get().attempts == 1

    def test_only_one_of_two_workers_gets_it(self, camera):
        order(camera, 0, 5)
        assert cutting.claim_next() is not None
        assert cutting.claim_next() is None

    def test_a_silent_workers_clip_is_taken_over(self, footage, camera):
        order(camera, 0, 5)
        cutting.claim_next()
        Clip.objects.update(touched_at=timezone.now() - Clip.PATIENCE * 2)
        tasks.cut_clips()
        ready = Clip.objects.get()
        assert (ready.state, ready.attempts) == ("ready", 2)

    def test_a_worker_that_wakes_late_cannot_replace_the_clip(self, roots, footage, camera):
        order(camera, 0, 5)
        late = cutting.claim_next()
        Clip.objects.update(touched_at=timezone.now() - Clip.PATIENCE * 2)
        tasks.cut_clips()
        before = Clip.objects.get()
        cutting.cut(late)
        now = Clip.objects.get()
        assert (now.path, now.sha256) == (before.path, before.sha256)
        assert hashlib.sha256(now.file.read_bytes()).hexdigest() == now.sha256
        assert [file.name for file in roots.CLIP_ROOT.rglob("*.mp4")] == [now.file.name]

    def test_what_a_killed_worker_left_beside_the_clip_is_swept(self, roots, footage, camera):
        order(camera, 0, 5)
        dead = cutting.claim_next()
        left = roots.CLIP_ROOT / f"{dead.created_at:%Y%m}" / f"{dead.pk}-00000000.mp4"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"renamed, never settled")
        Clip.objects.update(touched_at=timezone.now() - Clip.PATIENCE * 2)
        tasks.cut_clips()
        assert [file.name for file in left.parent.iterdir()] == [Clip.objects.get().file.name]

    def unsaved_clip(self, camera, monkeypatch, start: float, end: float) -> Clip:
        """One that is ready, and whose worker died before it was on disk."""

        def killed(_file):
            raise SystemExit

        with monkeypatch.context() as power, pytest.raises(SystemExit):
            power.setattr(cutting, "bring_to_disk", killed)
            made(camera, start, end)
        Clip.objects.update(touched_at=timezone.now() - Clip.PATIENCE * 2)
        monkeypatch.setattr(tasks.cut_clips, "delay", tasks.cut_clips)
        return Clip.objects.get()

    @pytest.fixture
    def unsaved(self, footage, camera, monkeypatch):
        return self.unsaved_clip(camera, monkeypatch, 0, 5)

    def test_what_the_disk_had_when_its_worker_died_stays(self, unsaved):
        assert unsaved.told_state == "cutting"
        tasks.look_after_clips()
        clip = Clip.objects.get()
        assert (clip.state, clip.claim, clip.path, clip.sha256) == ("ready", None, unsaved.path, unsaved.sha256)
        assert clip.told_state == "ready"

    @pytest.mark.parametrize("left", [None, 0, 30_000])
    def test_what_a_power_cut_took_of_a_ready_clip_is_made_again_to_the_byte(self, unsaved, left):
        before, size = unsaved.file.read_bytes(), unsaved.file.stat().st_size
        if left is None:
            unsaved.file.unlink()
        else:  # the disk knows how long it is, and has not all of it
            os.truncate(unsaved.file, left)
            os.truncate(unsaved.file, size)
        tasks.look_after_clips()
        clip = Clip.objects.get()
        assert (clip.state, clip.claim, clip.manifest) == ("ready", None, unsaved.manifest)
        assert clip.file.read_bytes() == before and list(clip.file.parent.iterdir()) == [clip.file]
        assert Entry.objects.get(verb="clip.lost").detail["sha256"] == clip.sha256

    def test_what_was_recorded_or_adopted_since_is_not_in_it(self, roots, footage, camera, monkeypatch):
        """Its last recording grew on, another came to light, and of the first only a hold's copy is left."""
        whole, rows = footage[1].file.read_bytes(), Segment.objects.filter(pk=footage[1].pk)
        rows.update(state="recording", ended_at=None, sha256="")
        os.truncate(footage[1].file, [f.end for f in fragments_of(footage[1])][1])
        footage[2].file.rename(roots.VIDEO_ROOT / "adrift.mp4")
        clip = self.unsaved_clip(camera, monkeypatch, 1, 9)
        before = clip.file.read_bytes()
        footage[1].file.write_bytes(whole)
        rows.update(state="closed", ended_at=footage[1].ended_at, sha256=footage[1].sha256)
        (roots.VIDEO_ROOT / "adrift.mp4").rename(footage[2].file)
        held = keep(footage[0])
        clip.file.unlink()
        tasks.look_after_clips()
        again = Clip.objects.get()
        assert (again.state, again.error, len(again.gaps)) == ("ready", "", 1)
        assert again.file.read_bytes() == before and held.file.exists()

    @pytest.mark.parametrize("all_of_it", [True, False])
    def test_a_lost_clip_whose_recording_is_gone_too_is_said(self, unsaved, footage, tmp_path, all_of_it):
        given = tmp_path / "given.mp4"
        unsaved.file.rename(given)
        for segment in footage if all_of_it else footage[1:2]:
            segment.file.unlink()
        tasks.look_after_clips()
        clip = Clip.objects.get()
        assert (clip.state, clip.error, clip.path) == ("failed", reasons.LOST, "")
        assert verifying.verify(given).verdict == "untouched"

    @pytest.mark.parametrize(("trouble", "state"), [(errno.EIO, "queued"), (errno.EMFILE, "ready")])
    def test_a_disk_that_refuses_loses_a_clip_and_a_host_in_need_does_not(self, unsaved, monkeypatch, trouble, state):
        def refused(_file):
            raise OSError(trouble, os.strerror(trouble))

        monkeypatch.setattr(cutting, "bring_to_disk", refused)
        monkeypatch.setattr(cutting, "claim_next", lambda: None)
        tasks.look_after_clips()
        clip = Clip.objects.get()
        assert (clip.state, clip.told_state == "ready", unsaved.file.exists()) == (state, False, True)

    def test_a_clip_that_is_made_again_may_be_with_somebody_and_is_not_cancelled(self, unsaved, monkeypatch):
        unsaved.file.unlink()
        monkeypatch.setattr(cutting, "claim_next", lambda: None)
        tasks.look_after_clips()
        clip = Clip.objects.get()
        assert not actions.cancel_clip(clip) and clip.state == "queued"

    def test_destroyed_before_it_is_made_again_nothing_of_it_is_left(self, unsaved, monkeypatch):
        os.truncate(unsaved.file, 30_000)
        monkeypatch.setattr(cutting, "claim_next", lambda: None)
        tasks.look_after_clips()
        assert unsaved.file.exists()
        actions.destroy_clip(Clip.objects.get())
        assert not unsaved.file.exists()

    def test_a_viewing_copy_is_on_disk_before_it_is_ready(self, footage, camera, monkeypatch):
        states = []
        monkeypatch.setattr(cutting, "bring_to_disk", lambda _file: states.append(Clip.objects.get().state))
        actions.order_clip(camera.pk, after(0), after(5), note={"burned_in": []}, kind=Clip.Kind.VIEWING)
        tasks.cut_clips()
        assert states == ["cutting"] and Clip.objects.get().state == "ready"

    def test_poison_is_given_up(self, footage, camera):
        order(camera, 0, 5)
        Clip.objects.update(attempts=cutting.MOST_ATTEMPTS)
        tasks.cut_clips()
        assert (Clip.objects.get().state, Clip.objects.get().error) == ("failed", reasons.GAVE_UP)

    def test_a_failing_tool_is_a_failed_clip(self, footage, camera, monkeypatch):
        monkeypatch.setattr(coding, "POLITE", ["false"])
        actions.order_clip(camera.pk, after(0), after(5), note={"burned_in": []}, kind=Clip.Kind.VIEWING)
        tasks.cut_clips()
        clip = Clip.objects.get()
        assert (clip.state, clip.error) == ("failed", reasons.NOT_CUT)

    def test_a_clip_destroyed_while_it_is_cut_stays_destroyed(self, roots, footage, camera):
        order(camera, 0, 5)
        clip = cutting.claim_next()
        actions.destroy_clip(Clip.objects.get())
        cutting.cut(clip)
        assert Clip.objects.get().state == "destroyed"
        assert not list(roots.CLIP_ROOT.rglob("*.mp4"))

    def test_destroyed_with_its_draft_it_is_no_error(self, roots, footage, camera, monkeypatch):
        join = joining.join

        def destroyed_then(*args, **kwargs):
            joined = join(*args, **kwargs)
            actions.destroy_clip(Clip.objects.get())
            return joined

        monkeypatch.setattr(joining, "join", destroyed_then)
        assert made(camera, 0, 5).state == "destroyed"
        assert not [file for file in roots.CLIP_ROOT.rglob("*") if file.is_file()]

    @pytest.mark.parametrize(
        ("state", "age", "wakes"),
        [("queued", 20, True), ("cutting", 20, True), ("queued", 1, False), ("cutting", 1, False)]
        + [("failed", 20, False), ("ready", 20, False), ("cancelled", 20, False)],
    )
    def test_the_makers_are_woken_for_what_nobody_works_on(self, roots, camera, monkeypatch, state, age, wakes):
        sent = []
        monkeypatch.setattr(tasks.cut_clips, "delay", lambda: sent.append(1))
        touched = timezone.now() - timedelta(seconds=age)
        whole = {"path": "x", "bytes": 1, "sha256": "0" * 64} if state == "ready" else {}
        Clip.objects.create(camera=camera, starts_at=START, ends_at=after(1), state=state, touched_at=touched, **whole)
        tasks.look_after_clips()
        assert bool(sent) == wakes


@pytest.mark.django_db(transaction=True)
def test_a_clip_survives_the_death_of_its_worker(roots, footage, camera, tmp_path, monkeypatch):
    """kill -9 while ffmpeg runs: the sweeper finds the clip and the next worker completes it."""
    slow = tmp_path / "bin" / "ffmpeg"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nsleep 60\n")
    slow.chmod(0o755)
    base = connection.settings_dict
    url = f"postgis://{base['USER']}:{base['PASSWORD']}@{base['HOST']}:{base['PORT']}/{base['NAME']}"
    note = {"burned_in": []}
    clip = actions.order_clip(camera.pk, after(1.5), after(8), note=note, kind=Clip.Kind.VIEWING)
    code = "from apps.video.tasks import cut_clips; cut_clips()"
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "shell", "-v0", "-c", code],
        cwd=django_settings.BASE_DIR,
        env={
            **os.environ,
            "DATABASE_URL": url,
            "OWNER_DATABASE_URL": url,
            "PATH": f"{slow.parent}:{os.environ['PATH']}",
            "VIDEO_ROOT": str(roots.VIDEO_ROOT),
            "CLIP_ROOT": str(roots.CLIP_ROOT),
        },
        start_new_session=True,
    )
    until(lambda: list((roots.VIDEO_ROOT / ".cuts").glob("*/parts.txt")), "ffmpeg at work")
    os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
    assert Clip.objects.get().state == "cutting"
    monkeypatch.setattr(Clip, "PATIENCE", timedelta(seconds=0.5))
    monkeypatch.setattr(tasks.cut_clips, "delay", tasks.cut_clips)

    def swept():
        tasks.look_after_clips()
        return Clip.objects.get().state == "ready"

    until(swept)
    clip.refresh_from_db()
    assert shown(clip.file)[0] == pytest.approx(ms(after(22 / 15)), abs=1)
    assert not list((roots.VIDEO_ROOT / ".cuts").iterdir())


class TestVerifying:
    def said(self, file, capsys) -> tuple[str, int]:
        try:
            call_command("verify_clip", str(file))
            code = 0
        except CommandError as error:
            code = error.returncode
        return capsys.readouterr().out.split("\n")[0], code

    @pytest.fixture
    def clip(self, footage, camera):
        return made(camera, 1, 3)

    def test_an_untouched_clip(self, clip, tmp_path, capsys):
        elsewhere = tmp_path / "as-the-court-has-it.mp4"
        elsewhere.write_bytes(clip.file.read_bytes())
        assert self.said(elsewhere, capsys) == ("untouched", 0)

    def test_one_changed_byte(self, clip, capsys):
        data = bytearray(clip.file.read_bytes())
        data[len(data) // 3] ^= 1
        clip.file.write_bytes(data)
        assert self.said(clip.file, capsys) == ("changed", 2)

    @pytest.mark.parametrize("content", [b"", b"holiday film", b"3f1c2b7e-0d4a-4c58-9b1e-6a5d8e7f9012"])
    def test_somebody_elses_file(self, clip, tmp_path, capsys, content):
        file = tmp_path / "x.mp4"
        file.write_bytes(content)
        assert self.said(file, capsys) == ("unknown", 2)

    def test_a_destroyed_clip_is_still_known(self, clip, tmp_path, capsys):
        kept = tmp_path / "kept.mp4"
        kept.write_bytes(clip.file.read_bytes())
        actions.destroy_clip(clip)
        assert self.said(kept, capsys) == ("untouched", 0)

    def test_a_manifest_changed_in_the_database_is_noticed(self, clip, capsys):
        Clip.objects.update(manifest={**clip.manifest, "camera": "another"})
        assert self.said(clip.file, capsys) == ("changed", 2)

    def test_no_such_file(self, db, tmp_path):
        with pytest.raises(CommandError, match="No such file"):
            call_command("verify_clip", str(tmp_path / "none"))

    def test_the_key_is_made_once_and_for_its_owner_alone(self, roots, clip):
        key = roots.VAR_DIR / "keys" / "manifest.pem"
        assert key.stat().st_mode & 0o777 == 0o600
        assert [file.name for file in key.parent.iterdir()] == ["manifest.pem"]


class TestDestroying:
    def test_the_file_goes_and_the_fingerprint_stays(self, footage, camera):
        clip = made(camera, 1, 2)
        file, digest = clip.file, clip.sha256
        actions.destroy_clip(clip)
        clip.refresh_from_db()
        assert not file.exists()
        assert (clip.state, clip.path, clip.sha256) == ("destroyed", "", digest)

    def test_broken_off_before_the_file_is_gone_it_can_be_finished(self, footage, camera, monkeypatch):
        clip = made(camera, 1, 2)
        file = clip.file
        with monkeypatch.context() as broken:
            broken.setattr("pathlib.Path.unlink", lambda *_, **__: (_ for _ in ()).throw(OSError("read-only")))
            with pytest.raises(OSError, match="read-only"):
                actions.destroy_clip(clip)
        assert file.exists() and Clip.objects.get().state == "destroyed"
        actions.destroy_clip(Clip.objects.get())
        assert not file.exists() and Clip.objects.get().path == ""
