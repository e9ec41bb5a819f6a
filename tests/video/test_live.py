import asyncio
import contextlib
import itertools
import json
import socket
import ssl
import subprocess
import threading
import time
from types import SimpleNamespace

import pytest
from asgiref.sync import sync_to_async

from apps.video import channel as channel_module
from apps.video import live, live_server, reasons, stills, tls, wire
from apps.video.channel import Channel, Config, Frame, Viewer
from apps.video.fmp4 import decode_time, fragment_head, samples_in
from apps.video.live_server import LiveServer
from apps.video.models import Recorder
from apps.video.reasons import NotAvailable
from tests.cast import make_camera
from tests.video.conftest import delivers
from tests.video.filming import encode, picture, samples_of
from tests.waiting import PATIENCE, until

pytestmark = pytest.mark.slow
CAMERA = 7


async def take(camera_id: int, fragments: int) -> list:
    parts = []
    async with contextlib.aclosing(live.watch(camera_id)) as view:
        async for part in view:
            parts.append(part)
            if len(parts) == fragments + 2:
                return parts[:2] + [plain(part) for part in parts[2:]]


def plain(part: bytes) -> bytes:
    """The fragment before the time of its picture."""
    assert (part[4:8], part[-28:-24]) == (b"moof", b"uuid")
    return part[:-32]


def starts_with_key(fragment: bytes) -> bool:
    return next(samples_in(fragment)).key


def taken_at(part: bytes) -> float:
    """Unix seconds at which the picture came to the recorder, as the fragment says."""
    return int.from_bytes(part[-8:], "big") / 1e6


async def next_picture(view, within: float = PATIENCE) -> bytes:
    while isinstance(part := await asyncio.wait_for(anext(view), within), str) or part[4:8] == b"ftyp":
        pass
    return plain(part)


@pytest.fixture
def between_hosts(monkeypatch):
    """The recorder as on another host, made before the stage that uses it."""
    monkeypatch.setattr(tls, "leaves_the_machine", lambda _host: True)


