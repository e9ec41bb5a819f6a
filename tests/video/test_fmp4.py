import os
import subprocess

import av
import pytest

from apps.video.fmp4 import (
    configuration_of,
    decode_time,
    fragment_head,
    fragments,
    init_segment,
    moved,
    samples_in,
)
from apps.video.nal import H264, H265, BadStream
from tests.video.filming import STEP, encode, picture, samples_of


@pytest.fixture(scope="module", params=[H264, H265])
def filmed(request, tmp_path_factory):
    """A file of 45 pictures in 3 fragments, with its track."""
    track, samples = samples_of(encode(request.param, [picture(None)] * 45), request.param)
    file = tmp_path_factory.mktemp("film") / "film.mp4"
    parts = [samples[n : n + 15] for n in range(0, 45, 15)]
    blocks = [fragment_head(n, part) + b"".join(s.data for s in part) for n, part in enumerate(parts)]
    file.write_bytes(init_segment(track, created=1_700_000_000) + b"".join(blocks))
    return file, track


@pytest.fixture
def fd(filmed):
    number = os.open(filmed[0], os.O_RDONLY)
    yield number
    os.close(number)


@pytest.mark.slow
def test_players_find_every_picture_and_nothing_to_complain_of(filmed):
    show = ["-show_entries", "stream=nb_read_frames,width,height", "-of", "csv=p=0"]
    said = subprocess.run(
        ["ffprobe", "-v", "warning", "-count_frames", *show, filmed[0]], capture_output=True, text=True, check=True
    )
    assert (said.stdout.strip(), said.stderr) == ("640,360,45", "")


def test_picture_times_grow_evenly(filmed):
    with av.open(str(filmed[0])) as container:
        times = [packet.pts for packet in container.demux(video=0) if packet.size]
    assert times == [n * STEP for n in range(45)]


def test_fragments_are_found_again(fd):
    found = list(fragments(fd))
    assert [(f.at, f.duration, f.samples, f.key) for f in found] == [
        (n * 15 * STEP, 15 * STEP, 15, True) for n in range(3)
    ]
    assert found[-1].end == os.fstat(fd).st_size


@pytest.mark.parametrize("lost", [1, 7, 200, 1000])
def test_a_torn_fragment_is_not_found(filmed, tmp_path, lost):
    torn = tmp_path / "torn.mp4"
    torn.write_bytes(filmed[0].read_bytes()[:-lost])
    with torn.open("rb") as file:
        assert len(list(fragments(file.fileno()))) == 2


@pytest.mark.parametrize("text", [b"", b"\0" * 4000, b"not a film" * 100])
def test_what_is_no_recording_is_refused(tmp_path, text):
    file = tmp_path / "x.mp4"
    file.write_bytes(text)
    with file.open("rb") as opened, pytest.raises(BadStream):
        list(fragments(opened.fileno()))


def test_zeros_after_a_power_cut_end_the_recording(filmed, tmp_path):
    torn = tmp_path / "zeros.mp4"
    torn.write_bytes(filmed[0].read_bytes() + b"\0" * 5000)
    with torn.open("rb") as file:
        assert len(list(fragments(file.fileno()))) == 3


def test_the_decoder_gets_its_configuration_back(filmed):
    file, track = filmed
    assert configuration_of(file.read_bytes()[:2000])[1] == track.configuration()


def test_a_moved_fragment_differs_in_its_time_alone():
    _track, samples = samples_of(encode(H264, [picture(None)]), first=5000)
    fragment = fragment_head(1, samples) + samples[0].data
    later = moved(fragment, -4000)
    assert (decode_time(fragment), decode_time(later)) == (5000, 1000)
    assert later[:60] + later[68:] == fragment[:60] + fragment[68:]
    assert next(samples_in(later)).key
