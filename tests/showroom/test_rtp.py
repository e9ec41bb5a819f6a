import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.showroom.virtual import rtp
from apps.showroom.virtual.encoder import split


def put_together(payloads: list[bytes], head: int) -> bytes:
    """A NAL unit from its fragments; `head` is the length of the NAL header (1: H.264, 2: H.265)."""
    if len(payloads) == 1:
        return payloads[0]
    flags = [payload[head] for payload in payloads]
    assert [bool(flag & 0x80) for flag in flags] == [True] + [False] * (len(flags) - 1)
    assert [bool(flag & 0x40) for flag in flags] == [False] * (len(flags) - 1) + [True]
    first = payloads[0]
    kind = first[head] & (0x1F if head == 1 else 0x3F)
    start = bytes([first[0] & 0xE0 | kind]) if head == 1 else bytes([first[0] & 0x81 | kind << 1, first[1]])
    return start + b"".join(payload[head + 1 :] for payload in payloads)


@pytest.mark.parametrize("size", [2, 1399, 1400, 1401, 2798, 2799, 2800, 40_000])
@pytest.mark.parametrize(("codec", "start"), [("h264", b"\x65"), ("h265", b"\x26\x01")])
def test_fragments_give_the_unit_back(size, codec, start):
    nal = (start + bytes(i % 251 + 1 for i in range(size)))[:size]
    payloads = rtp.PAYLOADS[codec](nal)
    assert all(len(payload) <= rtp.MAX_PAYLOAD for payload in payloads)
    assert put_together(payloads, len(start)) == nal


def test_numbers_run_on_and_wrap_and_the_last_packet_is_marked():
    track = rtp.Track(payload_type=96, rate=90_000, ssrc=7)
    track.sequence = 65_534
    packets = track.packets([b"a", b"b", b"c"], 2.0)
    heads = [struct.unpack("!BBHII", packet[:12]) for packet in packets]
    assert [head[2] for head in heads] == [65_534, 65_535, 0]
    assert [head[1] for head in heads] == [96, 96, 96 | 0x80]
    assert {head[3] for head in heads} == {180_000}


@given(st.floats(1.7e9, 2.0e9))
def test_report_ties_the_timestamp_to_the_wall_clock(now):
    track = rtp.Track(payload_type=96, rate=90_000, ssrc=7, offset=12_345)
    _, kind, _, _, seconds, fraction, stamp = struct.unpack("!BBHIIII", track.report(now)[:20])
    assert kind == 200
    wall = seconds - rtp.NTP_EPOCH + fraction / 2**32
    assert abs(wall - now) < 1e-5
    later = struct.unpack("!I", track.packets([b"x"], now + 1.5)[0][4:8])[0]
    assert ((later - stamp) % 2**32) / 90_000 == pytest.approx(1.5, abs=1e-4)


def test_units_are_split_at_short_and_long_start_codes():
    assert split(b"\0\0\0\1\x67ab\0\0\1\x68c\0\0\0\1\x65d") == [b"\x67ab", b"\x68c", b"\x65d"]
