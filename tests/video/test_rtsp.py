"""Our reader of RTSP, against cameras that speak it well, badly, and not at all."""

import base64
import hashlib
import itertools
import random
import re
import socket
import ssl
import struct
import threading
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from apps.showroom.virtual import rtp as sent
from apps.video import network, reasons, rtp, rtsp
from apps.video.feed import why
from apps.video.nal import H264, H265, BadStream, split
from apps.video.network import Network, Stream
from apps.video.rtp import Assembler, Unsupported
from apps.video.rtsp import Credentials, Refused, Unusable
from tests.video.filming import encode, picture

SPS, PPS = b"\x67\x42\x00\x1e\xaa", b"\x68\xce\x01"
KEY, DELTA = b"\x65\x88" + b"k" * 5000, b"\x41\x9a" + b"d" * 3000
SECOND_SLICE = b"\x41\x12" + b"e" * 500
H265_KEY = b"\x26\x01\xaf" + b"k" * 5000


def short(said: bytes | str) -> str:
    """How a test is called."""
    return str(said[:30])


def mp4(*units: bytes) -> bytes:
    return b"".join(len(unit).to_bytes(4, "big") + unit for unit in units)


class Source:
    """Packets of pictures a fifteenth of a second apart."""

    def __init__(self, codec: str = H264, *, stamp: int = 0, sequence: int = 0):
        self.payloads = sent.PAYLOADS[codec]
        self.track = sent.Track(payload_type=96, rate=90_000, ssrc=7, offset=stamp)
        self.track.sequence = sequence
        self.taken = 0

    def picture(self, *units: bytes) -> list[bytes]:
        self.taken += 1
        return self.raw(*(payload for unit in units for payload in self.payloads(unit)))

    def raw(self, *payloads: bytes, marker: bool = True) -> list[bytes]:
        return self.track.packets(list(payloads), self.taken / 15, marker=marker)


def shots_of(packets: list[bytes], codec: str = H264) -> list[rtp.Shot]:
    assembler = Assembler(codec, 96)
    for packet in packets:
        assembler.take(packet, 0, len(packet), 1.0)
    return assembler.shots


class TestPictures:
    def test_single_units_and_fragments(self):
        source = Source()
        key, delta = shots_of(source.picture(SPS, PPS, KEY) + source.picture(DELTA))
        assert (key.data, key.key, key.sets) == (mp4(KEY), True, (SPS, PPS))
        assert (delta.data, delta.key, delta.sets, delta.lost) == (mp4(DELTA), False, (), 0)
        assert delta.stamp - key.stamp == 6000

    def test_h265_in_every_packet_form(self):
        source = Source(H265)
        sets = [b"\x40\x01vps", b"\x42\x01sps", b"\x44\x01pps"]
        together = b"\x60\x01" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in sets)
        packets = source.raw(together, marker=False) + source.raw(*source.payloads(H265_KEY))
        (shot,) = shots_of(packets, H265)
        assert (shot.data, shot.key, shot.sets) == (mp4(H265_KEY), True, tuple(sets))

    def test_many_units_in_one_packet(self):
        small = KEY[:100]
        together = b"\x18" + b"".join(len(unit).to_bytes(2, "big") + unit for unit in (SPS, PPS, small))
        (shot,) = shots_of(Source().raw(together))
        assert (shot.data, shot.sets) == (mp4(small), (SPS, PPS))

    def test_sets_sent_as_one_unit_are_told_apart(self):
        (shot,) = shots_of(Source().picture(SPS + b"\x00\x00\x00\x01" + PPS, KEY))
        assert shot.sets == (SPS, PPS)

    def test_sets_with_a_time_of_their_own_belong_to_the_next_picture(self):
        source = Source()
        (shot,) = shots_of(source.picture(SPS, PPS) + source.picture(KEY))
        assert shot.sets == (SPS, PPS)

    def test_a_picture_without_a_marker_ends_where_the_next_begins(self):
        source = Source()
        packets = source.raw(*source.payloads(KEY), marker=False)
        source.taken += 1
        packets += source.raw(DELTA[:900], marker=False)
        assert [shot.data for shot in shots_of(packets)] == [mp4(KEY)]

    def test_headers_may_have_contributors_extensions_and_padding(self):
        (packet,) = Source().picture(KEY[:900])
        body = b"\x00\x00\x00\x09" + struct.pack(">HHI", 0xABAC, 1, 5) + packet[12:] + b"\0\0\0\4"
        (shot,) = shots_of([b"\xb1" + packet[1:12] + body])
        assert shot.data == mp4(KEY[:900])

    def test_numbers_and_times_wrap_unseen(self):
        source = Source(stamp=2**32 - 15_000, sequence=65_530)
        shots = shots_of([packet for unit in (KEY, *[DELTA] * 9) for packet in source.picture(unit)])
        assert [shot.lost for shot in shots] == [0] * 10
        assert {later.stamp - one.stamp for one, later in itertools.pairwise(shots)} == {6000}

    def test_what_makers_add_is_no_part_of_the_picture(self):
        source = Source()
        (shot,) = shots_of(source.picture(SPS, PPS, b"\x1fmaker's own", KEY))
        assert shot.data == mp4(KEY)

    def test_other_payload_types_and_repeated_packets_are_left_out(self):
        source = Source()
        packets = source.picture(KEY)
        other = packets[0][:1] + bytes([97]) + packets[0][2:]
        (shot,) = shots_of([packets[0], other, packets[0], *packets[1:]])
        assert shot.data == mp4(KEY)

    def test_a_sender_report_dates_the_pictures_after_it(self):
        source = Source(stamp=2**32 - 3000)
        assembler = Assembler(H264, 96)
        report = source.track.report(1000.5)
        assembler.report(report, 0, len(report))
        source.taken = 15_000  # a second before
        for packet in source.picture(KEY):
            assembler.take(packet, 0, len(packet), 1.0)
        assert assembler.shots[0].date == pytest.approx(1000.0 + 1 / 15, abs=0.001)

    def test_a_goodbye_ends_the_stream(self):
        goodbye = Source().track.farewell()
        with pytest.raises(EOFError):
            Assembler(H264, 96).report(goodbye, 0, len(goodbye))


