"""When pictures were taken, whatever is done to the clocks of machine and camera: recorded packets, set clocks."""

import itertools
import random
import re
import time
import uuid
from contextlib import closing
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.video import feed, media_clock
from apps.video.feed import CATCH_UP, SHORTEST_SECONDS, Opened, next_cut
from apps.video.foreign import ForeignStream
from apps.video.models import Segment
from apps.video.network import Network
from apps.video.playback import playlist
from apps.video.recorder import RecorderProcess
from tests.cast import make_camera
from tests.soak.rig import count_files
from tests.video.filming import FPS, STEP, encode, picture
from tests.video.replay import Clocks, Replay

pytestmark = pytest.mark.slow
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def packets():
    return encode("h264", [picture(None, (320, 180)) for _ in range(FPS)])


@pytest.fixture
def clocks(monkeypatch):
    clocks = Clocks(NOON)
    for module in (feed, media_clock):
        monkeypatch.setattr(module, "time", clocks)
    return clocks


@pytest.fixture
def camera(clocks, packets, tmp_path):
    return Replay(tmp_path, clocks, packets)


def assert_in_order(spans):
    assert all(start < end for start, end in spans)
    assert all(end < start + 0.001 for (_, end), (start, _) in itertools.pairwise(spans))


def gaps(spans):
    return [start - end for (_, end), (start, _) in itertools.pairwise(spans) if start - end > 0.01]


def files(root):
    return sorted(path.relative_to(root) for path in root.rglob("*.mp4"))


def test_undisturbed_segments_join_without_a_seam(camera):
    camera.send(200)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert camera.spans[0][0] == pytest.approx(NOON, abs=0.01)
    assert camera.spans[-1][1] == pytest.approx(NOON + 200, abs=0.1)
    assert gaps(camera.spans) == [] and len(set(camera.sessions)) == 1


@pytest.mark.parametrize(
    ("ahead", "begins"),
    [
        (None, 0),  # no sender report: by arrival
        (-0.4, -0.4),  # a right clock, and encoding and network took 0.4 s
        (0.1, 0),  # a picture cannot arrive before it was taken
        (-3600, 0),  # a wrong clock
        (86400 * 365, 0),
        (-1.1, 0),
    ],
)
def test_a_cameras_own_date_is_believed_when_it_is_credible(camera, ahead, begins):
    camera.ahead = ahead
    camera.send(3)
    camera.hang_up()
    assert camera.spans[0][0] == pytest.approx(NOON + begins, abs=0.005)


def test_a_camera_whose_clock_is_set_leaves_no_seam(camera):
    camera.ahead = -0.3
    camera.send(70)
    camera.ahead = 5000
    camera.send(70)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert gaps(camera.spans) == []
    assert camera.spans[-1][1] == pytest.approx(NOON + 140, abs=0.5)


def test_a_clock_set_forward_leaves_a_gap_of_that_length(camera, clocks):
    camera.send(30)
    clocks.wall += 3600
    camera.send(30)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert gaps(camera.spans) == pytest.approx([3600], abs=1.1)
    assert camera.spans[-1][1] == pytest.approx(clocks.wall, abs=0.1)
    assert len(set(camera.sessions)) == 2


def test_a_clock_set_back_a_little_keeps_the_order_and_is_caught_up(camera, clocks):
    camera.send(30)
    clocks.wall -= 20
    camera.send(60 * 5)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert gaps(camera.spans) == []
    assert camera.spans[-1][1] == pytest.approx(clocks.wall, abs=0.1)
    lengths = [end - start for start, end in camera.spans]
    assert sum(lengths) == pytest.approx(310, abs=0.5)
    assert min(lengths[:-1]) > SHORTEST_SECONDS * (1 - CATCH_UP) - 1


