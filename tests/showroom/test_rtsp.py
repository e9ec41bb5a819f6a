import re
import socket
import struct
import time
from contextlib import closing
from itertools import islice, pairwise

import av
import pytest

from apps.showroom.virtual import clock, rtsp
from apps.showroom.virtual.rtp import NTP_EPOCH
from apps.showroom.virtual.streams import Setup
from tests.waiting import until

from .conftest import serving

pytestmark = pytest.mark.slow
QUICK = {"probesize": "65536", "analyzeduration": "0", "fflags": "nobuffer"}


def opened(url: str, transport: str = "tcp", timeout: float = 20):
    return closing(av.open(url, options={"rtsp_transport": transport, **QUICK}, timeout=(timeout, timeout)))


def pictures(container, count: int):
    """(shown milliseconds, delay in seconds, size) of the next pictures."""
    seen = []
    for frame in container.decode(video=0):
        shown = clock.read(frame.to_ndarray(format="gray"))
        seen.append((shown, time.time() - shown / 1000 if shown else None, (frame.width, frame.height)))
        if len(seen) == count:
            break
    return seen


class Link:
    """A bare RTSP reader over TCP."""

    def __init__(self, served, path: str):
        self.url, self.link, self.session, self.count = served.url(path), served.connect(), "", 0
        self.file = self.link.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()
        self.link.close()

    def ask(self, method: str, path: str = "", **headers) -> tuple[int, dict, str]:
        self.count += 1
        lines = [f"{method} {self.url}{path} RTSP/1.0", f"CSeq: {self.count}"]
        if self.session:
            lines.append(f"Session: {self.session}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.link.sendall("\r\n".join([*lines, "", ""]).encode())
        while (first := self.file.readline()).startswith(b"$"):
            raise AssertionError("packets where an answer was due")
        return self._answer(first)

    def _answer(self, first: bytes) -> tuple[int, dict, str]:
        headers = {}
        while line := self.file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        if "session" in headers:
            self.session = headers["session"].partition(";")[0]
        body = self.file.read(int(headers.get("content-length", 0))).decode()
        return int(first.split()[1]), headers, body

    def play(self, transport: str = "RTP/AVP/TCP;unicast;interleaved=0-1") -> None:
        assert self.ask("SETUP", "/track0", Transport=transport)[0] == 200
        assert self.ask("PLAY")[0] == 200

    def packet(self) -> tuple[int, bytes]:
        mark, channel, size = struct.unpack("!cBH", self.file.read(4))
        assert mark == b"$"
        return channel, self.file.read(size)

    def packets(self, seconds: float):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            yield self.packet()


def some(link: Link, count: int):
    """That many packets, however long a busy machine takes."""
    return islice(link.packets(40), count)


def kinds(packets) -> list[int]:
    """NAL kinds of H.264 packets, fragments by what they carry, once each."""
    found = []
    for channel, packet in packets:
        kind = packet[12] & 0x1F
        if channel == 0 and kind == 28 and packet[13] & 0x80:
            found.append(packet[13] & 0x1F)
        elif channel == 0 and kind != 28:
            found.append(kind)
    return found


@pytest.mark.parametrize("transport", ["tcp", "udp"])
def test_pictures_arrive_with_a_clock_that_is_live(cameras, transport):
    with opened(cameras.url("/cam/1"), transport) as container:
        seen = pictures(container, 25)
    shown = [ms for ms, _, _ in seen if ms]
    assert len(shown) >= 23  # UDP may lose one
    assert shown == sorted(set(shown))
    assert min(delay for _, delay, _ in seen if delay is not None) < 1.0
    assert seen[0][2] == (640, 360)


def test_two_readers_get_the_same_picture(cameras):
    with Link(cameras, "/cam/2") as one, Link(cameras, "/cam/2") as other:
        one.play()
        other.play()
        mine, theirs = ({packet for channel, packet in some(link, 80) if channel == 0} for link in (one, other))
    assert len(mine & theirs) > 10


def test_sender_reports_give_the_wall_clock_of_every_picture(cameras):
    with Link(cameras, "/cam/1") as link:
        link.play()
        report = picture = None
        for channel, packet in link.packets(40):
            if channel == 1:
                report = packet
            elif picture is None:
                picture = packet, time.time()
            if report and picture:
                break
    _, kind, _, ssrc, seconds, fraction, stamp = struct.unpack("!BBHIIII", report[:20])
    assert kind == 200
    taken = seconds - NTP_EPOCH + fraction / 2**32
    assert ssrc == struct.unpack("!I", picture[0][8:12])[0]
    apart = (
        struct.unpack("!i", struct.pack("!I", (struct.unpack("!I", picture[0][4:8])[0] - stamp) % 2**32))[0] / 90_000
    )
    assert -1.0 < picture[1] - (taken + apart) < 5.0


def test_pause_stops_the_pictures_and_play_goes_on_at_a_key_picture(cameras):
    with Link(cameras, "/cam/1") as link:
        link.play()
        next(link.packets(40))
        link.link.sendall(f"PAUSE {link.url} RTSP/1.0\r\nCSeq: 9\r\nSession: {link.session}\r\n\r\n".encode())
        while (mark := link.file.peek(1)[:1]) == b"$":
            link.packet()
        assert mark == b"R"
        assert link._answer(link.file.readline())[0] == 200
        link.link.settimeout(1.2)
        with pytest.raises(TimeoutError):
            link.link.recv(1)
    with Link(cameras, "/cam/1") as link:
        link.play()
        assert kinds(some(link, 12))[:3] == [7, 8, 5]


def test_teardown_ends_the_session(cameras):
    with Link(cameras, "/cam/1") as link:
        assert link.ask("OPTIONS")[1]["public"].startswith("OPTIONS, DESCRIBE")
        status, headers, body = link.ask("DESCRIBE")
        assert status == 200
        assert "m=video 0 RTP/AVP 96" in body
        assert re.search(r"sprop-parameter-sets=[\w+/=]+,[\w+/=]+", body)
        assert headers["content-base"].endswith("/cam/1/")
        assert link.ask("SETUP", "/track0", Transport="RTP/AVP/TCP;unicast;interleaved=0-1")[0] == 200
        assert link.ask("GET_PARAMETER")[0] == 200
        assert link.ask("TEARDOWN")[0] == 200
        assert link.ask("PLAY")[0] == 454


@pytest.mark.parametrize(
    ("transport", "status"),
    [
        ("RTP/AVP;multicast;port=5000-5001", 461),
        ("RTP/AVP;unicast;client_port=80-81", 461),
        ("RTP/AVP;unicast;client_port=99999-99999", 461),
        ("RTP/AVP/TCP;unicast;interleaved=300-301", 461),
        ("RTP/SAVP;unicast", 461),
        ("", 461),
        ("RTP/AVP;multicast, RTP/AVP/TCP;unicast;interleaved=4-5", 200),
    ],
)
def test_ways_to_send(cameras, transport, status):
    with Link(cameras, "/cam/1") as link:
        assert link.ask("SETUP", "/track0", Transport=transport)[0] == status


@pytest.mark.parametrize(
    "path", ["/cam/0", "/cam/5", "/cam/x", "/cam/99999999", "/", "/bad/unknown", "/bad/refuse/3", "/cam/1/track9"]
)
def test_unknown_addresses_are_not_found(cameras, path):
    with Link(cameras, path) as link:
        assert link.ask("SETUP" if "track" in path else "DESCRIBE", Transport="RTP/AVP/TCP;interleaved=0-1")[0] == 404


def test_udp_goes_to_the_asking_address_only(cameras):
    with Link(cameras, "/cam/1") as link:
        way = "RTP/AVP;unicast;destination=192.0.2.1;client_port=40000-40001"
        _, headers, _ = link.ask("SETUP", "/track0", Transport=way)
        assert "192.0.2.1" not in headers["transport"]
        way = cameras.server.sessions[link.session].ways[0]
        assert way.host == "127.0.0.1"


def test_a_silent_udp_session_ends():
    with serving(Setup(cameras=1, looped=True, loops=1), timeout=1.0) as served, Link(served, "/cam/1") as link:
        link.play("RTP/AVP;unicast;client_port=40010-40011")
        assert len(served.server.sessions) == 1
        until(lambda: not served.server.sessions)
        assert link.ask("GET_PARAMETER")[0] == 454


def test_drawing_stops_when_nobody_watches(cameras):
    with Link(cameras, "/cam/4") as link:
        link.play()
        next(link.packets(40))
        assert cameras.streams.camera(4).running
    until(lambda: not cameras.streams.camera(4).running)


def test_a_reader_that_does_not_read_holds_nobody_up(cameras):
    with Link(cameras, "/cam/1") as stuck, Link(cameras, "/cam/1") as good:
        stuck.play()
        good.play()
        assert len(list(some(good, 60))) == 60


# --- streams that misbehave --------------------------------------------------
def test_refuse(cameras):
    with Link(cameras, "/bad/refuse") as link:
        assert link.ask("OPTIONS")[0] == 200
        assert link.ask("DESCRIBE")[0] == 454
    with pytest.raises(av.error.HTTPOtherClientError):
        av.open(cameras.url("/bad/refuse"), timeout=(15, 15))


def test_hang(cameras):
    with Link(cameras, "/bad/hang") as link:
        link.link.settimeout(2)
        with pytest.raises(TimeoutError):
            link.ask("OPTIONS")


def test_garbage(cameras):
    with cameras.connect() as link:
        link.sendall(f"DESCRIBE {cameras.url('/bad/garbage')} RTSP/1.0\r\nCSeq: 1\r\n\r\n".encode())
        babble = b""
        while len(babble) < 10_000:
            babble += link.recv(65_536)
    assert not babble.startswith(b"RTSP")
    assert len(set(babble)) == 256


def test_stall_keeps_the_connection(cameras):
    with Link(cameras, "/bad/stall/2") as link:
        link.play()
        link.link.settimeout(2.5)
        last = time.monotonic()
        with pytest.raises(TimeoutError):
            while True:
                link.packet()
                last = time.monotonic()
    assert time.monotonic() - last >= 2.4


def test_nokey_never_sends_a_key_picture(cameras):
    with Link(cameras, "/bad/nokey") as link:
        link.play()
        found = kinds(some(link, 60))
    assert len(found) > 15
    assert set(found) == {1}


def test_flap_breaks_the_connection(cameras):
    with Link(cameras, "/bad/flap/1") as link:
        link.play()
        with pytest.raises((ConnectionError, struct.error)):
            while True:
                link.packet()


def test_noise_has_proper_heads_and_random_bodies(cameras):
    with Link(cameras, "/bad/noise") as link:
        link.play()
        packets = [packet for channel, packet in some(link, 40) if channel == 0]
    numbers = [struct.unpack("!H", packet[2:4])[0] for packet in packets]
    assert all((after - before) % 65_536 == 1 for before, after in pairwise(numbers))
    assert len({packet[12] for packet in packets}) > 10


def test_h265(cameras):
    with opened(cameras.url("/bad/h265")) as container:
        assert container.streams.video[0].codec_context.name == "hevc"
        assert all(ms for ms, _, _ in pictures(container, 10))


def test_audio_has_a_second_track(cameras):
    with opened(cameras.url("/bad/audio")) as container:
        assert [(s.type, s.codec_context.name) for s in container.streams] == [
            ("video", "h264"),
            ("audio", "pcm_mulaw"),
        ]
        heard = video = 0
        for packet in container.demux():
            heard += packet.stream.type == "audio"
            video += packet.stream.type == "video"
            if heard > 40 and video > 10:
                break
    assert heard > 40


def test_resize_changes_the_size_midway(cameras):
    with opened(cameras.url("/bad/resize/4")) as container:
        sizes = []
        for frame in container.decode(video=0):
            sizes.append((frame.width, frame.height))
            if sizes[-1] == (1280, 720):
                break
    assert sizes[0] == (640, 360)


def test_wrap_passes_the_end_of_the_timestamps(cameras):
    with Link(cameras, "/bad/wrap") as link:
        link.play()
        stamps = (struct.unpack("!I", packet[4:8])[0] for channel, packet in link.packets(90) if channel == 0)
        before = [next(stamps)]
        while (stamp := next(stamps)) >= before[0]:
            before.append(stamp)
        after = [stamp, *islice(stamps, 40)]
    assert before == sorted(before) and after == sorted(after)
    assert (after[0] - before[-1]) % 2**32 < 90_000


def test_silent_sends_no_reports(cameras):
    with Link(cameras, "/bad/silent") as link:
        link.play()
        assert {channel for channel, _ in link.packets(6)} == {0}


def test_late_begins_late(cameras):
    with Link(cameras, "/bad/late/2") as link:
        began = time.monotonic()
        link.play()
        while link.packet()[0] != 0:
            pass
        assert time.monotonic() - began > 1.9


def test_looped_cameras_share_their_loops_and_say_that_they_are_not_live():
    with serving(Setup(cameras=200, looped=True, loops=1, daylight=14.0)) as served:
        with opened(served.url("/cam/200"), timeout=60) as container:
            seen = pictures(container, 20)
        assert [ms for ms, _, _ in seen] == [None] * 20
        assert served.streams.camera(1) is served.streams.camera(9)
        assert served.streams.camera(1) is not served.streams.camera(2)
        assert len(served.streams.loops) == 1


# --- readers that misbehave --------------------------------------------------
GOOD = "OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ("OPTIONS * RTSP/1.0\r\n\r\n", b"RTSP/1.0 400"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: x\r\n\r\n", b"RTSP/1.0 400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"RTSP/1.0 400"),
        ("OPTIONS * RTSP/2.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 505"),
        ("DANCE * RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 501"),
        ("__INIT__ * RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 501"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nno colon here\r\n\r\n", b"RTSP/1.0 400"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: -5\r\n\r\n", b"RTSP/1.0 400"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 99999999\r\n\r\n", b"RTSP/1.0 413"),
        ("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\nX: " + "a" * 200_000 + "\r\n\r\n", b"RTSP/1.0 413"),
        ("PLAY rtsp://x/cam/1 RTSP/1.0\r\nCSeq: 1\r\nSession: nobody\r\n\r\n", b"RTSP/1.0 454"),
        ("DESCRIBE rtsp://[bad/cam/77 RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 404"),
        (b"\xff\xfe\x00\x01 \r\n\r\n", b"RTSP/1.0 400"),
        (b"$\x00\x00\x04abcd" + GOOD.encode(), b"RTSP/1.0 200"),
        (b"\r\n\r\n" + GOOD.encode(), b"RTSP/1.0 200"),
    ],
)
def test_hostile_requests_get_an_answer(cameras, request_, answer):
    assert cameras.ask(request_).startswith(answer)
    assert cameras.ask(GOOD).startswith(b"RTSP/1.0 200")