class TestTorn:
    @pytest.mark.parametrize("missing", [0, 1, 2])
    def test_a_picture_of_which_a_part_is_missing_is_left_out_and_counted(self, missing):
        source = Source()
        first, torn, last = source.picture(KEY), source.picture(DELTA), source.picture(DELTA)
        del torn[missing]
        shots = shots_of(first + torn + last)
        assert [shot.data for shot in shots] == [mp4(KEY), mp4(DELTA)]
        assert shots[1].lost >= 1

    def test_without_its_keyframe_nothing_is_shown_up_to_the_next(self):
        source = Source()
        torn = source.picture(KEY)
        del torn[1]
        shots = shots_of(torn + source.picture(DELTA) + source.picture(DELTA) + source.picture(KEY))
        assert [(shot.key, shot.lost) for shot in shots] == [(True, 3)]

    def test_a_missing_slice_tears_the_picture(self):
        source = Source()
        packets = source.picture(KEY) + source.picture(DELTA[:900], SECOND_SLICE, SECOND_SLICE)
        del packets[-2]
        assert [shot.data for shot in shots_of(packets)] == [mp4(KEY)]

    def test_a_marker_that_lies_is_believed_no_more(self):
        source = Source()
        packets = []
        for unit in (KEY[:900], DELTA[:900], KEY[:900], DELTA[:900], DELTA[:900]):
            source.taken += 1
            packets += source.raw(unit, marker=True) + source.raw(SECOND_SLICE, marker=True)
        shots = shots_of(packets)
        assert [shot.data for shot in shots[1:]] == [mp4(KEY[:900], SECOND_SLICE), mp4(DELTA[:900], SECOND_SLICE)]

    @pytest.mark.parametrize(
        "payload",
        [
            b"\x7c\x05middle",  # a fragment whose first was never sent
            b"\x7c\x85",  # a fragment of nothing
            b"\x18\xff\xff\x67",  # sizes that lie
            b"\x18\x00\x00\x67\x01",
            b"\x18\x00\x05\x18\x00\x01\x67\x67",  # one packet of many in another
            b"\x00\x00\x00\x01\x65\x88",  # start codes
            b"\xe5\x88forbidden",
            b"\x65",
            b"",
        ],
    )
    def test_packets_that_are_no_video_give_no_picture_and_then_up(self, payload):
        source = Source()
        assembler = Assembler(H264, 96)
        with pytest.raises(Unsupported):
            for _ in range(50):
                source.taken += 1
                (packet,) = source.raw(payload)
                assembler.take(packet, 0, len(packet), 1.0)
        assert assembler.shots == []

    @pytest.mark.parametrize(("announced", "coming"), [(H264, H265), (H265, H264)])
    def test_pictures_of_another_codec_are_taken_for_none(self, announced, coming):
        """A camera that was set to another codec and goes on as if nothing were. The first words of a coder look like
        a part of a picture; what shows none is given up, and asked for anew."""
        source, assembler = Source(coming), Assembler(announced, 96)
        packets = encode(coming, [picture(None, (320, 180))] * 30)
        with suppress(Unsupported):
            for data in (packet for one in packets for packet in source.picture(*split(one))):
                assembler.take(data, 0, len(data), 1.0)
        assert [shot.stamp for shot in assembler.shots if shot.key or shot.stamp > 6000] == []

    def test_pictures_in_another_order_are_left_to_another_reader(self):
        source, packets = Source(), []
        for source.taken in (0, 3, 1, 2, 6, 4, 5):
            packets += source.raw(DELTA[:900])
        with pytest.raises(Unsupported):
            shots_of(packets)

    def test_a_picture_without_an_end_is_given_up(self, monkeypatch):
        monkeypatch.setattr(rtp, "MAX_PICTURE", 20_000)
        source = Source()
        with pytest.raises(BadStream):
            shots_of(source.raw(*source.payloads(b"\x65\x88" + b"k" * 40_000)))
        with pytest.raises(BadStream):
            shots_of(source.raw(*[SPS * 200] * 40, marker=False))

    def test_any_bytes_at_all_are_survived(self):
        chance = random.Random(3)
        for codec in (H264, H265):
            assembler = Assembler(codec, 96)
            for _ in range(3000):
                packet = b"\x80\x60" + chance.randbytes(chance.randrange(60))
                try:
                    assembler.take(packet, 0, len(packet), 1.0)
                    assembler.report(packet, 0, len(packet))
                except (Unsupported, EOFError):
                    assembler = Assembler(codec, 96)


