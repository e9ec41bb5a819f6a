"""Cameras as they are in the field, all at once: each must end where it should, and none may touch another."""

import hashlib
import itertools
import threading
from pathlib import Path

import av
import pytest

from apps.showroom.virtual import clock
from apps.video import reasons
from apps.video.channel import Channel
from apps.video.feed import Closed, Feed, Opened, Status, why
from tests.video.filming import shown
from tests.waiting import until

pytestmark = pytest.mark.slow
PICTURES = 75
SMALL, LARGE = (640, 360), (1280, 720)
PATHS = {
    "good": "/cam/1",
    "twin": "/cam/1",
    "other": "/cam/2",
    "hang": "/bad/hang",
    "noise": "/bad/noise",
    "refuse": "/bad/refuse",
    "stall": "/bad/stall/3",
    "nokey": "/bad/nokey",
    "h265": "/bad/h265",
    "audio": "/bad/audio",
    "udp": "/bad/udp",
    "flap": "/bad/flap/3",
    "resize": "/bad/resize/8",
    "recode": "/bad/recode/3",
    "wrap": "/bad/wrap",
    "unknown": "/nothing/here",
}

AWAITED = {
    "flap": ("caution", reasons.UNSTABLE),
    "stall": ("serious", reasons.STALLED),
    "resize": ("normal", ""),
    "recode": ("caution", reasons.H265),
}


class Counting(Channel):
    pictures = 0

    def publish(self, *args):
        self.pictures += 1
        super().publish(*args)


class Watched:
    """A feed with everything it told."""

    def __init__(self, number: int, url: str, root: Path):
        self.told = []
        self.channel = Counting(lambda *_: None)
        self.feed = Feed(number, url, root=root, channel=self.channel, tell=self.told.append)
        self.root = root

    def of(self, kind):
        return [news for news in self.told if isinstance(news, kind)]

    @property
    def statuses(self):
        return [(news.status, news.reason) for news in self.of(Status)]

    def has_shown(self, status: tuple[str, str] | None) -> bool:
        """Enough is seen: `status` and a second segment, or many pictures, or why there are none."""
        if status:
            return status in self.statuses and len(self.of(Opened)) > 1
        return self.channel.pictures >= PICTURES or (not self.files and bool(self.statuses))

    @property
    def files(self):
        return [self.root / news.recording.path for news in self.of(Opened)]


@pytest.fixture(scope="module")
def crowd(street, tmp_path_factory):
    root = tmp_path_factory.mktemp("video")
    addresses = {name: street(path) for name, path in PATHS.items()}
    addresses |= {"closed": "rtsp://127.0.0.1:1/x", "web": "http://127.0.0.1/x", "file": "/etc/passwd"}
    crowd = {name: Watched(n, url, root) for n, (name, url) in enumerate(addresses.items(), 1)}
    for one in crowd.values():
        one.feed.start()
    until(
        lambda: all(one.has_shown(AWAITED.get(name)) for name, one in crowd.items()),
        "every camera has shown what it does",
        within=120,
    )
    for one in crowd.values():
        one.feed.stop()
    assert all(one.feed.join(30) for one in crowd.values())
    return crowd


@pytest.mark.parametrize("name", ["good", "twin", "other", "audio"])
def test_a_good_camera_is_untouched_by_its_neighbours(crowd, name):
    one = crowd[name]
    assert one.statuses == [("normal", "")]
    assert len(one.files) == 1
    with av.open(str(one.files[0])) as container:
        assert [stream.type for stream in container.streams] == ["video"]
        frames = [(frame.pts / 90, clock.read(frame.to_ndarray(format="gray"))) for frame in container.decode(video=0)]
    assert len(frames) > 45
    # The recorded time of each picture is the time it shows, however the street's own pace varies.
    origin = frames[0][1] - frames[0][0]
    assert all(abs(seen - at - origin) < 500 for at, seen in frames)


def test_no_picture_is_lost(crowd):
    """Two readers of one camera have the same pictures between the first and the last they share."""
    mine, twins = shown(crowd["good"].files[0]), shown(crowd["twin"].files[0])
    start, end = max(mine[0], twins[0]), min(mine[-1], twins[-1])
    common = [at for at in mine if start <= at <= end]
    assert len(common) > 30
    assert common == [at for at in twins if start <= at <= end]


