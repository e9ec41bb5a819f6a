import asyncio
import contextlib
import itertools
import json
import subprocess
import threading
import time

import pytest
from asgiref.sync import sync_to_async

from apps.video import channel as channel_module
from apps.video import live, live_server, reasons, stills, wire
from apps.video.channel import Channel, Config, Frame, Viewer
from apps.video.fmp4 import decode_time, fragment_head, starts_with_key
from apps.video.live_server import LiveServer
from apps.video.reasons import NotAvailable
from tests.cast import make_camera
from tests.video.conftest import delivers, until
from tests.video.filming import encode, picture, samples_of

pytestmark = pytest.mark.slow
CAMERA = 7


async def take(camera_id: int, fragments: int) -> list:
    parts = []
    async for part in live.watch(camera_id):
        parts.append(part)
        if len(parts) == fragments + 2:
            return parts


@pytest.mark.usefixtures("database_thread")
@pytest.mark.django_db(transaction=True)
async def test_many_watch_a_real_camera(start_recorder, make_streaming, tmp_path):
    camera = await sync_to_async(make_streaming)("/cam/1")
    await sync_to_async(start_recorder)()
    await sync_to_async(until)(lambda: delivers(camera))
    began = time.monotonic()
    first = await take(camera.pk, 1)
    assert time.monotonic() - began < 0.5
    mime, init, fragment = first
    assert json.loads(mime)["mime"].startswith('video/mp4; codecs="avc1.')
    assert init[4:8] == b"ftyp"
    assert fragment[4:8] == b"moof" and starts_with_key(fragment) and decode_time(fragment) == 0
    views = await asyncio.gather(*(take(camera.pk, 45) for _ in range(10)))
    for _mime, init, *fragments in views:
        times = [decode_time(fragment) for fragment in fragments]
        assert times == sorted(set(times))
        file = tmp_path / "view.mp4"
        file.write_bytes(init + b"".join(fragments))
    said = subprocess.run(["ffmpeg", "-v", "warning", "-i", file, "-f", "null", "-"], capture_output=True, text=True)
    assert (said.returncode, said.stderr) == (0, "")


@pytest.mark.usefixtures("database_thread")
@pytest.mark.django_db(transaction=True)
async def test_nobody_records_nobody_watches(owner):
    camera = await sync_to_async(make_camera)(owner)
    with pytest.raises(NotAvailable) as refused:
        await take(camera.pk, 1)
    assert refused.value.reason == reasons.NO_RECORDER


class Stage:
    """A live server with one camera played by the test."""

    def __init__(self):
        self.server = LiveServer("127.0.0.1")
        self.server.start()
        self.channel = self.server.open(CAMERA)
        self.track, self.samples = samples_of(encode("h264", [picture(None)] * 60))
        self.channel.begin(self.track)
        self.number = 0

    def publish(self, count: int = 1, *, padding: int = 0, key: bool | None = None):
        for _ in range(count):
            taken = self.samples[self.number % 60]
            taken.at = self.number * 6000
            is_key = taken.key if key is None else key
            head, data = fragment_head(self.number, [taken]), taken.data + bytes(padding)
            self.channel.publish(head, data, is_key, time.time())
            self.number += 1


@pytest.fixture
def stage(monkeypatch):
    stage = Stage()
    for module in (live, stills):
        monkeypatch.setattr(module, "recorder_of", lambda _camera_id: stage.server.address)
    yield stage
    stage.server.stop()


