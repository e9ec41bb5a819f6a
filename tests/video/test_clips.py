"""The queue of clips, cancelling, viewing copies, and periods that are awkward."""

# ruff: noqa: F811  (fixtures of other modules)

import hashlib
import os
import subprocess
import threading
import time
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import av
import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.utils import timezone

from apps.video import actions, cutting, joining, reasons, signing, storage, tasks, verifying
from apps.video.models import Clip, SigningKey
from apps.video.nal import H265
from apps.video.recording import Recording
from tests.video.filming import FPS, encode, film, first_shown, picture, samples_of, shown
from tests.video.test_cutting import START, after, footage, made, ms, order  # noqa: F401
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
LINES = ["서부경찰서 · 김민수 %{pts} it's: \\ [x]", "register line 17"]


def viewing(camera, start: float, end: float, lines=LINES) -> Clip:
    clip = actions.order_clip(camera.pk, after(start), after(end), note={"burned_in": lines}, kind=Clip.Kind.VIEWING)
    tasks.cut_clips()
    clip.refresh_from_db()
    return clip


def packets(file) -> list[bytes]:
    with av.open(str(file)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


class TestEvidence:
    @pytest.mark.parametrize("codec", ["h264", H265])
    def test_every_sample_is_the_recorded_bytes(self, roots, camera, codec):
        segments = [film(roots, camera, after(2 * n), 2, first=2 * n * 90_000, codec=codec) for n in range(3)]
        recorded = [sample for segment in segments for sample in packets(segment.file)]
        assert packets(made(camera, 0, 6).file) == recorded
        assert packets(made(camera, 1.5, 5).file) == recorded[FPS : 5 * FPS]

    def test_it_plays_in_ffmpeg_without_a_complaint_and_lasts_as_long_as_asked(self, footage, camera):
        clip = made(camera, 0.5, 8.2)
        words = ["ffmpeg", "-v", "warning", "-i", str(clip.file), "-f", "null", "-"]
        assert subprocess.run(words, capture_output=True, text=True, check=True).stderr == ""
        with av.open(str(clip.file)) as container:
            assert container.duration / 1e6 == pytest.approx(7.7, abs=0.1)

    def test_a_source_purged_while_the_clip_is_made_is_in_it_all_the_same(self, footage, camera, monkeypatch):
        join = joining.join

        def purged_first(*args, **kwargs):
            for segment in footage:
                storage.delete(segment)
            return join(*args, **kwargs)

        monkeypatch.setattr(joining, "join", purged_first)
        clip = made(camera, 0, 9)
        assert (clip.state, clip.gaps, len(shown(clip.file))) == ("ready", [], 9 * FPS)

    def test_over_midnight_of_city_and_utc(self, roots, camera):
        for midnight in (datetime(2026, 3, 9, tzinfo=UTC), datetime(2026, 3, 9, tzinfo=ZoneInfo("Asia/Seoul"))):
            for n in (-2, 0):
                film(roots, camera, midnight + timedelta(seconds=n), 2, first=(n + 2) * 90_000)
            clip = actions.order_clip(
                camera.pk, midnight - timedelta(seconds=1), midnight + timedelta(seconds=1), note={}
            )
            tasks.cut_clips()
            clip.refresh_from_db()
            assert (clip.gaps, len(clip.sources), len(shown(clip.file))) == ([], 2, 2 * FPS)

    @pytest.mark.parametrize(
        ("utc", "local", "later"),
        [
            ("2026-03-08T06:59:59", "2026-03-08T01:59:59.000-05:00", "2026-03-08T03:00:01.000-04:00"),
            ("2025-11-02T05:59:59", "2025-11-02T01:59:59.000-04:00", "2025-11-02T01:00:01.000-05:00"),
        ],
    )
    def test_over_the_change_of_summer_time(self, roots, camera, settings, utc, local, later):
        settings.TIME_ZONE = "America/New_York"
        start = datetime.fromisoformat(utc).replace(tzinfo=UTC)
        film(roots, camera, start, 2)
        clip = actions.order_clip(camera.pk, start, start + timedelta(seconds=2), note={})
        tasks.cut_clips()
        clip.refresh_from_db()
        assert (clip.manifest["from_local"], clip.manifest["to_local"]) == (local, later)
        assert clip.manifest["from"] == f"{utc}.000Z" and len(shown(clip.file)) == 2 * FPS

    def test_six_hours(self, roots, camera):
        """360 files of a minute, a picture every ten seconds: the way is as long as with more pictures."""
        track, [sample] = samples_of(encode("h264", [picture(START, (160, 90))]))
        for minute in range(360):
            recording = Recording(roots.VIDEO_ROOT, camera.pk, track, START.timestamp() + 60 * minute, 0)
            at = range(0, 60 * 90_000, 10 * 90_000)
            recording.add([type(sample)(sample.data, tick, 10 * 90_000, True) for tick in at])
            recording.close()
            row(camera, recording, track)
        began = time.monotonic()
        clip = made(camera, 0, 6 * 3600)
        assert (clip.state, clip.gaps, len(clip.sources)) == ("ready", [], 360)
        assert time.monotonic() - began < 20
        assert len(packets(clip.file)) == 6 * 360
        assert verifying.verify(clip.file).verdict == "untouched"


def row(camera, recording: Recording, track) -> None:
    from apps.video.models import Segment

    Segment.objects.create(
        camera=camera,
        session=1,
        started_at=recording.started_at,
        ended_at=recording.started_at + timedelta(seconds=recording.seconds),
        bytes=recording.size,
        init_bytes=recording.init_bytes,
        codec=track.name,
        width=track.width,
        height=track.height,
        sha256=recording.sha256,
        state=Segment.State.CLOSED,
    )


class TestViewingCopy:
    @pytest.fixture(params=["h264", H265])
    def copy(self, request, roots, camera):
        film(roots, camera, START, 4, size=(640, 360), codec=request.param, draw=lambda at, size: grey(size))
        return viewing(camera, 0.5, 3.5)

    def test_any_browser_plays_it_and_it_carries_words_and_a_running_clock(self, copy):
        assert (copy.state, copy.error) == ("ready", "")
        with av.open(str(copy.file)) as container:
            stream = container.streams.video[0]
            assert (stream.codec_context.name, stream.width, stream.height) == ("h264", 640, 360)
            frames = [frame.to_ndarray(format="gray") for frame in container.decode(stream)]
        assert len(frames) == 3 * FPS + 1
        top, middle, bottom = frames[0][:60], frames[0][120:240], frames[0][320:]
        assert middle.std() < 3 and top.std() > 20 and bottom.std() > 20
        # The clock's digits are still within a second and change from one to the next; the words never do.
        clocks = [frame[320:].astype(int) for frame in frames]
        changes = [n for n in range(1, len(frames)) if np.abs(clocks[n] - clocks[n - 1]).max() > 60]
        assert changes == [8, 23, 38]  # the first picture is the one seven fifteenths into a second
        assert np.abs(frames[0][:60].astype(int) - frames[-1][:60]).mean() < 5

    def test_its_manifest_says_that_it_is_no_evidence(self, copy):
        assert copy.manifest["kind"] == "viewing"
        assert copy.manifest["note"]["burned_in"] == LINES
        found = verifying.verify(copy.file)
        assert (found.verdict, found.public()["kind"]) == ("untouched", "viewing")
        assert "김민수" not in str(found.public())

    def test_a_changed_picture_size_is_fitted_in(self, roots, camera):
        film(roots, camera, START, 2)
        film(roots, camera, after(2), 2, size=(320, 240), session=2)
        clip = viewing(camera, 0, 4)
        with av.open(str(clip.file)) as container:
            sizes = {(frame.width, frame.height) for frame in container.decode(video=0)}
        assert (clip.state, sizes) == ("ready", {(640, 360)})

    def test_a_changed_codec_is_refused_with_its_place(self, roots, camera):
        film(roots, camera, START, 2)
        film(roots, camera, after(2), 2, codec=H265, session=2)
        clip = viewing(camera, 0, 4)
        assert (clip.state, clip.error, clip.changes_at) == ("failed", reasons.FORMAT_CHANGES, after(2))

    @pytest.mark.parametrize("lines", [[""], ["x" * 300], ["\n", "%{eif:1:x}"], ["'; rm -rf"], ["🚓 \u202e"], []])
    def test_words_of_any_kind_are_only_words(self, roots, camera, lines):
        film(roots, camera, START, 1)
        assert viewing(camera, 0, 1, lines).state == "ready"


def grey(size: tuple[int, int]) -> np.ndarray:
    return np.full((size[1] * 3 // 2, size[0]), 128, np.uint8)


class TestQueue:
    def test_in_order_evidence_first(self, footage, camera, monkeypatch):
        made_in_order = []
        monkeypatch.setattr(cutting, "cut", lambda clip: (made_in_order.append(clip.pk), actions.cancel_clip(clip)))
        note = {"burned_in": []}
        late = actions.order_clip(camera.pk, after(0), after(1), note=note, kind=Clip.Kind.VIEWING)
        first, second = order(camera, 0, 1), order(camera, 0, 2)
        assert [clip.position for clip in (first, second, late)] == [1, 2, 3]
        tasks.cut_clips()
        assert made_in_order == [first.pk, second.pk, late.pk]

    def test_never_more_at_once_than_allowed(self, camera, settings):
        settings.CLIPS_AT_ONCE = 2
        for _ in range(3):
            order(camera, 0, 1)
        assert [bool(cutting.claim_next()) for _ in range(3)] == [True, True, False]

    def test_viewing_copies_leave_a_place_for_evidence(self, camera, settings):
        settings.CLIPS_AT_ONCE = 2
        for _ in range(2):
            actions.order_clip(camera.pk, after(0), after(1), note={}, kind=Clip.Kind.VIEWING)
        assert cutting.claim_next().kind == "viewing" and cutting.claim_next() is None
        order(camera, 0, 1)
        assert cutting.claim_next().kind == "evidence"

    def test_with_one_place_a_viewing_copy_is_made_too(self, camera, settings):
        settings.CLIPS_AT_ONCE = 1
        actions.order_clip(camera.pk, after(0), after(1), note={}, kind=Clip.Kind.VIEWING)
        assert cutting.claim_next().kind == "viewing"

    def test_a_full_disk_is_said_and_recording_keeps_its_reserve(self, footage, camera, monkeypatch):
        monkeypatch.setattr(cutting, "RESERVE_BYTES", 1 << 60)
        clip = made(camera, 0, 9)
        assert (clip.state, clip.error) == ("failed", reasons.NO_ROOM)

    def test_a_key_out_of_use_is_said(self, footage, camera):
        made(camera, 0, 1)
        SigningKey.objects.update(until=timezone.now())
        clip = made(camera, 0, 2)
        assert (clip.state, clip.error, clip.path) == ("failed", reasons.KEY_OUT_OF_USE, "")


class TestCancelling:
    def test_what_waits_is_never_made(self, footage, camera, roots):
        clip = order(camera, 0, 5)
        assert actions.cancel_clip(clip) and not actions.cancel_clip(clip)
        tasks.cut_clips()
        assert Clip.objects.get().state == "cancelled"
        assert not list(roots.CLIP_ROOT.rglob("*.*"))

    def test_what_is_ready_stays(self, footage, camera):
        clip = made(camera, 0, 2)
        assert not actions.cancel_clip(clip)
        assert clip.state == "ready" and clip.file.exists()

    @pytest.mark.django_db(transaction=True)
    def test_what_is_being_made_ends_at_once_and_leaves_nothing(self, roots, camera, tmp_path, monkeypatch):
        slow = tmp_path / "bin" / "ffmpeg"
        slow.parent.mkdir()
        lines = ["#!/bin/sh", f"echo $$ > {tmp_path}/pid", "for a; do case $a in *.part) echo x > $a; esac; done"]
        slow.write_text("\n".join([*lines, "exec sleep 60", ""]))
        slow.chmod(0o755)
        monkeypatch.setenv("PATH", f"{slow.parent}:{os.environ['PATH']}")
        film(roots, camera, START, 1)
        note = {"burned_in": LINES}
        clip = actions.order_clip(camera.pk, after(0), after(1), note=note, kind=Clip.Kind.VIEWING)

        def work():
            try:
                tasks.cut_clips()
            finally:
                connections.close_all()

        worker = threading.Thread(target=work)
        worker.start()
        until(lambda: list(roots.CLIP_ROOT.rglob("*.part")), "ffmpeg writes")
        began = time.monotonic()
        assert actions.cancel_clip(clip)
        worker.join(20)
        assert time.monotonic() - began < 10
        assert not list(roots.CLIP_ROOT.rglob("*.*")) and not list((roots.VIDEO_ROOT / ".cuts").iterdir())
        until(lambda: not os.path.exists(f"/proc/{(tmp_path / 'pid').read_text().strip()}"), within=20)

    def test_what_a_dead_worker_left_of_it_is_swept(self, roots, footage, camera):
        order(camera, 0, 5)
        dead = cutting.claim_next()
        desk = roots.VIDEO_ROOT / ".cuts" / f"{dead.pk}-{dead.claim}"
        desk.mkdir(parents=True)
        os.link(footage[0].file, desk / "1.mp4")
        part = roots.CLIP_ROOT / f"{dead.created_at:%Y%m}" / f"{dead.pk}-{str(dead.claim)[:8]}.part"
        part.parent.mkdir(parents=True)
        part.write_bytes(b"half")
        tasks.look_after_clips()
        assert desk.exists() and part.exists()
        actions.cancel_clip(Clip.objects.get())
        tasks.look_after_clips()
        assert not desk.exists() and not part.exists()


class TestKeys:
    def test_rotating_by_command(self, footage, camera, roots, capsys):
        old = made(camera, 0, 1)
        call_command("rotate_signing_key")
        new = made(camera, 0, 2)
        assert old.manifest["key"] != new.manifest["key"]
        assert verifying.verify(old.file).verdict == verifying.verify(new.file).verdict == "untouched"
        assert roots.SIGNING_KEY_FILE.stat().st_mode & 0o777 == 0o600
        assert [file.name for file in roots.SIGNING_KEY_FILE.parent.iterdir()] == ["manifest.pem"]

    def test_disowning_the_key_in_use_puts_a_new_one_in_place(self, roots, db):
        key = signing.sign({})["key"]
        call_command("rotate_signing_key", disown=key, since="2026-01-01T00:00:00Z")
        assert SigningKey.objects.get(pk=key).compromised_at == datetime(2026, 1, 1, tzinfo=UTC)
        assert signing.sign({})["key"] != key

    def test_disowning_an_old_key_leaves_the_one_in_use(self, roots, db):
        old = signing.sign({})["key"]
        current = signing.rotate().pk
        call_command("rotate_signing_key", disown=old)
        assert signing.sign({})["key"] == current

    @pytest.mark.parametrize("words", [{"disown": "x"}, {"disown": "KEY", "since": "2026-01-01"}])
    def test_nonsense_is_refused(self, roots, db, words):
        key = signing.sign({})["key"]
        with pytest.raises(CommandError):
            call_command("rotate_signing_key", **{name: word.replace("KEY", key) for name, word in words.items()})

    def test_the_fingerprint_is_in_the_audit(self, footage, camera):
        from apps.audit.models import Entry

        clip = made(camera, 0, 1)
        entry = Entry.objects.get(verb="clip.ready")
        assert entry.detail["sha256"] == hashlib.sha256(clip.file.read_bytes()).hexdigest()


def test_the_first_picture_of_a_viewing_copy_is_the_one_asked_for(roots, camera):
    """The machine's clock would be under the words: here there are none."""
    film(roots, camera, START, 2, size=(1280, 720))
    clip = viewing(camera, 0.5, 1.5, [])
    assert abs(first_shown(clip.file) - ms(after(7 / FPS))) <= 1
