"""The MP4 that is written around recorded pictures, as other people's readers see it."""

import itertools
from datetime import UTC, datetime, timedelta

import av
import pytest

from apps.video.fmp4 import Sample, fragments
from apps.video.joining import Strip, join
from apps.video.joining import _write as really_write
from apps.video.recording import Recording
from tests.video.filming import STEP, encode, picture, samples_of

START = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def filmed():
    return samples_of(encode("h264", [picture(None, (160, 90))] * 30))


def recorded(root, filmed, camera: int, started: datetime, *, per_fragment=15, offsets=(0,)):
    """A file of two seconds, all of it wanted. `offsets`: from decoding to showing, in turn."""
    track, samples = filmed
    recording = Recording(root, camera, track, started.timestamp(), 0)
    moved = [
        Sample(s.data, s.at, s.duration, s.key, o) for s, o in zip(samples, itertools.cycle(offsets), strict=False)
    ]
    for n in range(0, len(moved), per_fragment):
        recording.add(moved[n : n + per_fragment])
    recording.close()
    file = root / recording.path
    with file.open("rb") as opened:
        return Strip(file, recording.started_at, list(fragments(opened.fileno())))


def joined(strips, tmp_path, start: float, end: float):
    target = tmp_path / "joined.mp4"
    at = [START + timedelta(seconds=s) for s in (start, end)]
    done = join(strips, target, starts_at=at[0], ends_at=at[1], size=(160, 90), number="7", touch=lambda _=None: None)
    assert done.bytes == target.stat().st_size
    with av.open(str(target)) as container:
        assert container.metadata["comment"] == "7"
        return [packet for packet in container.demux(video=0) if packet.size]


def seconds(packets) -> list[float]:
    return [round(float(packet.pts * packet.time_base), 4) for packet in packets]


@pytest.mark.parametrize("per_fragment", [1, 4, 7, 15, 30])
def test_fragments_of_any_length(tmp_path, filmed, per_fragment):
    strip = recorded(tmp_path, filmed, 1, START, per_fragment=per_fragment)
    packets = joined([strip], tmp_path, 0, 2)
    assert seconds(packets) == [round(n / 15, 4) for n in range(30)]
    assert [bytes(packet) for packet in packets] == [sample.data for sample in filmed[1]]
    assert [packet.is_keyframe for packet in packets] == [sample.key for sample in filmed[1]]


def test_pictures_shown_in_another_order_than_they_are_decoded(tmp_path, filmed):
    strip = recorded(tmp_path, filmed, 2, START, offsets=(STEP, 3 * STEP, 0))
    shown = [packet.pts for packet in joined([strip], tmp_path, 0, 2)]
    expected = [n * STEP + offset for n, offset in zip(range(30), itertools.cycle((STEP, 3 * STEP, 0)), strict=False)]
    assert [pts - shown[0] for pts in shown] == [at - expected[0] for at in expected]


def test_recordings_that_overlap_by_jitter_never_turn_time_back(tmp_path, filmed):
    strips = [recorded(tmp_path, filmed, 3, START + timedelta(seconds=s)) for s in (0, 1.95)]
    packets = joined(strips, tmp_path, 0, 4)
    assert len(packets) == 60
    assert all(after.dts > before.dts for before, after in itertools.pairwise(packets))


def test_a_hole_stays_a_hole(tmp_path, filmed):
    strips = [recorded(tmp_path, filmed, 4, START + timedelta(seconds=s)) for s in (0, 10)]
    assert seconds(joined(strips, tmp_path, 0, 12))[30] == 10.0


def test_a_recording_cut_short_meanwhile_is_an_error(tmp_path, filmed, monkeypatch):
    strip = recorded(tmp_path, filmed, 5, START)
    monkeypatch.setattr("apps.video.joining._write", lambda *a: strip.file.write_bytes(b"") or really_write(*a))
    with pytest.raises(OSError, match="shorter"):
        joined([strip], tmp_path, 0, 2)