@pytest.mark.parametrize("part", [b"OPT", b"OPTIONS * RTSP/1.0\r\nCS", b"$\x00\xff\xffabc", b"\x80" * 9000])
def test_truncated_requests_leave_nothing_behind(cameras, part):
    before = len(cameras.server.connections)
    with cameras.connect() as link:
        link.sendall(part)
    until(lambda: len(cameras.server.connections) <= before)
    assert cameras.ask(GOOD).startswith(b"RTSP/1.0 200")


def test_sessions_are_bounded(cameras, monkeypatch):
    monkeypatch.setattr(rtsp, "MAX_SESSIONS", len(cameras.server.sessions) + 1)
    with Link(cameras, "/cam/1") as one, Link(cameras, "/cam/1") as more:
        assert one.ask("SETUP", "/track0", Transport="RTP/AVP/TCP;interleaved=0-1")[0] == 200
        assert more.ask("SETUP", "/track0", Transport="RTP/AVP/TCP;interleaved=0-1")[0] == 453


def test_a_thousand_connections_closed_abruptly(cameras):
    reset, before = struct.pack("ii", 1, 0), set(cameras.server.sessions)
    for i in range(1000):
        link = cameras.connect()
        link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        if i % 3:
            link.sendall(f"SETUP {cameras.url('/cam/1')}/track0 RTSP/1.0\r\nCSeq: 1\r\n".encode())
        if i % 3 == 2:
            link.sendall(b"Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n\r\n")
        link.close()
    until(lambda: not cameras.server.connections)
    until(lambda: set(cameras.server.sessions) <= before)
    with Link(cameras, "/cam/1") as link:
        link.play()
        assert next(link.packets(40))
