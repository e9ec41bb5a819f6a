"""Recordings in a real object store: Swift with its S3 interface, brought up for this module."""

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.urls import reverse

from apps.agencies.principals import Principal
from apps.retention import purging
from apps.video import cutting, playback, stills, storage, tiering
from apps.video.models import HeldSegment, Leaving, Segment, held_path
from apps.video.reasons import NotAvailable
from apps.video.tasks import cut_clips
from apps.viewing import addresses
from tests.killing import killed_at
from tests.video.conftest import roots  # noqa: F401
from tests.video.filming import film

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
START = datetime(2026, 6, 1, 9, 0, tzinfo=UTC)
A_DAY_LATER = START + timedelta(hours=26)


@pytest.fixture
def minute(camera, objects, settings):
    """Three segments of 4 s, one after the other, on this machine."""
    length = 4.0
    return [
        film(
            settings,
            camera,
            START + timedelta(seconds=n * length),
            length,
            first=round(n * length * 90_000),
            size=(320, 180),
        )
        for n in range(3)
    ]


@pytest.fixture
def tiered(minute):
    """The same, in the object store alone."""
    tiering.tier(A_DAY_LATER)
    tiering.finish_moving()
    return [Segment.objects.get(pk=segment.pk) for segment in minute]


def stored() -> list[str]:
    return [path for path, _size in storage.stored_objects()]


def rows_written() -> int:
    """Rows of segments that this transaction has updated so far."""
    with connection.cursor() as cursor:
        cursor.execute("select sum(n_tup_upd) from pg_stat_xact_user_tables where relname like 'video_segment%'")
        return cursor.fetchone()[0]


