"""A small RTSP 1.0 server (RFC 2326): many readers of few streams, over TCP interleaved or UDP unicast.

It expects nothing good of its readers: sizes, numbers and idle time are bounded, a slow reader loses
pictures up to the next key picture, and a reader that stays stuck is dropped.
"""

import asyncio
import contextlib
import logging
import random
import re
import secrets
import socket
import time
from dataclasses import dataclass, field
from urllib.parse import unquote

from . import rtp
from .streams import GOOD, Manner, Stream, Streams

logger = logging.getLogger(__name__)

MAX_HEAD, MAX_BODY, MAX_CONNECTIONS, MAX_SESSIONS = 16_384, 65_536, 4_096, 4_096
IDLE_BEFORE_REQUEST = 20.0
BACKLOG_BYTES = 1_500_000  # some 20 s of a camera: beyond it pictures are left out
STUCK_AFTER = 20.0
METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, PAUSE, GET_PARAMETER, SET_PARAMETER, TEARDOWN"
REASONS = {
    200: "OK",
    400: "Bad Request",
    404: "Not Found",
    413: "Request Entity Too Large",
    453: "Not Enough Bandwidth",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    461: "Unsupported Transport",
    501: "Not Implemented",
    505: "RTSP Version Not Supported",
}


class Refused(Exception):
    def __init__(self, status: int, *, close: bool = False):
        super().__init__(REASONS[status])
        self.status, self.close = status, close


@dataclass
class Request:
    method: str
    url: str
    headers: dict[str, str]

    @property
    def path(self) -> str:
        path = re.sub(r"^rtsp[tu]?://[^/]*", "", self.url, flags=re.IGNORECASE)
        return unquote(path.partition("?")[0]).rstrip("/")

    @property
    def session(self) -> str:
        return self.headers.get("session", "").partition(";")[0].strip()


def parse_head(head: bytes) -> Request:
    """A request from its first line and headers; raises Refused."""
    try:
        first, *lines = head.decode("utf-8").rstrip("\r\n").split("\r\n")
    except UnicodeDecodeError as error:
        raise Refused(400, close=True) from error
    match = re.fullmatch(r"([A-Z_]{1,32}) (\S{1,2048}) RTSP/(\d\.\d)", first)
    if not match:
        raise Refused(400, close=True)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon:
            raise Refused(400, close=True)
        headers[name.strip().lower()] = value.strip()
    request = Request(match[1], match[2], headers)
    if match[3] != "1.0":
        raise Refused(505, close=True)
    if not re.fullmatch(r"\d{1,9}", headers.get("cseq", "")):
        raise Refused(400)
    return request


@dataclass
class Interleaved:
    """RTP inside the RTSP connection."""

    writer: asyncio.StreamWriter
    channel: int

    def send(self, packets: list[bytes], framed: dict[int, bytes]) -> None:
        if self.channel not in framed:
            framed[self.channel] = rtp.interleaved(packets, self.channel)
        self.writer.write(framed[self.channel])

    def control(self, packet: bytes) -> None:
        self.writer.write(rtp.interleaved([packet], self.channel + 1))

    def waiting(self) -> int:
        return self.writer.transport.get_write_buffer_size()

    def __str__(self) -> str:
        return f"RTP/AVP/TCP;unicast;interleaved={self.channel}-{self.channel + 1}"


@dataclass
class Datagrams:
    """RTP by UDP to the ports the reader named, on the reader's own address only."""

    pair: "UdpPair"
    host: str
    ports: tuple[int, int]

    def send(self, packets: list[bytes], _framed: dict[int, bytes]) -> None:
        for packet in packets:
            self.pair.rtp.sendto(packet, (self.host, self.ports[0]))

    def control(self, packet: bytes) -> None:
        self.pair.rtcp.sendto(packet, (self.host, self.ports[1]))

    def waiting(self) -> int:
        return self.pair.rtp.get_write_buffer_size()

    def __str__(self) -> str:
        ours = f"{self.pair.port}-{self.pair.port + 1}"
        return f"RTP/AVP;unicast;client_port={self.ports[0]}-{self.ports[1]};server_port={ours}"