@pytest.mark.usefixtures("database_thread", "between_hosts")
@pytest.mark.django_db(transaction=True)
async def test_many_watch_a_real_camera(start_recorder, make_streaming, roots, tmp_path):
    roots.RECORDER_HOST = "127.0.0.2"  # what is watched comes over the network alone, encrypted
    camera = await sync_to_async(make_streaming)("/cam/1")
    await sync_to_async(start_recorder)()
    await sync_to_async(until)(lambda: delivers(camera))
    assert (await Recorder.objects.aget()).address.startswith("127.0.0.2:")
    roots.VIDEO_ROOT = tmp_path / "not mounted"
    began = time.monotonic()
    first = await take(camera.pk, 1)
    assert time.monotonic() - began < 5
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
        self.clock = time.time

    def publish(self, count: int = 1, *, padding: int = 0, key: bool | None = None):
        for _ in range(count):
            taken = self.samples[self.number % 60]
            taken.at = self.number * 6000
            taken.key = is_key = self.number % 15 == 0 if key is None else key
            head, data = fragment_head(self.number, [taken]), taken.data + bytes(padding)
            self.channel.publish(head, data, is_key, self.clock())
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
        parts = await asyncio.wait_for(take(CAMERA, 10), PATIENCE)
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
        assert [decode_time(plain(part)) for part in (parts[2], parts[5])] == [0, 6000]

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
                seen.append(plain(part))

        follower = asyncio.create_task(follow())
        for number in range(60):
            stage.publish(1, padding=100 * number)
            await asyncio.sleep(0.03)
        said = []
        with contextlib.suppress(TimeoutError):
            while True:
                said.append(await asyncio.wait_for(anext(slow), 1))
        follower.cancel()
        await asyncio.gather(follower, return_exceptions=True)
        await quick.aclose()
        assert [decode_time(part) for part in seen] == [n * 6000 for n in range(1, 61)]
        # The slow one lost pictures, was told, went on with a keyframe, and its time line shows no hole.
        taken = [plain(part) for part in said if not isinstance(part, str)]
        numbers = [[len(part) for part in seen].index(len(part)) for part in taken]
        jumps = [b for a, b in itertools.pairwise([-1, *numbers]) if b != a + 1]
        told = [json.loads(part)["skipped"] for part in said if isinstance(part, str)]
        assert len(jumps) == len(told) == 1 and len(taken) < 30
        assert told[0] > 0.3
        assert starts_with_key(seen[jumps[0]])
        assert [decode_time(part) for part in taken] == [n * 6000 for n in range(1, len(taken) + 1)]

    async def test_a_lost_camera_ends_the_view_with_its_reason(self, stage, monkeypatch):
        monkeypatch.setattr(live_server, "GRACE", 0.3)
        stage.publish(1)
        view = live.watch(CAMERA)
        for _ in range(3):
            await anext(view)
        stage.channel.down(reasons.STALLED)
        with pytest.raises(NotAvailable) as ended:
            await asyncio.wait_for(anext(view), PATIENCE)
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
        parts = [await asyncio.wait_for(anext(view), PATIENCE) for _ in range(3)]
        assert isinstance(parts[0], str) and starts_with_key(plain(parts[2]))
        await view.aclose()

    async def test_the_recorders_end_is_told_when_nobody_takes_over(self, stage, monkeypatch):
        monkeypatch.setattr(live, "TAKEOVER_SECONDS", 1)
        stage.publish(1)
        view = live.watch(CAMERA)
        await next_picture(view)
        await sync_to_async(stage.server.close)(CAMERA)
        with pytest.raises(NotAvailable) as ended:
            await asyncio.wait_for(anext(view), PATIENCE)
        assert ended.value.reason == reasons.NO_RECORDER

    async def test_views_go_on_with_the_recorder_that_takes_over(self, stage):
        stage.publish(1)
        views = [live.watch(CAMERA) for _ in range(3)]
        for view in views:
            await next_picture(view)
        first = stage.server
        stage.server = LiveServer("127.0.0.1")
        stage.server.start()
        await sync_to_async(first.stop)()
        stage.channel = stage.server.open(CAMERA)
        stage.channel.begin(stage.track)
        stage.number = 0
        stage.publish(1)
        for view in views:
            picture = await next_picture(view)
            assert (decode_time(picture), starts_with_key(picture)) == (6000, True)
            await view.aclose()

    async def test_a_recorder_that_falls_silent_is_given_up(self, stage, monkeypatch):
        monkeypatch.setattr(live, "SILENCE_SECONDS", 0.5)
        monkeypatch.setattr(live, "TAKEOVER_SECONDS", 1)
        stage.publish(1)
        view = live.watch(CAMERA)
        await next_picture(view)
        monkeypatch.setattr(live, "recorder_of", lambda _camera_id: "127.0.0.1:1")
        with pytest.raises(NotAvailable) as ended:
            await asyncio.wait_for(anext(view), PATIENCE)
        assert ended.value.reason == reasons.RECORDER_GONE

    async def test_a_recorder_too_busy_for_the_first_call_is_asked_again(self, stage, monkeypatch):
        stage.publish(1)
        monkeypatch.setattr(live, "CONNECT_SECONDS", 0.3)
        monkeypatch.setattr(live, "TRY_AGAIN_SECONDS", 0.05)
        asked = []
        with socket.create_server(("127.0.0.1", 0)) as silent:
            busy = f"127.0.0.1:{silent.getsockname()[1]}"

            def recorder(_camera_id):
                asked.append(_camera_id)
                return busy if len(asked) < 3 else stage.server.address

            monkeypatch.setattr(live, "recorder_of", recorder)
            parts = await asyncio.wait_for(take(CAMERA, 1), 5)
        assert starts_with_key(parts[2]) and len(asked) == 3

    async def test_a_recorder_that_never_answers_is_not_waited_for_long(self, stage, monkeypatch):
        monkeypatch.setattr(live, "FIRST_SECONDS", 0.5)
        monkeypatch.setattr(live, "TRY_AGAIN_SECONDS", 0.1)
        asked = []
        monkeypatch.setattr(live, "recorder_of", lambda camera_id: asked.append(camera_id) or "127.0.0.1:1")
        with pytest.raises(NotAvailable) as refused:
            await asyncio.wait_for(take(CAMERA, 1), 5)
        assert refused.value.reason == reasons.RECORDER_GONE and len(asked) > 2

    async def test_two_hundred_viewers_are_one_reader(self, stage):
        stage.publish(20)
        views = [live.watch(CAMERA) for _ in range(200)]
        for view in views:
            await next_picture(view)
        assert len(stage.channel.viewers) == 1
        latecomer = live.watch(CAMERA)
        assert decode_time(await next_picture(latecomer)) == 0
        for view in [*views, latecomer]:
            await view.aclose()
        await sync_to_async(until)(lambda: not stage.channel.viewers)
        assert not live._lines

    async def test_the_clock_of_another_host_is_translated(self, stage, monkeypatch):
        stage.clock = lambda: time.time() - 3600
        monkeypatch.setattr(live_server, "time", SimpleNamespace(time=stage.clock))
        stage.publish(1)
        view = live.watch(CAMERA)
        mime, _init, picture = [await anext(view) for _ in range(3)]
        assert abs(json.loads(mime)["now"] - time.time()) < 20
        assert abs(taken_at(picture) - time.time()) < 20
        await view.aclose()

    async def test_old_pictures_of_a_slow_camera_reach_a_newcomer(self, stage):
        stage.clock = lambda: time.time() - 9
        stage.publish(1)
        stage.clock = time.time
        stage.publish(1, key=False)
        view = live.watch(CAMERA)
        parts = [await asyncio.wait_for(anext(view), PATIENCE) for _ in range(4)]
        assert [round(time.time() - taken_at(part)) for part in parts[2:]] == [9, 0]
        await view.aclose()

    async def test_pictures_that_come_late_wait_for_a_keyframe(self, stage):
        stage.publish(1)
        view = live.watch(CAMERA)
        await next_picture(view)
        stage.clock = lambda: time.time() - 5
        stage.publish(3, key=False)
        stage.publish(1, key=True)
        stage.clock = time.time
        stage.publish(1, key=False)
        parts = [await asyncio.wait_for(anext(view), PATIENCE) for _ in range(3)]
        assert "skipped" in json.loads(parts[0])
        assert [starts_with_key(plain(part)) for part in parts[1:]] == [True, False]
        assert [round(time.time() - taken_at(part)) for part in parts[1:]] == [5, 0]
        await view.aclose()

    async def test_a_viewer_that_leaves_costs_nothing_more(self, stage):
        stage.publish(1)
        view = live.watch(CAMERA)
        await anext(view)
        assert len(stage.channel.viewers) == 1
        await view.aclose()
        await sync_to_async(until)(lambda: not stage.channel.viewers)

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
        await sync_to_async(until)(lambda: not stage.channel.viewers)