class TestTiering:
    def test_what_is_old_moves_and_is_gone_from_here_one_run_later(self, minute):
        contents = [segment.file.read_bytes() for segment in minute]
        result = tiering.tier(A_DAY_LATER)
        assert (result.segments, result.bytes) == (3, sum(map(len, contents)))
        assert [segment.store for segment in Segment.objects.order_by("started_at")] == ["objects"] * 3
        assert all(segment.file.exists() for segment in minute)
        tiering.tier(A_DAY_LATER)
        rows = list(Segment.objects.order_by("started_at"))
        assert [row.store for row in rows] == ["objects"] * 3
        assert not any(row.file.exists() for row in rows) and not minute[0].file.parent.exists()
        assert stored() == [row.path for row in rows]
        with storage.open_segment(rows[1]) as file:
            assert file.read() == contents[1]

    def test_what_is_young_or_growing_stays(self, minute, settings):
        assert tiering.tier(START + timedelta(hours=23)).segments == 0
        Segment.objects.update(state="recording")
        assert tiering.tier(A_DAY_LATER).segments == 0
        assert stored() == []

    def test_what_an_outage_left_behind_is_found_when_everything_is_asked_for(self, minute):
        assert tiering.tier(A_DAY_LATER + timedelta(days=9)).segments == 0
        assert tiering.tier(A_DAY_LATER + timedelta(days=9), everything=True).segments == 3

    def test_a_file_that_is_not_what_was_recorded_stays_here(self, minute):
        minute[1].file.write_bytes(b"rotten")
        result = tiering.tier(A_DAY_LATER)
        assert (result.segments, result.failed) == (2, 1)
        tiering.finish_moving()
        assert minute[1].file.exists() and Segment.objects.get(pk=minute[1].pk).store == "local"

    @pytest.mark.django_db(transaction=True)
    def test_killed_at_any_step_nothing_is_lost_and_the_next_run_finishes(self, minute, monkeypatch):
        def move():
            storage._objects().close()  # the connections are the parent's
            tiering.tier(A_DAY_LATER)
            tiering.finish_moving()

        contents = [segment.file.read_bytes() for segment in minute]
        monkeypatch.setattr(tiering, "ThreadPoolExecutor", OneByOne)
        for where, name, calls, marked, here in (
            (storage, "upload", 1, 0, 3),
            (tiering, "mark", 0, 0, 3),
            (Leaving.objects, "create", 0, 0, 3),
            (os, "unlink", 1, 3, 2),
            (tiering, "sync_directory", 0, 3, 0),
        ):
            killed_at(move, where, name, calls)
            rows = list(Segment.objects.order_by("started_at"))
            assert [row.store for row in rows].count("objects") == marked
            assert sum(row.file.exists() for row in rows) == here
            for segment, content in zip(rows, contents, strict=True):
                with storage.open_segment(segment) as file:
                    assert file.read() == content
        move()
        assert [row.store for row in Segment.objects.all()] == ["objects"] * 3
        assert not Leaving.objects.exists() and len(stored()) == 3

    def test_a_move_writes_each_row_once(self, minute):
        before = rows_written()
        tiering.tier(A_DAY_LATER)
        tiering.finish_moving()
        assert rows_written() - before == 3

    def test_a_row_mended_to_this_machine_keeps_its_file(self, minute):
        tiering.tier(A_DAY_LATER)
        Segment.objects.filter(pk=minute[1].pk).update(store="local")
        assert tiering.finish_moving() == 2
        assert [segment.file.exists() for segment in minute] == [False, True, False]
        assert not Leaving.objects.exists()

    def test_purged_while_it_was_uploaded_it_does_not_stay_there(self, minute, monkeypatch):
        upload = storage.upload

        def purged_meanwhile(segment):
            upload(segment)
            Segment.objects.filter(pk=segment.pk).delete()

        monkeypatch.setattr(storage, "upload", purged_meanwhile)
        monkeypatch.setattr(tiering, "ThreadPoolExecutor", OneByOne)
        assert tiering.tier(A_DAY_LATER).segments == 0
        assert stored() == []

    def test_a_bucket_that_forgets_nothing_is_refused(self, minute, objects):
        objects.put_bucket_versioning(
            Bucket=storages["recordings"].bucket_name, VersioningConfiguration={"Status": "Enabled"}
        )
        with pytest.raises(storage.StoreAway, match="old versions"):
            tiering.tier(A_DAY_LATER)

    @pytest.mark.parametrize(("hours", "waits"), [(24, timedelta(hours=24)), (1_000_000, timedelta())])
    def test_a_day_is_arranged_after_all_of_it_has_moved(self, settings, hours, waits):
        settings.TIER_AFTER_HOURS = hours
        assert tiering.quiet_after() == timedelta()
        settings.STORAGES = settings.STORAGES | {"recordings": {}}
        assert tiering.quiet_after() == waits

    def test_room_is_made_oldest_first(self, minute):
        assert tiering.make_room(minute[0].bytes).segments == 3  # a batch is the least that moves
        assert not any(segment.file.exists() for segment in minute)


class OneByOne:
    """Stands for the pool of uploads, in the thread of the test's transaction."""

    def __init__(self, _size):
        pass

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        return False

    map = staticmethod(map)


