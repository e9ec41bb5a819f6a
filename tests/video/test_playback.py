import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from apps.video import playback
from apps.video.models import Segment
from apps.video.nal import H265
from apps.video.playback import bytes_of, playlist
from tests.video.filming import film

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
START = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def play(text: str, tmp_path) -> int:
    """Pictures a player finds."""
    file = tmp_path / "list.m3u8"
    file.write_text(text)
    allow = ["-allowed_extensions", "ALL", "-protocol_whitelist", "file"]
    show = ["-count_frames", "-show_entries", "stream=nb_read_frames", "-of", "csv=p=0"]
    said = subprocess.run(["ffprobe", "-v", "error", *allow, *show, file], capture_output=True, text=True, check=True)
    return int(said.stdout.split()[0].strip(","))


def local(segment) -> str:
    return str(segment.file)


@pytest.fixture
def two(roots, camera):
    """Ten seconds in two segments of one session."""
    first = film(roots, camera, START, 6)
    return first, film(roots, camera, after(6), 4, first=6 * 90_000)


def test_a_player_finds_every_picture(two, camera, tmp_path):
    text = playlist(camera.pk, START, after(10), local)
    assert play(text, tmp_path) == 150
    assert "#EXT-X-DISCONTINUITY" not in text
    assert text.endswith("#EXT-X-ENDLIST\n")


def test_only_the_pieces_asked_for_are_listed(two, camera, tmp_path):
    text = playlist(camera.pk, after(4.5), after(5), local)
    assert play(text, tmp_path) == 30
    assert f"#EXT-X-PROGRAM-DATE-TIME:{after(4):%Y-%m-%dT%H:%M:%S}.000Z" in text


def test_over_hours_a_segment_wanted_whole_is_one_piece_and_no_file_is_read(two, camera, tmp_path, monkeypatch):
    monkeypatch.setattr(playback, "LONG", timedelta(seconds=8))
    text = playlist(camera.pk, START, after(10), local)
    assert text.count("#EXTINF") == 2
    assert play(text, tmp_path) == 150
    assert [list(bytes_of(segment, START, after(10))) for segment in two] == [[range(segment.bytes)] for segment in two]
    two[1].file.rename(tmp_path / "away")
    assert playlist(camera.pk, START, after(10), local) == text


def test_over_hours_the_edges_are_as_fine_as_ever(two, camera, tmp_path, monkeypatch):
    monkeypatch.setattr(playback, "LONG", timedelta(seconds=5))
    text = playlist(camera.pk, after(4.5), after(10), local)
    assert text.count("#EXTINF") == 2
    assert play(text, tmp_path) == 30 + 60


@pytest.mark.parametrize("is_closed", [True, False])
def test_nothing_later_than_the_last_moment_is_listed_or_given(is_closed, roots, camera, tmp_path):
    """Ten seconds in pieces of four, closed or still growing; fragments of a second."""
    segment = film(roots, camera, START, 10)
    if not is_closed:
        Segment.objects.filter(pk=segment.pk).update(ended_at=None, state=Segment.State.RECORDING)
        segment.refresh_from_db()
    for last, seconds in ((6.5, 6), (6, 6), (0.9, 0), (10, 10)):
        times = (START, after(max(last, 1)))
        text = playlist(camera.pk, *times, local, last=after(last))
        assert text.endswith("#EXT-X-ENDLIST\n")
        assert (play(text, tmp_path) if seconds else text.count("#EXTINF")) == seconds * 15
        given = bytes_of(segment, *times, last=after(last))
        assert max((span.stop for span in given), default=0) == listed_bytes(text, segment)
    assert play(playlist(camera.pk, START, after(6), local), tmp_path) == 8 * 15


def listed_bytes(text: str, segment) -> int:
    """Where the last piece of a list ends."""
    named = [tuple(map(int, line.split(":")[1].split("@"))) for line in text.split("\n") if "X-BYTERANGE" in line]
    return max((start + size for size, start in named), default=0)


def test_a_gap_shows(roots, two, camera, tmp_path):
    film(roots, camera, after(20), 2, session=2, first=20 * 90_000)
    text = playlist(camera.pk, START, after(30), local)
    assert text.count("#EXT-X-DISCONTINUITY\n") == 1
    assert f"#EXT-X-PROGRAM-DATE-TIME:{after(20):%Y-%m-%dT%H:%M:%S}.000Z" in text
    assert play(text, tmp_path) == 180


@pytest.mark.parametrize(("change", "name"), [({"size": (1280, 720)}, "avc1"), ({"codec": H265}, "hvc1")])
def test_a_new_picture_size_or_codec_is_a_discontinuity(roots, camera, change, name):
    """Even within one session. What follows it has its own head, in which a player reads the codec."""
    two = [film(roots, camera, START, 1), film(roots, camera, after(1), 1, first=90_000, **change)]
    assert [segment.codec[:4] for segment in two] == ["avc1", name]
    text = playlist(camera.pk, START, after(2), local)
    before, later = text.split("#EXT-X-DISCONTINUITY\n")
    for segment, part in zip(two, (before, later), strict=True):
        assert f'#EXT-X-MAP:URI="{segment.file}",BYTERANGE="{segment.init_bytes}@0"' in part
        assert segment.codec[:4].encode() in segment.file.read_bytes()[: segment.init_bytes]


def test_pieces_are_byte_ranges_of_whole_files(two, camera):
    lines = playlist(camera.pk, START, after(10), lambda s: f"/v/{s.start_ms}").split("\n")
    ranges = [line.removeprefix("#EXT-X-BYTERANGE:").split("@") for line in lines if "BYTERANGE:" in line]
    urls = [line for line in lines if line.startswith("/v/")]
    assert len(ranges) == len(urls) == 3
    for segment in two:
        mine = [r for r, url in zip(ranges, urls, strict=True) if url == f"/v/{segment.start_ms}"]
        assert int(mine[0][1]) == segment.init_bytes
        assert sum(int(size) for size, _ in mine) == segment.bytes - segment.init_bytes


def test_the_growing_segment_is_listed_as_far_as_it_is_whole(two, camera, tmp_path):
    last = two[1]
    Segment.objects.filter(pk=last.pk).update(state="recording", ended_at=None, sha256="")
    with last.file.open("r+b") as file:
        file.truncate(last.bytes - 10)
    assert play(playlist(camera.pk, START, after(60), local), tmp_path) == 135


@pytest.mark.parametrize("begin", [-100, 100])
def test_no_video_is_an_empty_list(two, camera, begin):
    text = playlist(camera.pk, after(begin), after(begin + 20), local)
    assert "#EXTINF" not in text
    assert text.endswith("#EXT-X-ENDLIST\n")


def test_a_file_gone_meanwhile_is_left_out(two, camera, tmp_path):
    two[0].file.unlink()
    assert play(playlist(camera.pk, START, after(10), local), tmp_path) == 60


def test_the_lookup_is_one_query_of_the_index_and_one_of_the_holds(two, camera, django_assert_num_queries):
    with django_assert_num_queries(2):
        playlist(camera.pk, START, after(10), local)