class TestAddress:
    """A recorder listens where its hosts are told to look, and nowhere else."""

    def test_on_its_own_address_only(self):
        with live_server.listen("127.0.0.2", range(1)) as listening:
            host, port = listening.getsockname()
            assert host == "127.0.0.2"
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), 1)

    def test_on_a_port_that_the_firewall_knows(self):
        with live_server.listen("127.0.0.1", range(1)) as taken:
            first = taken.getsockname()[1]
            with live_server.listen("127.0.0.1", range(first, min(first + 200, 65_536))) as listening:
                assert first < listening.getsockname()[1] < first + 200
            with pytest.raises(OSError, match="RECORDER_PORTS"):
                live_server.listen("127.0.0.1", range(first, first + 1))

    def test_a_name_is_as_good_as_a_number(self):
        with live_server.listen("localhost", range(1)) as listening:
            assert listening.getsockname()[0] in ("127.0.0.1", "::1")


class TestPace:
    async def test_one_that_says_nothing_is_never_held(self):
        pace = live.Pace()
        for _ in range(10_000):
            pace.sent(1000)
            await asyncio.wait_for(pace.ready(), 1)

    async def test_one_that_speaks_is_held_until_it_has_caught_up(self, monkeypatch):
        monkeypatch.setattr(live, "ON_THE_WAY_SECONDS", 0.05)
        pace = live.Pace()
        pace.sent(1000)
        pace.got(1)
        pace.sent(1000)
        pace.sent(1000)
        await pace.ready()
        await asyncio.sleep(0.1)
        waiting = asyncio.create_task(pace.ready())
        pace.got(2)
        await asyncio.sleep(0.01)
        assert not waiting.done()
        pace.got(10**15)
        await asyncio.wait_for(waiting, 1)

    @pytest.fixture
    def clock(self, monkeypatch):
        clock = SimpleNamespace(now=100.0)
        monkeypatch.setattr(live, "time", SimpleNamespace(monotonic=lambda: clock.now))
        return clock

    async def is_held(self, pace) -> bool:
        waiting = asyncio.create_task(pace.ready())
        await asyncio.sleep(0)
        held = not waiting.done()
        waiting.cancel()
        return held

    def report(self, pace, clock, count: int) -> None:
        clock.now += 0.25
        pace.got(count)

    async def test_a_way_is_given_no_more_than_it_carries_in_that_time(self, clock):
        pace = live.Pace()
        pace.got(0)
        for number in range(1, 5):  # 20 kB/s come, so 30 kB may be on their way
            pace.sent(5000)
            self.report(pace, clock, number)
        for _ in range(6):
            pace.sent(5000)
        clock.now += 0.6
        assert not await self.is_held(pace)
        pace.sent(5000)
        assert await self.is_held(pace)
        pace.got(6)
        assert not await self.is_held(pace)

    async def test_a_large_picture_after_small_ones_holds_nobody_whose_way_is_quick(self, clock):
        pace = live.Pace()
        for number in range(1, 30):
            pace.sent(1000)
            self.report(pace, clock, number)
        pace.sent(100_000)
        clock.now += 0.3
        assert not await self.is_held(pace)
        clock.now += 0.3
        assert await self.is_held(pace)

    async def test_what_lies_in_the_buffers_of_a_slow_way_is_bounded(self, stage, monkeypatch):
        """The viewer takes all that is sent, at once, into some buffer, and says that it has got little."""
        monkeypatch.setattr(channel_module, "LAG", 0.3)
        monkeypatch.setattr(live, "ON_THE_WAY_SECONDS", 0.2)
        pace, buffered = live.Pace(), []
        pace.got(0)

        async def fill():
            async for part in live.watch(CAMERA, pace):
                buffered.append(part)

        filling = asyncio.create_task(fill())
        for _ in range(45):
            stage.publish(1)
            await asyncio.sleep(0.03)
        assert 5 < len(buffered) < 20
        pace.got(100)
        stage.publish(16)
        await asyncio.sleep(0.1)
        filling.cancel()
        await asyncio.gather(filling, return_exceptions=True)
        assert any("skipped" in part for part in buffered if isinstance(part, str))