def test_after_a_clock_set_back_by_an_hour_the_rest_is_filed_under_its_true_time(camera, clocks):
    camera.send(30)
    clocks.wall -= 3600
    camera.send(30)
    camera.hang_up()
    (_, wrong_end), (start, end) = camera.spans
    assert wrong_end == pytest.approx(NOON + 30, abs=1.1)
    assert start == pytest.approx(NOON + 30 - 3600, abs=1.1)
    assert end == pytest.approx(clocks.wall, abs=0.1)


def test_the_same_across_a_connection(camera, clocks):
    camera.send(30)
    camera.hang_up()
    clocks.wall -= 20
    camera.connect()
    camera.send(30)
    camera.hang_up()
    assert_in_order(camera.spans)


def test_a_silence_stays_a_gap(camera, clocks):
    camera.send(20)
    camera.hang_up()
    clocks.pass_by(42)
    camera.connect()
    camera.send(20)
    camera.hang_up()
    assert gaps(camera.spans) == pytest.approx([42], abs=0.1)


def test_a_new_day_begins_a_new_segment_in_a_new_folder(camera, clocks, tmp_path):
    clocks.wall = datetime(2026, 5, 1, 23, 59, 50, tzinfo=UTC).timestamp()
    camera.connect()
    camera.send(20)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert gaps(camera.spans) == []
    assert sorted({str(path.parent) for path in files(tmp_path)}) == ["1/20260501", "1/20260502"]
    before = [end for start, end in camera.spans if datetime.fromtimestamp(start, UTC).day == 1]
    assert max(before) == pytest.approx(datetime(2026, 5, 2, tzinfo=UTC).timestamp(), abs=1.1)


@pytest.mark.parametrize("local", ["2026-03-29T01:59:30", "2026-10-25T02:59:30"])
def test_summer_time_begins_and_ends_unseen(camera, clocks, settings, tmp_path, local):
    settings.TIME_ZONE = "Europe/Berlin"
    clocks.wall = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Berlin")).timestamp()
    camera.connect()
    camera.send(90)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert gaps(camera.spans) == []
    assert len(files(tmp_path)) == len(camera.spans)


@pytest.mark.django_db
def test_a_minute_that_comes_twice_is_recorded_twice_and_each_is_found(clocks, packets, settings, roots, owner):
    """When summer time ends, 02:10 by the clock on the wall is there before and after."""
    settings.TIME_ZONE = "Europe/Berlin"
    first = datetime(2026, 10, 25, 2, 10, 20, tzinfo=ZoneInfo("Europe/Berlin"))
    twice = [first, first.replace(fold=1)]
    index = object.__new__(RecorderProcess)  # which writes the index alone, and opens no doors
    index.id, index._feeds = uuid.uuid4(), {}
    # Number 2 is cut at second 14.
    camera = Replay(roots.VIDEO_ROOT, clocks, packets, number=make_camera(owner, pk=2).pk)
    for at in twice:
        clocks.wall = at.timestamp()
        camera.connect()
        camera.send(20)
        camera.hang_up()
    for news in camera.told:
        index._write(news)
    folder = f"{camera.number}/20261025"
    names = [f"{folder}/001020.000Z.mp4", f"{folder}/011020.000Z.mp4"]
    assert list(map(str, files(roots.VIDEO_ROOT))) == names
    begun = Segment.objects.order_by("started_at").values_list("started_at", flat=True)
    assert [f"{timezone.localtime(at):%H:%M:%S%z}" for at in begun] == ["02:10:20+0200", "02:10:20+0100"]
    for at, name in zip(twice, names, strict=True):
        asked = parse_datetime(at.isoformat())
        found = playlist(camera.number, asked, asked + timedelta(seconds=30), lambda segment: segment.path)
        assert re.findall(r"^\d.*mp4$", found, re.M) == [name] * found.count("#EXTINF")
        assert sum(map(float, re.findall(r"EXTINF:([\d.]+)", found))) == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize("bits", [32, 33])