class TestWatching:
    async def test_a_newcomer_gets_the_pictures_since_the_keyframe_at_once(self, stage):
        stage.publish(25)
        parts = await asyncio.wait_for(take(CAMERA, 10), 2)
        assert starts_with_key(parts[2])
        assert [decode_time(part) for part in parts[2:]] == [n * 6000 for n in range(10)]

    async def test_a_new_format_is_announced_and_time_goes_on(self, stage):
        stage.publish(16)
        parts = []
        async for part in live.watch(CAMERA):
            parts.append(part)
            if len(parts) == 3:
                stage.number = 0
                stage.channel.begin(stage.track)
                stage.publish(1)
            if len(parts) == 6:
                break
        kinds = [type(part) is str or part[4:8] for part in parts]
        assert kinds == [True, b"ftyp", b"moof", True, b"ftyp", b"moof"]
        assert (decode_time(parts[2]), decode_time(parts[5])) == (0, 6000)

    async def test_a_slow_viewer_jumps_to_a_keyframe_and_others_see_all(self, stage, monkeypatch):
        monkeypatch.setattr(channel_module, "LAG", 0.3)
        slow, quick = live.watch(CAMERA), live.watch(CAMERA)
        stage.publish(1)
        for _ in range(3):
            await anext(slow)
            await anext(quick)
        seen = []

        async def follow():
            async for part in quick:
                seen.append(part)

        follower = asyncio.create_task(follow())
        for number in range(60):
            stage.publish(1, padding=100_000 + 1000 * number)
            await asyncio.sleep(0.03)
        taken = []
        with contextlib.suppress(TimeoutError):
            while True:
                taken.append(await asyncio.wait_for(anext(slow), 1))
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)
        await quick.aclose()
        assert [decode_time(part) for part in seen] == [n * 6000 for n in range(1, 61)]
        # The slow one lost pictures, went on with a keyframe, and its time line shows no hole.
        numbers = [[len(part) for part in seen].index(len(part)) for part in taken]
        jumps = [b for a, b in itertools.pairwise(numbers) if b != a + 1]
        assert jumps and len(taken) < 60
        assert all(starts_with_key(seen[number]) for number in jumps)
        assert [decode_time(part) for part in taken] == [n * 6000 for n in range(1, len(taken) + 1)]

    async def test_a_lost_camera_ends_the_view_with_its_reason(self, stage, monkeypatch):
        monkeypatch.setattr(live_server, "GRACE", 0.3)
        stage.publish(1)
        view = live.watch(CAMERA)
        for _ in range(3):
            await anext(view)
        stage.channel.down(reasons.STALLED)
        with pytest.raises(NotAvailable) as ended:
            await asyncio.wait_for(anext(view), 3)
        assert ended.value.reason == reasons.STALLED

    async def test_a_camera_that_comes_back_soon_keeps_its_viewers(self, stage):
        stage.publish(1)
        view = live.watch(CAMERA)
        for _ in range(3):
            await anext(view)
        stage.channel.down(reasons.ENDED)
        stage.channel.begin(stage.track)
        stage.number = 0
        stage.publish(1)
        parts = [await asyncio.wait_for(anext(view), 2) for _ in range(3)]
        assert isinstance(parts[0], str) and starts_with_key(parts[2])
        await view.aclose()

    async def test_the_recorders_end_is_told(self, stage):
        stage.publish(1)
        view = live.watch(CAMERA)
        for _ in range(3):
            await anext(view)
        await sync_to_async(stage.server.close)(CAMERA)
        with pytest.raises(NotAvailable) as ended:
            await asyncio.wait_for(anext(view), 3)
        assert ended.value.reason == reasons.RECORDER_GONE

    async def test_a_viewer_that_leaves_costs_nothing_more(self, stage):
        stage.publish(1)
        view = live.watch(CAMERA)
        await anext(view)
        assert len(stage.channel.viewers) == 1
        await view.aclose()
        await sync_to_async(until)(lambda: not stage.channel.viewers, 2)

    async def test_cancelling_a_watch_is_clean(self, stage):
        stage.publish(1)

        async def follow():
            async for _ in live.watch(CAMERA):
                pass

        task = asyncio.create_task(follow())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await sync_to_async(until)(lambda: not stage.channel.viewers, 2)


class TestStrangers:
    async def talk(self, stage, said: bytes) -> bytes:
        host, _, port = stage.server.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readexactly(wire.NONCE_BYTES)
        writer.write(said)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), 8)
        writer.close()
        return answer

    @pytest.mark.parametrize("said", [b"\n", b"GET / HTTP/1.1\r\n\r\n", b"[" * 400 + b"\n", b"x" * 5000, b"{}\n"])
    async def test_who_does_not_know_the_secret_gets_nothing(self, stage, said):
        stage.publish(1)
        assert await self.talk(stage, said) == b""

    async def test_an_answer_to_another_nonce_gets_nothing(self, stage):
        stage.publish(1)
        replayed = wire.wish(wire.nonce(), wire.WATCH, CAMERA)
        assert await self.talk(stage, replayed) == b""

    async def test_a_wish_for_one_camera_does_not_open_another(self, stage):
        challenge = wire.nonce()
        said = json.loads(wire.wish(challenge, wire.WATCH, CAMERA))
        with pytest.raises(wire.BadPeer):
            wire.read_wish(challenge, json.dumps({**said, "camera": CAMERA + 1}).encode())


async def test_a_viewer_behind_waits_for_a_keyframe(monkeypatch):
    monkeypatch.setattr(channel_module, "LAG", 0.05)
    viewer, config = Viewer(), Config("{}", b"")
    frames = [Frame(n, config, n % 5 == 1, b"", b"", 0.0) for n in range(1, 12)]
    viewer.offer(frames[0])
    await asyncio.sleep(0.1)
    for frame in frames[1:]:
        viewer.offer(frame)
    assert [frame.number for _, frame in viewer.queue] == [6, 7, 8, 9, 10, 11]
    assert viewer.jumps == 1


def test_too_much_between_two_keyframes_is_not_kept(monkeypatch):
    monkeypatch.setattr(channel_module, "GOP_BYTES", 1000)
    channel = Channel(lambda *_: None)
    track, _samples = samples_of(encode("h264", [picture(None)]))
    channel.begin(track)
    for n in range(10):
        channel.publish(b"", bytes(300), n == 0, 0.0)
    assert channel.newest_key() is None
    channel.publish(b"", bytes(300), True, 0.0)
    assert channel.newest_key() is not None


class TestStill:
    def test_the_newest_picture_comes_quickly(self, stage):
        stage.publish(31)
        began = time.monotonic()
        still = stills.still(CAMERA)
        assert time.monotonic() - began < 0.5
        assert still.jpeg[:2] == b"\xff\xd8"
        assert abs(still.taken_at.timestamp() - time.time()) < 1

    def test_a_camera_that_is_down_says_why(self, stage):
        stage.channel.down(reasons.REFUSED)
        with pytest.raises(NotAvailable) as refused:
            stills.still(CAMERA)
        assert refused.value.reason == reasons.REFUSED

    def test_a_camera_still_connecting_gets_a_moment(self, stage):
        threading.Timer(0.3, stage.publish).start()
        assert stills.still(CAMERA).jpeg