@dataclass(eq=False)
class Session:
    """One reader of one stream."""

    stream: Stream
    manner: Manner
    id: str = field(default_factory=lambda: secrets.token_hex(8))
    ways: dict[int, Interleaved | Datagrams] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)
    played: float | None = None
    starved: bool = True  # waits for a key picture
    flowing: float = 0.0  # when the way was last free

    def play(self) -> None:
        self.played = self.flowing = time.monotonic()
        self.starved = True
        self.stream.join(self)
        self.reports()

    def pause(self) -> None:
        self.played = None
        self.stream.leave(self)

    def picture(self, packets: list[bytes], key: bool, framed: dict[int, bytes]) -> None:
        manner, now = self.manner, time.monotonic()
        age = now - self.played
        if 0 not in self.ways or age < manner.late or age > manner.stall_after or (manner.no_key and key):
            return
        if self.ways[0].waiting() > BACKLOG_BYTES:
            self.starved = True
            return
        self.flowing = now
        self.starved = self.starved and not (key or manner.no_key)
        if manner.noise:
            packets, framed = [packet[:12] + random.randbytes(len(packet) - 12) for packet in packets], {}
        if not self.starved:
            self.ways[0].send(packets, framed)

    def sound(self, packets: list[bytes]) -> None:
        if 1 in self.ways and not self.starved:
            self.ways[1].send(packets, {})

    def reports(self) -> None:
        if self.played is None or self.manner.silent or time.monotonic() - self.played > self.manner.stall_after:
            return
        now = time.time()
        for number, way in self.ways.items():
            if way.waiting() < BACKLOG_BYTES:
                way.control(self.stream.tracks[number].report(now))

    def end(self) -> None:
        if self.played is None:
            return
        for number, way in self.ways.items():
            if isinstance(way, Datagrams):
                way.control(self.stream.tracks[number].farewell())
        self.pause()


class _Listener(asyncio.DatagramProtocol):
    def __init__(self, heard):
        self.heard = heard

    def datagram_received(self, data, addr) -> None:
        self.heard(addr)


class UdpPair:
    """Two neighbouring ports, the lower one even, shared by all UDP sessions."""

    async def open(self, host: str, heard) -> None:
        loop = asyncio.get_running_loop()
        for _attempt in range(50):
            first = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
            second = socket.socket(first.family, socket.SOCK_DGRAM)
            first.bind((host, 0))
            self.port = first.getsockname()[1]
            try:
                second.bind((host, self.port + 1))
            except OSError:
                self.port |= 1
            if self.port % 2 == 0:
                break
            first.close()
            second.close()
        else:
            raise OSError("no two neighbouring UDP ports are free")
        self.rtp, _ = await loop.create_datagram_endpoint(lambda: _Listener(heard), sock=first)
        self.rtcp, _ = await loop.create_datagram_endpoint(lambda: _Listener(heard), sock=second)

    def close(self) -> None:
        self.rtp.close()
        self.rtcp.close()