class TestStrangers:
    async def talk(self, stage, said: bytes) -> bytes:
        host, _, port = stage.server.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        await reader.readexactly(wire.GREETING_BYTES)
        writer.write(said)
        await writer.drain()
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer

    @pytest.mark.parametrize("said", [b"\n", b"GET / HTTP/1.1\r\n\r\n", b"[" * 400 + b"\n", b"x" * 5000, b"{}\n"])
    async def test_who_does_not_know_the_secret_gets_nothing(self, stage, said):
        stage.publish(1)
        assert await self.talk(stage, said) == b""

    async def test_an_answer_to_another_nonce_gets_nothing(self, stage):
        stage.publish(1)
        _said, challenge = wire.greeting(b"")
        replayed = wire.wish(challenge, wire.WATCH, CAMERA)
        assert await self.talk(stage, replayed) == b""

    async def test_a_wish_for_one_camera_does_not_open_another(self, stage):
        _said, challenge = wire.greeting(b"")
        said = json.loads(wire.wish(challenge, wire.WATCH, CAMERA))
        with pytest.raises(wire.BadPeer):
            wire.read_wish(challenge, json.dumps({**said, "camera": CAMERA + 1}).encode())


class TestBetweenHosts:
    """What goes over the network is encrypted, and nobody can stand in between who does not know the secret."""

    pytestmark = pytest.mark.usefixtures("between_hosts")

    @pytest.fixture
    async def tapped(self, stage, monkeypatch):
        """All that went past on the way from the recorder."""
        seen, there = bytearray(), int(stage.server.address.rpartition(":")[2])

        async def pump(reader, writer, kept):
            try:
                while data := await reader.read(65536):
                    kept += data
                    writer.write(data)
            except ConnectionError:
                pass  # one of the two has left
            finally:
                writer.close()

        async def pass_on(reader, writer):
            onward, back = await asyncio.open_connection("127.0.0.1", there)
            await asyncio.gather(pump(reader, back, bytearray()), pump(onward, writer, seen))

        async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            for module in (live, stills):
                monkeypatch.setattr(module, "recorder_of", lambda _camera_id: f"127.0.0.1:{port}")
            yield seen

    async def test_pictures_come_and_none_can_be_read_on_the_way(self, stage, tapped):
        stage.publish(20)
        parts = await asyncio.wait_for(take(CAMERA, 5), PATIENCE)
        still = await sync_to_async(stills.still)(CAMERA)
        assert starts_with_key(parts[2]) and still.jpeg.startswith(b"\xff\xd8")
        assert len(tapped) > len(stage.samples[0].data)
        assert not any(word in tapped for word in (b"moof", b"ftyp", b"avc1", stage.samples[15].data[100:140]))

    async def test_who_stands_in_between_with_another_certificate_is_found_out(self, stage, monkeypatch):
        monkeypatch.setattr(live, "FIRST_SECONDS", 0)
        stage.publish(1)
        there = int(stage.server.address.rpartition(":")[2])
        passed = []

        async def pretend(reader, writer):
            onward, back = await asyncio.open_connection("127.0.0.1", there, ssl=tls.for_reader("127.0.0.1"))
            try:
                writer.write(await onward.readexactly(wire.GREETING_BYTES))
                passed.append(await reader.read(512))
            finally:
                for end in (back, writer):
                    end.transport.abort()

        context, _fingerprint = tls.for_recorder()
        async with await asyncio.start_server(pretend, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            for module in (live, stills):
                monkeypatch.setattr(module, "recorder_of", lambda _camera_id: f"127.0.0.1:{port}")
            with pytest.raises(NotAvailable):
                await take(CAMERA, 1)
            with pytest.raises(NotAvailable):
                await sync_to_async(stills.still)(CAMERA)
            await sync_to_async(until)(lambda: len(passed) == 2)
        assert passed == [b"", b""]

    async def test_a_recorder_with_another_secret_is_not_believed(self, stage, settings):
        stage.publish(1)
        said, challenge = wire.greeting(b"")
        assert wire.read_greeting(said, b"") == challenge
        settings.RECORDER_SECRET = "another"
        with pytest.raises(wire.BadPeer):
            wire.read_greeting(said, b"")

    async def test_who_connects_and_says_nothing_is_not_waited_for(self, monkeypatch):
        monkeypatch.setattr(live_server, "HANDSHAKE_SECONDS", 0.2)
        server = LiveServer("127.0.0.1")
        server.start()
        try:
            reader, writer = await asyncio.open_connection(*server.address.split(":"))
            assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
            writer.transport.abort()
        finally:
            await sync_to_async(server.stop)()

    @pytest.mark.parametrize(
        "says", [b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x16" * 4], ids=["nothing", "half", "junk"]
    )
    async def test_a_crowd_of_strangers_takes_nobodys_place(self, stage, monkeypatch, says):
        """Who breaks off within the handshake holds no thread, is one of a few, and not for long."""
        monkeypatch.setattr(live_server, "HANDSHAKE_SECONDS", 4)
        stage.publish(16)
        host, _, port = stage.server.address.rpartition(":")
        threads, most = threading.active_count(), live_server.MOST_STRANGERS
        async with contextlib.AsyncExitStack() as crowd:
            for _ in range(3 * most):
                _reader, writer = await asyncio.open_connection(host, int(port))
                crowd.callback(lambda writer: writer.transport.abort(), writer)
                writer.write(says)
            began = time.monotonic()
            parts = await asyncio.wait_for(take(CAMERA, 1), PATIENCE)
            took = time.monotonic() - began
            assert len(stage.server._strangers) <= most
            assert threading.active_count() == threads
            await sync_to_async(until)(lambda: not stage.server._strangers)
        assert starts_with_key(parts[2]) and took < 1

    async def test_a_reader_that_does_not_encrypt_is_told_nothing(self, stage):
        stage.publish(1)
        host, _, port = stage.server.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(wire.wish(b"", wire.WATCH, CAMERA))
        said = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.transport.abort()
        assert len(said) < wire.GREETING_BYTES  # no more than the alarm of TLS


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1"])
def test_one_machine_needs_no_encryption(host):
    assert not tls.leaves_the_machine(host) and tls.for_reader(host) is None


@pytest.mark.parametrize("host", ["10.1.2.3", "fd00::1", "fe80::1%eth0"])
def test_other_hosts_are_spoken_to_in_no_other_way(host):
    assert tls.for_reader(host).minimum_version == ssl.TLSVersion.TLSv1_3


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
        assert time.monotonic() - began < 3
        assert still.jpeg[:2] == b"\xff\xd8"
        assert abs(still.taken_at.timestamp() - time.time()) < 10

    def test_a_camera_that_is_down_says_why(self, stage):
        stage.channel.down(reasons.REFUSED)
        with pytest.raises(NotAvailable) as refused:
            stills.still(CAMERA)
        assert refused.value.reason == reasons.REFUSED

    def test_a_camera_still_connecting_gets_a_moment(self, stage):
        threading.Timer(0.3, stage.publish).start()
        assert stills.still(CAMERA).jpeg
