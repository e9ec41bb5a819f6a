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
from apps.video import live, playback, reasons
from apps.video.converting import _free_slot, convert
from apps.video.fmp4 import Sample, fragment_head, init_segment, samples_in
from apps.video.nal import H265
from apps.video.reasons import NotAvailable
from apps.video.transcoder import CONFIG, DELTA, HEADER, INIT, KEY, Transcoder
from tests.video.conftest import delivers
from tests.video.filming import encode, film, picture, samples_of, shown
from tests.waiting import PATIENCE, until

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


@pytest.mark.django_db
def test_a_piece_of_a_recording_comes_out_at_its_own_times(roots, camera, tmp_path):
    started = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)
    segment = film(roots, camera, started, 6, size=(320, 180), codec=H265, first=5_000_000)
    _first, second = playback.pieces(segment)
    mime, body = convert(segment, range(second.start, second.start + second.size))
    assert mime.startswith('video/mp4; codecs="avc1.')
    (tmp_path / "piece.mp4").write_bytes(body)
    assert shown(tmp_path / "piece.mp4") == [round(started.timestamp() * 1000 + n * 1000 / 15) for n in range(60, 90)]
    times = [at for fragment in fragments_of(body) for at in fragment]
    assert (times[0], len(times)) == (5_000_000 + 4 * 90_000, 30)


def fragments_of(body: bytes) -> list[list[int]]:
    """The times of the pictures, fragment by fragment."""
    found, at = [], body.index(b"moof") - 4
    while at < len(body):
        end = at + int.from_bytes(body[at : at + 4], "big")
        end += int.from_bytes(body[end : end + 4], "big")
        found.append([one.at for one in samples_in(body[at:end])])
        at = end
    return found


@pytest.mark.django_db
def test_a_recording_that_cannot_be_read_says_so(roots, camera):
    segment = film(roots, camera, datetime(2026, 3, 8, 9, 30, tzinfo=UTC), 1, size=(320, 180), codec=H265)
    with pytest.raises(NotAvailable) as trouble:
        convert(segment, range(segment.bytes, segment.bytes + 10))
    assert trouble.value.reason == reasons.NOT_CONVERTED
    roots.CONVERSIONS_AT_ONCE = 0
    with pytest.raises(NotAvailable) as trouble:
        convert(segment, range(segment.init_bytes, segment.bytes))
    assert trouble.value.reason == reasons.TOO_MANY_CONVERTED
    segment.file.unlink()
    with pytest.raises(FileNotFoundError):
        convert(segment, range(segment.init_bytes, segment.bytes))


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
    await sync_to_async(until)(lambda: all(map(delivers, (camera, other, plain))))
    views = [live.watch(camera.pk, converted=True) for _ in range(2)]
    for view in views:
        mime = await asyncio.wait_for(anext(view), PATIENCE)
        assert "avc1" in json.loads(mime)["mime"]
        assert (await anext(view))[4:8] == b"ftyp"
        assert (await anext(view))[4:8] == b"moof"
    with pytest.raises(NotAvailable) as refused:
        await asyncio.wait_for(anext(live.watch(other.pk, converted=True)), PATIENCE)
    assert refused.value.reason == reasons.TOO_MANY_CONVERTED
    # What is H.264 already needs no conversion.
    as_it_is = live.watch(plain.pk, converted=True)
    assert "avc1" in json.loads(await asyncio.wait_for(anext(as_it_is), PATIENCE))["mime"]
    original = live.watch(camera.pk)
    assert "hvc1" in json.loads(await anext(original))["mime"]
    for view in (*views, as_it_is, original):
        await view.aclose()
    await ended()
    again = live.watch(other.pk, converted=True)
    assert "avc1" in json.loads(await asyncio.wait_for(anext(again), PATIENCE))["mime"]
    await again.aclose()
    await ended()


async def ended() -> None:
    """All that ran for the views has stopped."""
    until_ = time.monotonic() + PATIENCE
    mine = asyncio.current_task()
    while others := [task for task in asyncio.all_tasks() if task is not mine and "live line" in task.get_name()]:
        assert time.monotonic() < until_
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait(others, timeout=0.1)