def own_certificate(file: Path) -> Path:
    """A key and the certificate it signed itself, as cameras have them."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "camera")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), 1, now, now + timedelta(days=1))
    plain = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(plain + made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    return file


DESCRIPTION = """v=0
m=audio 0 RTP/AVP 0
a=control:sound
m=video 0 RTP/AVP 26 96
a=rtpmap:96 H264/90000
a=fmtp:96 packetization-mode=1;sprop-parameter-sets={sets}
a=control:track1
"""


class TestDescriptions:
    def video(self, text: str, base: str = "rtsp://c/x"):
        return rtsp.video(text.encode(), base)

    def test_video_is_found_beside_sound(self):
        coded = ",".join(base64.b64encode(unit).decode() for unit in (SPS, PPS))
        found = self.video(DESCRIPTION.format(sets=coded))
        assert (found.codec, found.payload_type, found.sets) == (H264, 96, (SPS, PPS))
        assert (found.control, found.aggregate) == ("rtsp://c/x/track1", "rtsp://c/x")

    @pytest.mark.parametrize(
        ("session", "media", "asked", "played"),
        [
            ("", "trackID=1", "rtsp://c/x?a=1/trackID=1", "rtsp://c/x?a=1"),
            ("*", "rtsp://10.0.0.1/t", "rtsp://10.0.0.1/t", "rtsp://c/x?a=1"),
            ("rtsp://c/all/", "t1", "rtsp://c/all/t1", "rtsp://c/all/"),
            ("", "", "rtsp://c/x?a=1", "rtsp://c/x?a=1"),
        ],
    )
    def test_addresses_of_the_track_and_of_the_whole(self, session, media, asked, played):
        text = f"v=0\na=control:{session}\nm=video 0 RTP/AVP 96\na=rtpmap:96 h265/90000\na=control:{media}"
        found = self.video(text, "rtsp://c/x?a=1")
        assert (found.control, found.aggregate, found.codec) == (asked, played, H265)

    def test_broken_sets_are_no_reason_to_refuse(self):
        assert self.video(DESCRIPTION.format(sets="%%%,A")).sets == ()

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("", reasons.NO_VIDEO),
            ("m=audio 0 RTP/AVP 0", reasons.NO_VIDEO),
            ("m=video 0 RTP/AVP 26", reasons.CODEC),
            ("m=video", reasons.CODEC),
            ("m=video 0 RTP/AVP 96\na=rtpmap:96 VP8/90000", reasons.CODEC),
        ],
    )
    def test_what_cannot_be_recorded_is_said(self, text, reason):
        with pytest.raises(Unusable, match=reason):
            self.video(text)

    @pytest.mark.parametrize("form", ["packetization-mode=2", "sprop-max-don-diff=2"])
    def test_packets_out_of_order_are_left_to_another_reader(self, form):
        with pytest.raises(Unsupported):
            self.video(f"m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\na=fmtp:96 {form}")

    @pytest.mark.parametrize("url", ["http://c/x", "/etc/passwd", "rtsp://", "rtsp://c:x/", "rtsp://c/a\r\nX: y"])
    def test_what_is_no_address(self, url):
        with pytest.raises(Unusable, match=reasons.NOT_RTSP):
            rtsp.connect(url, 1)

    def test_the_password_is_not_in_what_is_asked(self):
        asked = rtsp.address("rtsp://us%40er:p%3Aw@[::1]:8554/x?y=1")
        assert (asked.url, asked.host, asked.port) == ("rtsp://[::1]:8554/x?y=1", "::1", 8554)
        assert (asked.user, asked.password) == ("us@er", "p:w")
        assert "p:w" not in repr(asked)


# --- a camera that does as it is told by the test ---


@contextmanager
def peer(talk):
    """The address of a camera whose end of each connection `talk` is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(5)

        def serve():
            while True:
                try:
                    link, _ = server.accept()
                except OSError:
                    return
                with link:
                    try:
                        link.settimeout(5)
                        talk(link)
                    except OSError:
                        pass

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"rtsp://ann:secret@127.0.0.1:{server.getsockname()[1]}/x"
        server.shutdown(socket.SHUT_RDWR)
    thread.join(6)


