"""The page's reader of live fragments understands what our server writes, and nothing else."""

import random

import pytest

from apps.video.fmp4 import fragment_head, init_segment, taken_box
from apps.video.nal import H264, H265
from tests.console.test_scripts import reckon
from tests.video.filming import encode, picture, samples_of

pytestmark = pytest.mark.slow
TAKEN_AT = 1_795_244_400.125
READ = """return given.all.map((row) => {
  const found = m.readFragment(Uint8Array.from(row).buffer);
  return found && { ...found, bytes: found.bytes.byteLength, data: [...found.data] };
});"""
DESCRIBE = (
    "return given.all.map((row) => { const c = m.configurationOf(Uint8Array.from(row).buffer); return c && [...c]; });"
)


@pytest.fixture(scope="module")
def filmed():
    return samples_of(encode(H264, [picture(None, (320, 180))] * 2), first=2**40)


def fragment(samples) -> bytes:
    head, data = fragment_head(7, samples), b"".join(sample.data for sample in samples)
    return head + data + taken_box(TAKEN_AT)


def test_one_picture_and_when_it_was_taken(filmed):
    _track, samples = filmed
    samples[1].offset = -3000
    key, delta = reckon("fragment", READ, all=[list(fragment([sample])) for sample in samples])
    assert (key["key"], delta["key"]) == (True, False)
    assert [key["takenAt"], delta["takenAt"]] == pytest.approx([TAKEN_AT * 1000] * 2, abs=0.01)
    assert key["at"] == pytest.approx(2**40 / 90_000)
    assert delta["at"] == pytest.approx((2**40 + 3000) / 90_000)
    assert bytes(delta["data"]) == samples[1].data


def test_what_a_decoder_is_set_up_with(filmed):
    h265, _samples = samples_of(encode(H265, [picture(None, (320, 180))]), H265)
    tracks = [filmed[0], h265]
    found = reckon("fragment", DESCRIBE, all=[list(init_segment(track)) for track in tracks])
    assert [bytes(each) for each in found] == [track.configuration() for track in tracks]


def test_anything_else_is_nothing(filmed):
    whole = fragment(filmed[1][:1])
    noise = random.Random(7)
    others = [
        b"",
        bytes(200),
        whole[:112],
        whole[:-32],
        b"\xff" * 300,
        fragment(filmed[1]),  # two pictures in one
        noise.randbytes(400),
    ]
    assert reckon("fragment", READ, all=[list(each) for each in others]) == [None] * len(others)
    setups = [b"", b"avcC", bytes(8) + b"\xff\xff\xff\xffavcC" + bytes(20), bytes(8) + b"\0\0\0\x04avcC" + bytes(20)]
    assert reckon("fragment", DESCRIBE, all=[list(each) for each in setups]) == [None] * len(setups)