class Server:
    """Accepts connections; keeps the sessions and ends those that nobody keeps alive."""

    def __init__(self, streams: Streams, *, host: str, port: int, timeout: float = 60.0):
        self.streams, self.host, self.port, self.timeout = streams, host, port, timeout
        self.sessions: dict[str, Session] = {}
        self.connections: set[Connection] = set()
        self.udp = UdpPair()

    async def start(self) -> None:
        await self.udp.open(self.host, self._heard)
        self.listener = await asyncio.start_server(self._connected, self.host, self.port, limit=MAX_HEAD, backlog=1024)
        self.port = self.listener.sockets[0].getsockname()[1]
        self.sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        self.sweeper.cancel()
        self.listener.close()
        for session in tuple(self.sessions.values()):
            self.forget(session)
            session.stream.close()
        self.streams.close()
        for connection in tuple(self.connections):
            connection.writer.transport.abort()
        self.udp.close()
        await asyncio.sleep(0)

    def forget(self, session: Session) -> None:
        self.sessions.pop(session.id, None)
        session.end()

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self.connections) >= MAX_CONNECTIONS:
            writer.transport.abort()
            return
        connection = Connection(self, reader, writer)
        self.connections.add(connection)
        try:
            await connection.serve()
        except (ConnectionError, asyncio.IncompleteReadError, TimeoutError):
            pass  # readers come and go as they like
        except asyncio.CancelledError:
            writer.transport.abort()
            raise
        finally:
            self.connections.discard(connection)
            connection.end()

    def _heard(self, address) -> None:
        """A receiver report by UDP keeps its session alive."""
        for session in self.sessions.values():
            for way in session.ways.values():
                if isinstance(way, Datagrams) and way.host == address[0] and address[1] in way.ports:
                    session.seen = time.monotonic()

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(min(5.0, self.timeout / 4))
            now = time.monotonic()
            for session in tuple(self.sessions.values()):
                stuck = session.played and session.starved and now - session.flowing > STUCK_AFTER
                if now - session.seen > self.timeout * 1.25 or (stuck and session.ways[0].waiting()):
                    logger.info("session %s ends: %s", session.id, "stuck" if stuck else "silent")
                    for way in session.ways.values():
                        if isinstance(way, Interleaved):
                            way.writer.transport.abort()
                    self.forget(session)