class TestReading:
    def test_a_playlist_brings_only_its_edges_here(self, tiered, camera, settings):
        whole = playback.playlist(camera.pk, START, START + timedelta(seconds=12), lambda segment: segment.path)
        assert not (settings.VIDEO_ROOT / storage.CACHE).exists()
        assert [float(s) for s in re.findall(r"EXTINF:([\d.]+)", whole)] == pytest.approx([4.0] * 3)
        part = playback.playlist(
            camera.pk, START + timedelta(seconds=1), START + timedelta(seconds=9), lambda segment: segment.path
        )
        assert len(list((settings.VIDEO_ROOT / storage.CACHE).rglob("*.mp4"))) == 2
        assert part.count("EXTINF") == 3 and "DISCONTINUITY" not in part

    def test_a_still(self, tiered, camera):
        at = START + timedelta(seconds=6.5)
        found = stills.still(camera.pk, at)
        assert found.jpeg[:2] == b"\xff\xd8"
        assert timedelta(0) <= at - found.taken_at <= timedelta(seconds=1)

    def test_a_clip(self, tiered, camera):
        from apps.video.actions import order_clip

        clip = order_clip(camera.pk, START + timedelta(seconds=2), START + timedelta(seconds=10), note={})
        cut_clips()
        clip.refresh_from_db()
        assert (clip.state, clip.gaps) == ("ready", [])
        assert [source["sha256"] for source in clip.sources] == [segment.sha256 for segment in tiered]
        assert not list((cutting.settings.VIDEO_ROOT / ".cuts").glob("*"))

    def test_it_goes_out_by_the_front_server_and_names_no_store(self, tiered, camera, operator, client):
        client.force_login(operator)
        end = START + timedelta(seconds=12)
        window = {"from": START.isoformat(), "to": end.isoformat()}
        playlist = client.get(reverse("playback", args=[camera.pk]), window).content.decode()
        url = re.search(r"^/.*mp4.*$", playlist, re.M)[0]
        size, start = re.search(r"EXT-X-BYTERANGE:(\d+)@(\d+)", playlist).groups()
        span = f"bytes={start}-{int(start) + int(size) - 1}"
        response = client.get(url, headers={"range": span})
        assert response.status_code == 200
        inside = response["X-Accel-Redirect"].removeprefix("/protected/video/")
        assert (storage.settings.VIDEO_ROOT / inside).read_bytes() == _fetched(tiered[0])
        assert "127.0.0.1" not in str(response.headers) + playlist and "X-Amz" not in str(response.headers) + playlist

    def test_a_row_read_before_it_moved_is_still_readable(self, minute):
        content = minute[0].file.read_bytes()
        tiering.tier(A_DAY_LATER)
        tiering.finish_moving()
        with storage.open_segment(minute[0]) as file:
            assert file.read() == content

    def test_bytes_that_are_not_those_recorded_are_not_shown(self, tiered, objects):
        objects.put_object(Bucket=storages["recordings"].bucket_name, Key=tiered[0].path, Body=b"other")
        with pytest.raises(storage.Damaged):
            storage.open_segment(tiered[0])
        assert not list((storage.settings.VIDEO_ROOT / storage.CACHE).rglob("*.mp4*"))
        assert playback.pieces(tiered[0]) == []

    def test_what_is_gone_is_gone(self, tiered):
        storage.remove_object(tiered[0].path)
        with pytest.raises(FileNotFoundError):
            storage.open_segment(tiered[0])
        assert not storage.exists(tiered[0]) and storage.exists(tiered[1])
        assert playback.pieces(tiered[0]) == []

    def test_the_cache_is_bounded_in_size_and_time(self, tiered, settings):
        files = [storage.local_file(segment) for segment in tiered]
        settings.OBJECTS_CACHE_BYTES = tiered[0].bytes
        storage.sweep_cache()
        assert all(file.exists() for file in files)  # just read: perhaps on their way out
        for age, file in enumerate(files):
            os.utime(file, (file.stat().st_mtime - 200 - age,) * 2)
        storage.sweep_cache()
        assert [file.exists() for file in files] == [True, False, False]
        os.utime(files[0], (0, 0))
        storage.sweep_cache()
        assert not files[0].exists()

    def test_nobody_without_a_signature_reads_an_object(self, tiered, swift):
        from urllib.error import HTTPError

        bucket = storages["recordings"].bucket_name
        with pytest.raises(HTTPError, match="40"):
            urlopen(f"{swift.address}/{bucket}/{tiered[0].path}")


def _fetched(segment) -> bytes:
    with storage.open_segment(segment) as file:
        return file.read()