def heard(link) -> tuple[str, dict[str, str]]:
    """Method and headers of the next request; receiver reports are passed over."""
    data = b""
    while not data.endswith(b"\r\n\r\n"):
        byte = link.recv(1)
        if not byte:
            raise ConnectionError
        data += byte
        if data[:1] == b"$" and len(data) == 12:
            data = b""
    first, *lines = data.decode().strip().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return first.split()[0], headers | {"line": first, "raw": data.decode()}


def reply(headers, status="200 OK", more="", body="") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"RTSP/1.0 {status}\r\nCSeq: {headers['cseq']}\r\n{more}{length}\r\n{body}".encode()


MORE = {
    "OPTIONS": {"more": "Public: GET_PARAMETER\r\n"},
    "DESCRIBE": {"body": DESCRIPTION.format(sets="")},
    "SETUP": {"more": "Session: abc;timeout=2\r\nTransport: RTP/AVP/TCP;interleaved=4-5\r\n"},
}


def politely(link, until: str = "PLAY") -> dict:
    """Answers everything up to `until`, and that too; the headers of the last request."""
    while True:
        method, headers = heard(link)
        link.sendall(reply(headers, **MORE.get(method, {})))
        if method == until:
            return headers


def framed(packets: list[bytes], channel: int = 4) -> bytes:
    return sent.interleaved(packets, channel)


def opened(url: str, patience: float = 2.0) -> Stream:
    return Network().open(url, 1.5, patience)