class Connection:
    """One reader's RTSP connection."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter):
        self.server, self.reader, self.writer = server, reader, writer
        self.own: set[str] = set()
        self.timers: list[asyncio.TimerHandle] = []
        self.peer = writer.get_extra_info("peername")[0]
        self.local = writer.get_extra_info("sockname")[0]

    async def serve(self) -> None:
        while True:
            try:
                request = await self.next_request()
            except Refused as refusal:
                self.reply("0", refusal.status)
                if refusal.close:
                    break
                continue
            if request is None:
                break
            manner, _ = self.server.streams.find(self.track_path(request)[0]) or (GOOD, None)
            if manner.hang:
                await self.reader.read(-1)
                break
            if manner.garbage:
                await self.babble()
                break
            self.handle(request, manner)
            await self.writer.drain()

    def end(self) -> None:
        for timer in self.timers:
            timer.cancel()
        for name in self.own:
            session = self.server.sessions.get(name)
            if session and any(isinstance(way, Interleaved) for way in session.ways.values()):
                self.server.forget(session)
        self.writer.close()

    async def next_request(self) -> Request | None:
        """The next request; receiver reports between requests count as signs of life."""
        while True:
            async with asyncio.timeout(None if self.own else IDLE_BEFORE_REQUEST):
                first = await self.reader.read(1)
                if not first:
                    return None
                if first == b"$":
                    _channel, *size = await self.reader.readexactly(3)
                    await self.reader.readexactly(int.from_bytes(size, "big"))
                    self.alive()
                    continue
                if first in b"\r\n":
                    continue
                return await self._read_request(first)

    async def _read_request(self, first: bytes) -> Request:
        try:
            head = first + await self.reader.readuntil(b"\r\n\r\n")
        except asyncio.LimitOverrunError as error:
            raise Refused(413, close=True) from error
        request = parse_head(head)
        length = request.headers.get("content-length", "0")
        if not re.fullmatch(r"\d{1,9}", length):
            raise Refused(400, close=True)
        if int(length) > MAX_BODY:
            raise Refused(413, close=True)
        await self.reader.readexactly(int(length))
        return request

    def alive(self) -> None:
        for name in self.own:
            if name in self.server.sessions:
                self.server.sessions[name].seen = time.monotonic()

    def reply(self, cseq: str, status: int, headers: dict[str, str] | None = None, body: str = "") -> None:
        lines = [f"RTSP/1.0 {status} {REASONS[status]}", f"CSeq: {cseq}", "Server: virtual-camera"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        if body:
            lines += ["Content-Type: application/sdp", f"Content-Length: {len(body.encode())}"]
        self.writer.write("\r\n".join([*lines, "", body]).encode())

    def handle(self, request: Request, manner: Manner) -> None:
        verb = getattr(self, f"do_{request.method.lower()}", None)
        cseq = request.headers["cseq"]
        self.alive()
        try:
            if verb is None:
                raise Refused(501)
            if manner.refuse and request.method != "OPTIONS":
                raise Refused(454)
            headers, body = verb(request)
        except Refused as refusal:
            self.reply(cseq, refusal.status)
        else:
            self.reply(cseq, 200, headers, body)
            if request.method == "PLAY":
                self.begin(self.session(request))

    def track_path(self, request: Request) -> tuple[str, int]:
        """The stream's path and the track's number in an address."""
        match = re.fullmatch(r"(.*?)/track(\d)", request.path)
        return (match[1], int(match[2])) if match else (request.path, 0)

    def find(self, request: Request) -> tuple[Manner, Stream]:
        found = self.server.streams.find(self.track_path(request)[0])
        if found is None:
            raise Refused(404)
        return found

    def session(self, request: Request) -> Session:
        session = self.server.sessions.get(request.session)
        if session is None:
            raise Refused(454)
        session.seen = time.monotonic()
        return session

    def do_options(self, request: Request):
        return {"Public": METHODS}, ""

    def do_describe(self, request: Request):
        _, stream = self.find(request)
        return {"Content-Base": request.url.rstrip("/") + "/"}, stream.describe(self.local)

    def do_setup(self, request: Request):
        if request.session:
            session = self.session(request)
            if session.played is not None:
                raise Refused(455)
        else:
            manner, stream = self.find(request)
            if len(self.server.sessions) >= MAX_SESSIONS:
                raise Refused(453)
            session = Session(stream, manner)
        track = self.track_path(request)[1]
        if track >= len(session.stream.tracks):
            raise Refused(404)
        offers = request.headers.get("transport", "")
        session.ways[track] = way = self.choose_way(offers, track, by_tcp=not session.manner.udp)
        self.server.sessions[session.id] = session
        self.own.add(session.id)
        return {
            "Transport": f"{way};ssrc={session.stream.tracks[track].ssrc:08X}",
            "Session": f"{session.id};timeout={round(self.server.timeout)}",
        }, ""

    def choose_way(self, transports: str, track: int, *, by_tcp: bool) -> Interleaved | Datagrams:
        """The first of the offered transports that we speak."""
        for offer in transports.split(","):
            kind, *options = (part.strip() for part in offer.split(";"))
            values = dict(option.partition("=")[::2] for option in options)
            if "multicast" in values:
                continue
            if kind.upper() == "RTP/AVP/TCP" and by_tcp:
                channel = re.fullmatch(r"(\d{1,3})(-\d{1,3})?", values.get("interleaved", str(2 * track)))
                if channel and int(channel[1]) < 255:
                    return Interleaved(self.writer, int(channel[1]))
            elif kind.upper() in {"RTP/AVP", "RTP/AVP/UDP"}:
                ports = re.fullmatch(r"(\d{4,5})(?:-(\d{4,5}))?", values.get("client_port", ""))
                if ports and 1024 <= int(ports[1]) < 65_535:
                    return Datagrams(self.server.udp, self.peer, (int(ports[1]), int(ports[2] or int(ports[1]) + 1)))
        raise Refused(461)

    def do_play(self, request: Request):
        session = self.session(request)
        return {"Session": session.id, "Range": "npt=now-"}, ""

    def begin(self, session: Session) -> None:
        if session.played is not None:
            return
        session.play()
        if session.manner.flap_after < 1e9:
            loop = asyncio.get_running_loop()
            self.timers.append(loop.call_later(session.manner.flap_after, self.writer.transport.abort))

    def do_pause(self, request: Request):
        session = self.session(request)
        if session.played is not None:
            session.pause()
        return {"Session": session.id}, ""

    def do_get_parameter(self, request: Request):
        return ({"Session": self.session(request).id} if request.session else {}), ""

    do_set_parameter = do_get_parameter

    def do_teardown(self, request: Request):
        self.server.forget(self.session(request))
        return {}, ""

    async def babble(self) -> None:
        with contextlib.suppress(ConnectionError):
            while not self.reader.at_eof():
                self.writer.write(random.randbytes(4096))
                await self.writer.drain()
                await asyncio.sleep(0.1)