def test_recorded_pictures_show_the_time_they_are_filed_under(crowd):
    one = crowd["good"]
    first = one.of(Opened)[0].recording
    seen = shown(one.files[0])
    assert abs(seen[0] / 1000 - first.started) < 0.5
    assert abs(seen[-1] / 1000 - one.of(Closed)[0].ended) < 0.5


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("hang", reasons.NO_ANSWER),
        ("noise", reasons.GARBAGE),
        ("refuse", reasons.NO_SUCH_STREAM),
        ("unknown", reasons.NO_SUCH_STREAM),
        ("closed", reasons.REFUSED),
        ("nokey", reasons.NO_KEYFRAME),
        ("web", reasons.NOT_RTSP),
        ("file", reasons.NOT_RTSP),
    ],
)
def test_a_camera_without_video_says_why_and_leaves_no_file(crowd, name, reason):
    one = crowd[name]
    assert set(one.statuses) == {("serious", reason)}
    assert one.files == []


def test_a_stalled_camera_is_told_and_comes_back(crowd):
    statuses = crowd["stall"].statuses
    assert {("normal", ""), ("serious", reasons.STALLED)} <= set(statuses)
    assert len(crowd["stall"].files) >= 2


def test_h265_is_recorded_and_flagged(crowd):
    one = crowd["h265"]
    assert set(one.statuses) == {("caution", reasons.H265)}
    assert one.of(Opened)[0].recording.track.name.startswith("hvc1.")
    assert len(shown(one.files[0])) > 45


def test_a_camera_that_our_reader_does_not_understand_is_read_by_libav(crowd):
    one = crowd["udp"]
    assert one.statuses == [("normal", "")]
    assert len(shown(one.files[0])) > 45


def test_a_camera_that_keeps_breaking_off_is_called_unstable(crowd):
    assert ("caution", reasons.UNSTABLE) in crowd["flap"].statuses


def test_a_new_picture_size_begins_a_new_segment(crowd):
    one = crowd["resize"]
    sizes = [(news.recording.track.width, news.recording.track.height) for news in one.of(Opened)]
    assert sizes == [SMALL, LARGE]
    for (width, height), file in zip(sizes, one.files, strict=True):
        with av.open(str(file)) as container:
            found = {(frame.width, frame.height) for frame in container.decode(video=0)}
        assert found == {(width, height)}


def test_a_new_codec_within_a_connection_begins_a_new_segment_with_an_honest_name(crowd):
    """What comes is no longer what was announced: no picture of it is taken for one, and the camera is asked anew."""
    one = crowd["recode"]
    assert ("serious", reasons.STALLED) in one.statuses
    before, after = (news.recording.track.name for news in one.of(Opened))
    assert (before[:5], after[:5]) == ("avc1.", "hvc1.")
    for name, file in zip(("h264", "hevc"), one.files, strict=True):
        with av.open(str(file)) as container:
            assert container.streams.video[0].codec_context.name == name
        assert None not in shown(file)


def test_no_camera_has_two_pictures_for_one_moment(crowd):
    for one in crowd.values():
        spans = [(news.recording.started, news.ended) for news in one.of(Closed)]
        assert all(start < end for start, end in spans)
        # Kept to the millisecond, both rounded down.
        assert all(end < start + 0.001 for (_, end), (start, _) in itertools.pairwise(spans))


def test_the_fingerprint_told_is_the_files(crowd):
    for one in crowd.values():
        for news in one.of(Closed):
            data = (one.root / news.recording.path).read_bytes()
            assert (news.recording.size, news.recording.sha256) == (len(data), hashlib.sha256(data).hexdigest())


def test_wrapped_timestamps_leave_no_seam(crowd):
    one = crowd["wrap"]
    assert one.statuses == [("normal", "")]
    with av.open(str(one.files[0])) as container:
        times = [frame.pts for frame in container.decode(video=0)]
    steps = [later - before for before, later in itertools.pairwise(times)]
    assert len(times) > 45
    # Where the street itself falls behind it leaves pictures out; a seam would be of hours.
    assert min(steps) > 0 and max(steps) < 450_000


def test_every_thread_is_gone(crowd):
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("camera-")]


def test_an_unwritable_disk_is_critical_and_live_goes_on(street, tmp_path):
    root = tmp_path / "video"
    root.write_text("in the way of the folder")
    one = Watched(1, street("/cam/1"), root)
    one.feed.start()
    until(lambda: one.told, "told")
    live = until(one.channel.newest_key, "live")
    one.feed.stop()
    assert one.feed.join(30)
    assert set(one.statuses) == {("critical", reasons.STORAGE)}
    assert live


@pytest.mark.parametrize(
    ("error", "connected", "reason"),
    [
        (TimeoutError(), False, reasons.NO_ANSWER),
        (TimeoutError(), True, reasons.STALLED),
        (ConnectionResetError(), True, reasons.ENDED),
        (OSError(113, "no route"), False, reasons.UNREACHABLE),
    ],
)
def test_errors_become_reasons(error, connected, reason):
    assert why(error, connected=connected) == reason
