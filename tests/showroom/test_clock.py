import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.showroom.virtual import clock
from apps.showroom.virtual.encoder import Encoder
from apps.showroom.virtual.scene import Scene


@given(st.integers(0, 2**48 - 1))
def test_every_time_survives_its_cells(ms):
    assert clock.decode(clock.encode(ms)) == ms


@given(st.integers(0, 2**48 - 1), st.integers(0, clock.CELLS - 1))
def test_one_wrong_cell_is_noticed(ms, cell):
    bits = clock.encode(ms)
    bits[cell] ^= 1
    assert clock.decode(bits) is None


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (704, 480)])
def test_drawn_strip_reads_back(size):
    luma = np.full(size[::-1], 120, np.uint8)
    clock.draw(luma, 1_790_000_000_123)
    assert clock.read(luma) == 1_790_000_000_123


def test_strip_without_a_time_reads_as_none():
    luma = np.full((360, 640), 120, np.uint8)
    assert clock.read(luma) is None
    clock.draw(luma, None)
    assert clock.read(luma) is None


@pytest.mark.slow
def test_strip_survives_the_encoder_and_scaling_down():
    import av

    scene, encoder = Scene(3, daylight=14.0), Encoder(640, 360, 15)
    decoder = av.CodecContext.create("h264", "r")
    read = []
    for i in range(20):
        at = 1_790_000_000 + i / 15
        unit = encoder.encode(scene.frame(at), key=i == 0, at=at)
        data = b"".join(b"\0\0\0\1" + nal for nal in unit.nals)
        for frame in decoder.decode(av.Packet(data)):
            small = frame.reformat(width=480, height=270).to_ndarray(format="rgb24")
            read.append((clock.read(frame.to_ndarray(format="gray")), clock.read(small)))
    assert len(read) >= 18
    assert [one for one, _ in read] == [round((1_790_000_000 + i / 15) * 1000) for i in range(len(read))]
    assert all(small == full for full, small in read)
