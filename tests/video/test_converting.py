"""Live pictures of an H.265 camera for a browser that plays H.264 only."""

import asyncio
import contextlib
import io
import json
import os
import time
from datetime import UTC, datetime

import av
import pytest
from asgiref.sync import sync_to_async

from apps.showroom.virtual import clock
from apps.video import live, reasons
from apps.video.converting import _free_slot
from apps.video.fmp4 import Sample, fragment_head, init_segment
from apps.video.nal import H265
from apps.video.reasons import NotAvailable
from apps.video.transcoder import CONFIG, DELTA, HEADER, INIT, KEY, Transcoder
from tests.video.conftest import delivers, until
from tests.video.filming import encode, picture, samples_of

pytestmark = pytest.mark.slow


def said(out: bytes) -> list[tuple[bytes, bytes, float]]:
    found, at = [], 0
    while at < len(out):
        kind, length, taken_at = HEADER.unpack_from(out, at)
        found.append((kind, out[at + HEADER.size : at + HEADER.size + length], taken_at))
        at += HEADER.size + length
    return found


def converted(size=(640, 360), count=30, damage=()) -> list[tuple[bytes, bytes, float]]:
    packets = encode(H265, [picture(datetime.fromtimestamp(1000 + n, UTC), size) for n in range(count)])
    track, samples = samples_of(packets, H265, first=7_000_000)
    out = io.BytesIO()
    transcoder = Transcoder(out)
    transcoder.hear(INIT, init_segment(track), 0)
    for n, one in enumerate(samples):
        data = b"\xff" * 50 if n in damage else one.data
        one = Sample(data, one.at, one.duration, one.key)
        transcoder.hear(KEY if one.key else DELTA, fragment_head(n, [one]) + data, 1000.0 + n)
    return said(out.getvalue())


def test_every_picture_comes_out_with_its_time(tmp_path):
    config, init, *fragments = converted()
    assert config[0] == CONFIG and json.loads(config[1])["mime"].startswith('video/mp4; codecs="avc1.')
    assert [taken_at for *_, taken_at in fragments] == [1000.0 + n for n in range(30)]
    assert fragments[0][0] == KEY
    file = tmp_path / "out.mp4"
    file.write_bytes(init[1] + b"".join(payload for _kind, payload, _at in fragments))
    with av.open(str(file)) as container:
        shown = [clock.read(frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    assert shown == [(1000 + n) * 1000 for n in range(30)]


def test_large_pictures_come_out_smaller():
    _config, init, *_ = converted(size=(1920, 1080), count=2)
    with av.open(io.BytesIO(init[1])) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.width, stream.codec_context.height) == (1280, 720)


def test_a_broken_picture_does_not_end_it():
    assert converted(damage={3, 4})[-1][2] == 1029.0


def test_no_more_at_once_than_the_setting_says(settings, tmp_path):
    settings.VAR_DIR, settings.CONVERSIONS_AT_ONCE = tmp_path, 2
    one, two = _free_slot(), _free_slot()
    with pytest.raises(NotAvailable) as refused:
        _free_slot()
    assert refused.value.reason == reasons.TOO_MANY_CONVERTED
    os.close(one)
    os.close(two)
    os.close(_free_slot())


@pytest.mark.usefixtures("database_thread")
@pytest.mark.django_db(transaction=True)
async def test_viewers_of_one_camera_share_one_conversion_and_end_it(start_recorder, make_streaming, roots):
    roots.CONVERSIONS_AT_ONCE = 1
    camera = await sync_to_async(make_streaming)("/bad/h265")
    other = await sync_to_async(make_streaming)("/bad/h265")
    plain = await sync_to_async(make_streaming)("/cam/1")
    await sync_to_async(start_recorder)()
    await sync_to_async(until)(lambda: all(map(delivers, (camera, other, plain))), 20)
    views = [live.watch(camera.pk, converted=True) for _ in range(2)]
    for view in views:
        mime = await asyncio.wait_for(anext(view), 10)
        assert "avc1" in json.loads(mime)["mime"]
        assert (await anext(view))[4:8] == b"ftyp"
        assert (await anext(view))[4:8] == b"moof"
    with pytest.raises(NotAvailable) as refused:
        await asyncio.wait_for(anext(live.watch(other.pk, converted=True)), 5)
    assert refused.value.reason == reasons.TOO_MANY_CONVERTED
    # What is H.264 already needs no conversion.
    as_it_is = live.watch(plain.pk, converted=True)
    assert "avc1" in json.loads(await asyncio.wait_for(anext(as_it_is), 5))["mime"]
    original = live.watch(camera.pk)
    assert "hvc1" in json.loads(await anext(original))["mime"]
    for view in (*views, as_it_is, original):
        await view.aclose()
    await ended()
    again = live.watch(other.pk, converted=True)
    assert "avc1" in json.loads(await asyncio.wait_for(anext(again), 10))["mime"]
    await again.aclose()
    await ended()


async def ended() -> None:
    """All that ran for the views has stopped."""
    until_ = time.monotonic() + 5
    mine = asyncio.current_task()
    while others := [task for task in asyncio.all_tasks() if task is not mine and "live line" in task.get_name()]:
        assert time.monotonic() < until_
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait(others, timeout=0.1)