class TestConversations:
    def test_pictures_may_overtake_the_answer_to_play(self):
        source = Source()

        def talk(link):
            politely(link, "SETUP")
            _, headers = heard(link)
            data = framed(source.picture(KEY))
            link.sendall(data + reply(headers) + framed(source.picture(DELTA)) + b"$\x09\x00\x02xx")
            heard(link)

        with peer(talk) as url, closing(opened(url)) as stream:
            pictures = iter(stream)
            assert [next(pictures).data for _ in range(2)] == [mp4(KEY), mp4(DELTA)]

    def test_packets_before_play_are_let_go(self):
        def talk(link):
            _, headers = heard(link)
            link.sendall(framed(Source().picture(DELTA)) + reply(headers))
            politely(link)
            link.sendall(framed(Source().picture(KEY)))
            heard(link)

        with peer(talk) as url, closing(opened(url)) as stream:
            assert next(iter(stream)).data == mp4(KEY)

    def test_it_is_kept_alive_and_told_goodbye(self, monkeypatch):
        told = []

        def talk(link):
            politely(link)
            while True:
                method, headers = heard(link)
                told.append((method, headers.get("session")))
                link.sendall(reply(headers) + framed(Source().picture(KEY)))

        with peer(talk) as url, closing(opened(url)) as stream:
            stream.alive_at = 0
            assert next(iter(stream)).key
        assert told == [("GET_PARAMETER", "abc"), ("TEARDOWN", "abc")]

    @pytest.mark.slow
    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            (b"HTTP/1.1 200 OK\r\n\r\n", reasons.GARBAGE),
            (b"\x00" * 100, reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\nX: " + b"x" * 20_000, reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 20_000, reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\nContent-Length: -5\r\n\r\n", reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\nContent-Length: 999999999\r\n\r\n", reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n\r\n", reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n" * 20, reasons.GARBAGE),
            ((b"$\x00\xff\xff" + b"x" * 65_535) * 20, reasons.GARBAGE),
            (b"RTSP/1.0 200 OK\r\n", reasons.NO_ANSWER),
            (b"$\x00\xff\xffshort", reasons.NO_ANSWER),
            (b"RTSP/1.0 404 Not Found\r\n\r\n", reasons.NO_SUCH_STREAM),
            (b"RTSP/1.0 403 Forbidden\r\n\r\n", reasons.PASSWORD),
            (b"", reasons.NO_ANSWER),
        ],
        ids=short,
    )
    def test_no_answer_is_too_strange(self, said, reason):
        def talk(link):
            heard(link)
            link.sendall(said)
            link.recv(1)

        began = time.monotonic()
        with peer(talk) as url, pytest.raises(Exception) as caught:
            Network().open(url, 0.2, 1)
        assert why(caught.value, connected=False) == reason
        assert time.monotonic() - began < 3

    @pytest.mark.slow
    def test_the_same_by_tls(self, tmp_path):
        """More at once than a record of TLS or our buffer holds."""
        guard = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        guard.load_cert_chain(own_certificate(tmp_path / "camera.pem"))
        pictures = [KEY + bytes([1 + n]) * 50_000 for n in range(20)]

        def talk(link):
            with guard.wrap_socket(link, server_side=True) as secret:
                politely(secret)
                source = Source()
                secret.sendall(b"".join(framed(source.picture(unit)) for unit in pictures))
                heard(secret)

        with peer(talk) as url, closing(opened(url.replace("rtsp:", "rtsps:"))) as stream:
            flow = iter(stream)
            assert [next(flow).data for _ in pictures] == [mp4(unit) for unit in pictures]

    def test_a_camera_that_hangs_up_cannot_be_reached(self):
        with peer(heard) as url, pytest.raises((EOFError, ConnectionError)) as caught:
            opened(url)
        assert why(caught.value, connected=False) == reasons.UNREACHABLE

    def test_video_by_datagrams_alone_is_left_to_another_reader(self):
        def talk(link):
            politely(link, "DESCRIBE")
            link.sendall(reply(heard(link)[1], "461 Unsupported Transport"))

        with peer(talk) as url, pytest.raises(Unsupported):
            opened(url)

    def test_a_redirection_is_followed_on_the_same_host_and_not_for_ever(self):
        asked = []

        def talk(link):
            politely(link, "OPTIONS")
            _, headers = heard(link)
            asked.append(headers["line"])
            port = link.getsockname()[1]
            link.sendall(reply(headers, "302 Moved", f"Location: rtsp://127.0.0.1:{port}/y\r\n"))

        with peer(talk) as url, pytest.raises(Refused):
            opened(url)
        assert len(asked) == rtsp.MAX_REDIRECTS + 1
        assert "/y " in asked[1]

    @pytest.mark.parametrize("where", ["rtsp://10.1.2.3/x", "rtsps://127.0.0.1/x", "http://127.0.0.1/", ""])
    def test_a_redirection_elsewhere_is_refused(self, where):
        def talk(link):
            politely(link, "OPTIONS")
            link.sendall(reply(heard(link)[1], "302 Moved", f"Location: {where}\r\n"))

        with peer(talk) as url, pytest.raises((Refused, BadStream)):
            opened(url)


