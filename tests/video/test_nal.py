import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.video.nal import H264, H265, SETS, BadStream, Track, kind, sample, split, track_from
from tests.video.filming import encode, picture


@pytest.fixture(scope="module", params=[H264, H265])
def stream(request):
    return request.param, encode(request.param, [picture(None, (642, 362))] * 3, gop=2)


@pytest.mark.slow
def test_a_track_knows_its_size_despite_cropping(stream):
    codec, packets = stream
    track = track_from(codec, sample(packets[0], codec)[2])
    assert (track.width, track.height) == (642, 362)


def test_a_track_names_its_codec_as_browsers_want_it(stream):
    codec, packets = stream
    name = track_from(codec, sample(packets[0], codec)[2]).name
    assert name.startswith("avc1.42C0" if codec == H264 else "hvc1.1.6.L63.")


def test_keyframes_are_told_from_others(stream):
    codec, packets = stream
    assert [sample(packet, codec)[1] for packet in packets] == [True, False, True]


def test_a_sample_holds_lengths_and_no_parameter_sets(stream):
    codec, packets = stream
    data, _key, _sets = sample(packets[0], codec)
    kinds = []
    while data:
        size = int.from_bytes(data[:4], "big")
        kinds.append(kind(data[4:], codec))
        data = data[4 + size :]
    assert kinds and not set(kinds) & SETS[codec]


def test_units_end_before_the_zero_of_a_long_start_code():
    assert split(b"\0\0\0\1\x67\x01\0\0\0\1\x68\x02\0\0\1\x65\x03\0\0") == [b"\x67\x01", b"\x68\x02", b"\x65\x03"]


def test_known_parameter_sets_change_nothing(stream):
    codec, packets = stream
    sets = sample(packets[0], codec)[2]
    track = track_from(codec, sets)
    assert track.with_sets(sets) is track


def test_a_new_size_is_a_new_track(stream):
    codec, packets = stream
    track = track_from(codec, sample(packets[0], codec)[2])
    larger = sample(encode(codec, [picture(None, (1280, 720))])[0], codec)[2]
    assert (track.with_sets(larger).width, track.width) == (1280, 642)


def test_no_track_before_all_sets_are_there(stream):
    codec, packets = stream
    assert track_from(codec, sample(packets[0], codec)[2][:1]) is None


@given(st.binary(max_size=300), st.sampled_from([H264, H265]))
def test_any_bytes_are_a_sample_or_nothing(data, codec):
    body, _key, sets = sample(data, codec)
    assert len(body) + sum(map(len, sets)) <= len(data) * 2


@given(st.binary(min_size=1, max_size=80), st.sampled_from([H264, H265]))
def test_a_broken_parameter_set_is_refused(noise, codec):
    heads = {H264: (b"\x67", b"\x68"), H265: (b"\x40\x01", b"\x42\x01", b"\x44\x01")}[codec]
    try:
        track = Track(codec, tuple(head + noise for head in heads))
    except BadStream:
        return
    assert 0 < track.width <= 16384
    assert track.configuration() and track.mime