class TestAStoreThatIsAway:
    @pytest.fixture(autouse=True)
    def away(self, tiered, settings):
        options = {**settings.STORAGES["recordings"]["OPTIONS"], "endpoint_url": "http://127.0.0.1:1"}
        settings.STORAGES = {**settings.STORAGES, "recordings": {**settings.STORAGES["recordings"], "OPTIONS": options}}

    def test_is_said_in_words(self, camera):
        with pytest.raises(NotAvailable, match="object store"):
            stills.still(camera.pk, START + timedelta(seconds=2))
        with pytest.raises(NotAvailable, match="object store"):
            playback.playlist(camera.pk, START + timedelta(seconds=1), START + timedelta(seconds=2), str)

    def test_is_said_at_the_door(self, camera, operator, client):
        client.force_login(operator)
        period = START, START + timedelta(hours=1)
        carried = addresses.seal(Principal(session_key=client.session.session_key), camera.pk, *period)
        window = {"from": period[0].isoformat(), "to": period[1].isoformat(), **carried}
        address = reverse("segment", args=[camera.pk, Segment.objects.earliest("started_at").start_ms])
        answer = client.get(address, window, headers={"range": "bytes=0-9"})
        assert (answer.status_code, answer.json()["code"]) == (503, "not_available")

    def test_a_purge_forgets_nothing_that_may_still_be_there(self, camera):
        result = purging.purge(START + timedelta(days=400))
        assert result.failed
        assert Segment.objects.count() == 3


class TestDestroying:
    def test_a_purge_removes_from_both_stores(self, minute, camera, settings):
        tiering.tier(A_DAY_LATER)
        tiering.finish_moving()
        minute[2].file.parent.mkdir(parents=True, exist_ok=True)
        minute[2].file.write_bytes(b"x")
        cached = storage.local_file(Segment.objects.get(pk=minute[0].pk))
        result = purging.purge(START + timedelta(days=400))
        assert (result.segments, result.failed) == (3, 0)
        assert stored() == [] and not minute[2].file.exists() and not cached.exists()

    def test_a_dry_run_counts_them(self, tiered, camera):
        (row,) = purging.due(START + timedelta(days=400))
        assert (row["camera_id"], row["segments"]) == (camera.pk, 3)
        assert len(stored()) == 3


class TestOwnCopies:
    def test_of_what_is_in_the_store_is_made_there(self, tiered):
        path = held_path(7, tiered[0].camera_id, tiered[0].started_at)
        assert storage.link_or_copy(tiered[0], path) == "objects"
        content = _fetched(tiered[0])
        storage.delete(tiered[0])
        copy = HeldSegment(hold=7, camera_id=tiered[0].camera_id, started_at=tiered[0].started_at, store="objects")
        copy.sha256 = tiered[0].sha256
        assert storage.fingerprint(copy) == tiered[0].sha256
        assert _fetched(copy) == content
        storage.delete(copy)
        assert stored() == [segment.path for segment in tiered[1:]]

    def test_of_what_is_still_here_too_is_a_link(self, minute):
        tiering.tier(A_DAY_LATER)
        segment = Segment.objects.get(pk=minute[0].pk)
        path = held_path(7, segment.camera_id, segment.started_at)
        assert storage.link_or_copy(segment, path) == "local"
        tiering.finish_moving()
        assert Path(storage.settings.VIDEO_ROOT / path).exists()

    def test_a_failing_copy_says_so(self, tiered, monkeypatch):
        storage.remove_object(tiered[0].path)
        with pytest.raises(FileNotFoundError):
            storage.link_or_copy(tiered[0], "anywhere.mp4")


def test_the_store_answers_like_a_store_of_the_standard(objects):
    """What the rest relies on, asked of the server itself."""
    bucket = storages["recordings"].bucket_name
    objects.put_object(Bucket=bucket, Key="a", Body=b"0123456789")
    assert objects.get_object(Bucket=bucket, Key="a", Range="bytes=2-4")["Body"].read() == b"234"
    storage.remove_object("a")
    storage.remove_object("a")
    assert stored() == []
