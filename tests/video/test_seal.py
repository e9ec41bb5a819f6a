"""The seal in a clip's file, read from files that anybody may have made."""

import hashlib
import json
import struct
import time
import uuid

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.video.fmp4 import box
from apps.video.seal import HEAD, LARGEST_SEAL, MOST_NUMBERS, TYPE, Reading, sealed

VIDEO = box(b"ftyp", b"isom") + box(b"mdat", bytes(range(256)) * 40)
SIGNED = {"clip": "7", "signature": "x"}


def read(data: bytes, piece: int = 1000):
    reading = Reading()
    for at in range(0, len(data), piece):
        reading.feed(data[at : at + piece])
    return reading.finish()


@pytest.mark.parametrize("piece", [1, 7, 31, 32, 33, 1000, 10**6])
def test_a_sealed_file_in_pieces_of_any_size(piece):
    data = VIDEO + sealed(SIGNED)
    evidence = read(data, piece)
    assert evidence.sha256 == hashlib.sha256(data).hexdigest()
    assert evidence.content == hashlib.sha256(VIDEO).hexdigest()
    assert evidence.seal == SIGNED


@pytest.mark.parametrize("more", [b"\0", bytes(20), box(b"free", b""), box(b"free", bytes(100)), VIDEO])
def test_a_seal_that_does_not_end_the_file_vouches_for_nothing(more):
    evidence = read(VIDEO + sealed(SIGNED) + more)
    assert (evidence.content, evidence.seal) == ("", SIGNED)


def test_a_torn_seal_is_none():
    evidence = read((VIDEO + sealed(SIGNED))[:-3])
    assert (evidence.content, evidence.seal) == ("", {})


def test_a_seal_is_found_though_the_boxes_before_it_lead_elsewhere():
    broken = bytearray(VIDEO + sealed(SIGNED))
    broken[3] = 0  # the first box now reaches to the end
    evidence = read(bytes(broken))
    assert (evidence.content, evidence.seal) == ("", SIGNED)


def test_the_last_of_two_seals_counts():
    first = VIDEO + sealed(SIGNED)
    evidence = read(first + sealed({"clip": "8"}))
    assert evidence.seal == {"clip": "8"}
    assert evidence.content == hashlib.sha256(first).hexdigest()


def test_large_boxes_and_one_to_the_end():
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 100) + bytes(100)
    assert read(large + sealed(SIGNED)).content == hashlib.sha256(large).hexdigest()
    assert read(struct.pack(">I4s", 0, b"mdat") + bytes(100) + sealed(SIGNED)).content == ""


def test_small_boxes_before_the_seal():
    small = box(b"free", b"") * 5 + box(b"skip", bytes(9))
    assert read(small + sealed(SIGNED), 5).content == hashlib.sha256(small).hexdigest()


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'"x"', b"1" * 5000])
def test_a_seal_of_nonsense(text):
    assert read(VIDEO + box(b"uuid", TYPE, text)).seal == {}


def test_too_large_a_seal_is_no_seal():
    assert read(VIDEO + box(b"uuid", TYPE, bytes(LARGEST_SEAL))).seal == {}


def test_numbers_at_both_ends_and_no_more_than_wanted():
    ids = [str(uuid.uuid4()) for _ in range(MOST_NUMBERS + 5)]
    data = ids[0].encode() + bytes(600_000) + ids[1].encode()
    assert read(data).numbers == (ids[0], ids[1])
    assert len(read("".join(ids).encode()).numbers) == MOST_NUMBERS


@given(st.binary(max_size=400), st.integers(1, 80))
@settings(max_examples=200, deadline=None)
def test_whatever_bytes_come_the_fingerprint_is_right(data, piece):
    assert read(data, piece).sha256 == hashlib.sha256(data).hexdigest()


@pytest.mark.slow
def test_a_file_of_the_smallest_boxes_takes_no_longer_than_its_bytes():
    data = struct.pack(">I4s", 8, b"free") * 4_000_000
    began = time.process_time()
    read(data, 1 << 20)
    assert time.process_time() - began < 3


def test_a_seal_survives_json_of_any_letters():
    document = {"camera": "정문 \u2028 \"'<>", "n": [1, {"a": None}]}
    assert read(VIDEO + sealed(document)).seal == json.loads(json.dumps(document))
    assert HEAD == 32