class TestPasswords:
    def talk(self, challenge: str, requests: list):
        def talk(link):
            while True:
                method, headers = heard(link)
                requests.append(headers)
                if "authorization" in headers:
                    link.sendall(reply(headers, **MORE.get(method, {})))
                else:
                    link.sendall(reply(headers, "401 Unauthorized", f"WWW-Authenticate: {challenge}\r\n"))

        return talk

    @pytest.mark.parametrize(("name", "hashed"), [("MD5", hashlib.md5), ("SHA-256", hashlib.sha256)])
    @pytest.mark.parametrize("qop", ["", ', qop="auth,auth-int"'])
    def test_digest(self, name, hashed, qop):
        requests = []
        with peer(self.talk(f'Digest realm="r", nonce="n", algorithm={name}{qop}', requests)) as url:
            opened(url).close()

        def h(text):
            return hashed(text.encode()).hexdigest()

        for request in requests[1:]:
            method, asked, _ = request["line"].split()
            said = {key: a or b for key, a, b in re.findall(r'(\w+)=(?:"([^"]*)"|([^,\s]+))', request["raw"])}
            middle = f"n:{said['nc']}:{said['cnonce']}:auth" if qop else "n"
            assert said["uri"] == asked and "secret" not in request["raw"]
            assert said["response"] == h(f"{h('ann:r:secret')}:{middle}:{h(f'{method}:{asked}')}")

    def test_basic(self):
        requests = []
        with peer(self.talk('Basic realm="r"', requests)) as url:
            opened(url).close()
        assert base64.b64encode(b"ann:secret").decode() in requests[-1]["raw"]

    @pytest.mark.parametrize("stale", ["", ", stale=TRUE"])
    def test_a_camera_that_always_says_no_is_asked_no_more_than_thrice(self, stale):
        asked = []

        def talk(link):
            while True:
                _, headers = heard(link)
                asked.append(headers)
                more = f'WWW-Authenticate: Digest realm="r", nonce="{len(asked)}"{stale}\r\n'
                link.sendall(reply(headers, "401 Unauthorized", more))

        with peer(talk) as url, pytest.raises(Refused) as caught:
            opened(url)
        assert why(caught.value, connected=False) == reasons.PASSWORD
        assert len(asked) == (3 if stale else 2)

    @pytest.mark.parametrize(
        "challenges", [[], ["Bearer x"], ["Digest realm=x"], ['Digest nonce="n", algorithm=SHA-1'], ["Digest"]]
    )
    def test_a_challenge_nobody_can_meet(self, challenges):
        assert not Credentials("ann", "secret").learn(challenges)

    def test_who_has_no_name_gives_none(self):
        assert not Credentials("", "").learn(['Basic realm="x"'])


@pytest.fixture
def stream():
    dialogue = rtsp.Dialogue(None, rtsp.address("rtsp://c/x"), 0, Credentials("", ""))
    return Stream(Network(), dialogue, rtsp.Video(H264, 96, (), "", ""), 0.05)