def test_a_timestamp_that_wraps_leaves_no_seam(camera, bits):
    camera.stamp = 2**bits - 90_000 * 5
    camera.send(5)
    camera.stamp %= 2**bits
    camera.send(5)
    camera.hang_up()
    assert_in_order(camera.spans)
    assert len(camera.spans) <= 2 and gaps(camera.spans) == []
    assert camera.spans[-1][1] == pytest.approx(NOON + 10, abs=0.2)


def test_every_picture_that_was_sent_is_in_one_file_whatever_cuts_it(camera, clocks, tmp_path):
    """Cuts at the minute and before, clocks set, timestamps that wrap, connections broken: all at moments of chance."""
    chance, sent = random.Random(4), 0
    camera.stamp = 2**32 - 60 * 90_000
    for _ in range(60):
        before = camera.stamp
        camera.send(chance.uniform(0.05, 9))
        sent += (camera.stamp - before) // STEP
        camera.stamp %= 2**32
        match chance.randrange(5):
            case 0:
                camera.feed.begin_anew()
            case 1:
                clocks.wall += chance.uniform(-5, 5)
            case 2:
                camera.hang_up()
                clocks.pass_by(chance.uniform(0.2, 3))
                camera.connect()
    camera.hang_up()
    counted = [count_files([tmp_path / path for path in paths]) for paths in by_session(camera)]
    assert sum(one.pictures for one in counted) == sent
    assert [hole for one in counted for hole in one.where] == []
    assert_in_order(camera.spans)


def by_session(camera) -> list[list]:
    """The files of each connection, in the order of being written."""
    opened = [news for news in camera.told if isinstance(news, Opened)]
    groups = itertools.groupby(opened, key=lambda news: news.session)
    return [[news.recording.path for news in group] for _session, group in groups]


def test_another_picture_size_and_profile_begins_a_segment_with_an_honest_name(camera):
    camera.send(5)
    camera.packets = encode("h264", [picture(None, (640, 360)) for _ in range(FPS)])
    camera._next = 0
    camera.send(5)
    camera.hang_up()
    tracks = [news.recording.track for news in camera.told if isinstance(news, Opened)]
    assert [(track.width, track.height) for track in tracks] == [(320, 180), (640, 360)]
    assert tracks[0].name != tracks[1].name
    assert all(track.name == f"avc1.{track.sps[1:4].hex().upper()}" for track in tracks)
    assert_in_order(camera.spans)


def test_files_of_many_cameras_are_cut_all_over_the_minute():
    cuts = [next_cut(camera_id, NOON) - NOON for camera_id in range(1, 5001)]
    assert min(cuts) >= SHORTEST_SECONDS and max(cuts) < SHORTEST_SECONDS + 60
    in_second = [sum(int(cut % 60) == second for cut in cuts) for second in range(60)]
    assert max(in_second) <= 1.05 * 5000 / 60 + 1
    later = [next_cut(camera_id, NOON + cut) - NOON - cut for camera_id, cut in enumerate(cuts, 1)]
    assert later == pytest.approx([60.0] * 5000)


def test_a_camera_is_cut_at_its_own_second_whenever_it_began():
    begun = [datetime.fromtimestamp(NOON, UTC) + timedelta(seconds=n * 7.3) for n in range(20)]
    assert len({round(next_cut(7, at.timestamp()) % 60, 3) for at in begun}) == 1


@pytest.mark.parametrize("read", [Network().open, ForeignStream], ids=["own", "libav"])
@pytest.mark.parametrize(("path", "is_sent"), [("/cam/1", True), ("/bad/silent", False)])
def test_a_camera_sends_its_date_in_sender_reports(street, read, path, is_sent):
    source = read(street(path), 6, 5)
    with closing(source):
        shot = next(shot for shot in source if shot.date or not is_sent)
    assert (shot.date is not None) == is_sent
    assert shot.date is None or abs(shot.date - time.time()) < 2