class TestFlow:
    DATA = (
        framed(Source().picture(KEY[:60]), 0)
        + b"RTSP/1.0 200 OK\r\nCSeq: 9\r\nContent-Length: 4\r\n\r\n$$$$\r\n"
        + b"ANNOUNCE rtsp://c/x RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 2\r\n\r\n$R"
        + framed([Source().track.report(1000.0)], 1)
        + framed(Source(sequence=1, stamp=6000).picture(DELTA[:50]), 0)
    )

    def test_it_may_be_cut_at_every_byte(self, stream):
        for cut in range(len(self.DATA)):
            one = Stream(stream._network, stream.dialogue, rtsp.Video(H264, 96, (), "", ""), 0.05)
            one.take(self.DATA[:cut], 1.0)
            one.take(self.DATA[cut:], 1.0)
            assert [shot.data for shot in one._shots] == [mp4(KEY[:60]), mp4(DELTA[:50])]

    def test_it_may_come_byte_by_byte(self, stream):
        for n in range(len(self.DATA)):
            stream.take(self.DATA[n : n + 1], 1.0)
        assert len(stream._shots) == 2 and stream._rest == b""

    @pytest.mark.parametrize(
        "data",
        [
            b"garbage",
            b"RTSP/1.0 200 OK\r\n" + b"X: y\r\n" * 20_000,
            b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
            b"RTSP/9.9 x\r\n\r\n",
            b"OPTIONS * RTSP/1.0\r\nContent-Length: 99999999\r\n\r\n",
        ],
        ids=short,
    )
    def test_what_is_neither_packet_nor_answer_ends_it(self, stream, data):
        with pytest.raises(BadStream):
            stream.take(data, 1.0)

    def test_a_thread_that_is_stuck_misses_pictures_up_to_the_next_keyframe(self, stream, monkeypatch):
        monkeypatch.setattr(network, "WAITING_BYTES", 12_000)
        source = Source()

        def comes(*units):
            for unit in units:
                stream.take(framed(source.picture(unit), 0), 1.0)
                stream.hand_over()

        def gone():
            return [next(pictures) for _ in range(stream._put - stream._got)]

        pictures = iter(stream)
        comes(KEY, *[DELTA] * 40)
        waited = gone()
        assert sum(len(shot.data) for shot in waited) < 16_000
        comes(DELTA, DELTA)
        assert gone() == []
        comes(KEY, DELTA)
        key, delta = gone()
        assert (key.key, key.lost, delta.lost) == (True, 43 - len(waited), 0)

    def test_what_nobody_watches_comes_in_lots_and_what_somebody_watches_at_once(self):
        source, watched = Source(), []

        def talk(link):
            politely(link)
            while True:
                link.sendall(framed(source.picture(KEY[:900])))
                time.sleep(0.02)

        def lots(stream) -> list[int]:
            sizes, end = [], time.monotonic() + 1
            while time.monotonic() < end:
                sizes.append(len(stream._queue.get(timeout=1)))
            return sizes

        with peer(talk) as url, closing(Network().open(url, 2, 2, lambda: bool(watched))) as stream:
            assert len(lots(stream)) <= 6
            watched.append("somebody")
            assert len(lots(stream)) > 12

    def test_the_last_pictures_of_a_camera_that_falls_silent_come_too(self):
        def talk(link):
            politely(link)
            source = Source()
            link.sendall(framed(source.picture(KEY)))
            time.sleep(0.05)
            link.sendall(framed(source.picture(DELTA)))
            heard(link)

        with peer(talk) as url, closing(Network().open(url, 2, 2, lambda: False)) as stream:
            pictures = iter(stream)
            assert [next(pictures).data for _ in range(2)] == [mp4(KEY), mp4(DELTA)]

    @pytest.mark.slow
    def test_a_fault_of_ours_with_one_camera_ends_that_camera_alone(self, monkeypatch):
        source = Source()

        def talk(link):
            politely(link)
            while True:
                link.sendall(framed(source.picture(KEY[:900])))
                time.sleep(0.02)

        shared = Network()
        with peer(talk) as bad, peer(talk) as good:
            one, other = shared.open(bad, 2, 2), shared.open(good, 2, 2)
            monkeypatch.setattr(one._assembler, "take", lambda *_: 1 / 0)
            with pytest.raises(BadStream):
                list(one)
            pictures = iter(other)
            assert all(next(pictures).data for _ in range(5))
            one.close()
            other.close()
            assert shared._streams == {}

    def test_a_camera_that_hangs_up_in_the_middle_of_a_picture(self):
        def talk(link):
            politely(link)
            source = Source()
            link.sendall(framed(source.picture(KEY)) + framed(source.picture(DELTA))[:-100])

        with peer(talk) as url, closing(opened(url)) as stream:
            pictures = iter(stream)
            assert next(pictures).data == mp4(KEY)
            with pytest.raises((EOFError, ConnectionError)) as caught:
                next(pictures)
        assert why(caught.value, connected=True) == reasons.ENDED

    def test_a_camera_that_sends_nothing_is_noticed(self):
        def talk(link):
            politely(link)
            link.recv(1)

        with peer(talk) as url, closing(opened(url, 0.1)) as stream, pytest.raises(TimeoutError):
            next(iter(stream))
