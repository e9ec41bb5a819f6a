"""Asking a camera for its video by RTSP 1.0 (RFC 2326), over one TCP connection, up to PLAY.

This part may wait, and runs on the camera's own thread; what flows afterwards is read in `network.py`.
"""

import base64
import hashlib
import re
import secrets
import socket
import ssl
import struct
import time
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote, urlsplit, urlunsplit

from apps.video import reasons
from apps.video.nal import H264, H265, BadStream
from apps.video.rtp import RATE, Unsupported

MAX_HEAD, MAX_BODY, MAX_EARLY, MAX_ANSWERS = 16_384, 65_536, 1_048_576, 8
MAX_REDIRECTS = 3
PORTS = {"rtsp": 554, "rtsps": 322}
USUAL_TIMEOUT = 60
AGENT = "city-recorder"
CODECS = {"H264": H264, "H265": H265, "HEVC": H265}
HASHES = {"MD5": hashlib.md5, "SHA-256": hashlib.sha256}
PARAMETER = re.compile(r'([\w-]+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')
DOLLAR = 0x24


class Unusable(Exception):
    """The stream cannot be recorded; the message is one of `reasons`."""


class Refused(Exception):
    """The camera answered, and said no."""

    def __init__(self, status: int):
        super().__init__(f"the camera answers {status}")
        self.status = status


# --- addresses ---


@dataclass(frozen=True)
class Address:
    """Where a camera is, and who we are to it. `url` names nobody."""

    url: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)

    @cached_property
    def is_secret(self) -> bool:
        return self.url.lower().startswith("rtsps:")


def address(url: str) -> Address:
    """Reads an address; ValueError when it is none."""
    parts = urlsplit(url)
    if parts.scheme not in PORTS or not parts.hostname or re.search(r"[\x00-\x20\x7f]", url):
        raise ValueError("no RTSP address")
    port = parts.port or PORTS[parts.scheme]
    place = parts.netloc.rpartition("@")[2]
    plain = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
    return Address(plain, parts.hostname, port, unquote(parts.username or ""), unquote(parts.password or ""))


# --- what a camera answers ---


@dataclass
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes = b""

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        return next(iter(self.all(name)), "")


def answer(head: bytes) -> Answer:
    """The first line and headers of an answer, without the empty line; raises BadStream."""
    first, *lines = head.decode("utf-8", "replace").split("\r\n")
    match = re.match(r"RTSP/1\.\d (\d{3})(?: |$)", first)
    if not match:
        raise BadStream("no RTSP answer")
    headers = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Answer(int(match[1]), headers)


def body_length(head: Answer) -> int:
    length = head.get("content-length") or "0"
    if not re.fullmatch(r"\d{1,9}", length) or int(length) > MAX_BODY:
        raise BadStream(f"impossible length {length[:20]}")
    return int(length)


# --- who we are ---


class Credentials:
    """Answers a camera's challenge: Digest (RFC 2617 and 7616) before Basic."""

    def __init__(self, user: str, password: str):
        self._user, self._password = user, password
        self._challenge: dict[str, str] | None = None
        self._basic = False
        self._count = 0

    def learn(self, challenges: list[str]) -> bool:
        """Whether one of the challenges can be answered."""
        if not self._user:
            return False
        offered = [dict(_parameters(text)) for text in challenges if text.lower().startswith("digest")]
        known = [one for one in offered if one.get("algorithm", "MD5").upper() in HASHES and "nonce" in one]
        known.sort(key=lambda one: one.get("algorithm", "MD5").upper() == "MD5")
        self._challenge, self._count = (known[0] if known else None), 0
        self._basic = any(text.lower().startswith("basic") for text in challenges)
        return bool(known) or self._basic

    def header(self, method: str, url: str) -> str:
        """The value of `Authorization`; empty before the first challenge."""
        if self._challenge:
            return self._digest(self._challenge, method, url)
        if self._basic:
            pair = f"{self._user}:{self._password}".encode()
            return f"Basic {base64.b64encode(pair).decode()}"
        return ""

    def _digest(self, asked: dict[str, str], method: str, url: str) -> str:
        algorithm, realm, nonce = asked.get("algorithm", "MD5"), asked.get("realm", ""), asked["nonce"]

        def hashed(text: str) -> str:
            return HASHES[algorithm.upper()](text.encode()).hexdigest()

        secret, act = hashed(f"{self._user}:{realm}:{self._password}"), hashed(f"{method}:{url}")
        said = {"username": self._user, "realm": realm, "nonce": nonce, "uri": url}
        more = ""
        if "auth" in re.split(r"[\s,]+", asked.get("qop", "")):
            self._count += 1
            count, ours = f"{self._count:08x}", secrets.token_hex(8)
            said |= {"response": hashed(f"{secret}:{nonce}:{count}:{ours}:auth:{act}"), "cnonce": ours}
            more = f", qop=auth, nc={count}"
        else:
            said["response"] = hashed(f"{secret}:{nonce}:{act}")
        said |= {name: asked[name] for name in ("opaque",) if name in asked}
        if "algorithm" in asked:
            more += f", algorithm={algorithm}"
        return "Digest " + ", ".join(f'{name}="{value}"' for name, value in said.items()) + more


def _parameters(challenge: str) -> list[tuple[str, str]]:
    found = PARAMETER.findall(challenge.partition(" ")[2])
    return [(name.lower(), quoted or bare) for name, quoted, bare in found]


# --- what a camera offers ---


@dataclass(frozen=True)
class Video:
    """The video of a session description, and the addresses to ask for it."""

    codec: str
    payload_type: int
    sets: tuple[bytes, ...]
    control: str
    aggregate: str


def video(description: bytes, base: str) -> Video:
    """The first video we can record in a session description (SDP) that was found at `base`."""
    sections: list[list[str]] = [[]]
    for line in description.decode("utf-8", "replace").splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line.strip())
    videos = [section for section in sections[1:] if section[0].startswith("m=video")]
    if not videos:
        raise Unusable(reasons.NO_VIDEO)
    aggregate = _control(sections[0], base)
    for section in videos:
        for payload_type in section[0].split()[3:]:
            name, _, rate = _about(section, "rtpmap", payload_type).partition("/")
            codec = CODECS.get(name.strip().upper())
            if codec and payload_type.isdecimal() and int(payload_type) < 128:
                form = _format(section, payload_type)
                _insist_on_order(form, rate)
                control = _control(section, aggregate if _has_control(sections[0]) else base)
                return Video(codec, int(payload_type), _sets(codec, form), control, aggregate)
    raise Unusable(reasons.CODEC)


def _about(section: list[str], what: str, payload_type: str) -> str:
    start = f"a={what}:{payload_type} "
    return next((line[len(start) :] for line in section if line.startswith(start)), "")


def _format(section: list[str], payload_type: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in _about(section, "fmtp", payload_type).split(";"))
    return {name.lower(): value for name, _, value in parts}


def _insist_on_order(form: dict[str, str], rate: str) -> None:
    if form.get("packetization-mode") == "2" or form.get("sprop-max-don-diff", "0") != "0":
        raise Unsupported("interleaved packets")
    if rate.split("/")[0].strip() != str(RATE):
        raise Unsupported(f"a clock of {rate[:20]}")


def _sets(codec: str, form: dict[str, str]) -> tuple[bytes, ...]:
    """Parameter sets that were announced; broken ones are left out: they come again in the stream."""
    names = ("sprop-parameter-sets",) if codec == H264 else ("sprop-vps", "sprop-sps", "sprop-pps")
    found = []
    for text in (part for name in names for part in form.get(name, "").split(",")):
        try:
            found.append(base64.b64decode(text + "=" * (-len(text) % 4)))
        except ValueError:
            continue
    return tuple(unit.rstrip(b"\x00") for unit in found if unit.rstrip(b"\x00"))


def _has_control(section: list[str]) -> bool:
    return any(line.startswith("a=control:") for line in section)


def _control(section: list[str], base: str) -> str:
    control = next((line[10:].strip() for line in section if line.startswith("a=control:")), "*")
    if control in ("*", ""):
        return base
    if re.match(r"rtsps?://", control, re.IGNORECASE):
        return control
    # Joined as cameras expect it, query and all, and not as the rules for relative addresses would have it.
    return f"{base if base.endswith('/') else base + '/'}{control}"


# --- the conversation ---


@dataclass
class Dialogue:
    """One connection to a camera, and the state of our requests on it."""

    socket: socket.socket
    asked: Address
    deadline: float
    credentials: Credentials
    rest: bytes = b""
    session: str = ""
    timeout: float = USUAL_TIMEOUT
    channel: int = 0
    aggregate: str = ""
    knows_get_parameter: bool = False
    sent: int = 0
    early: bytes = b""  # pictures that overtook the answer to PLAY

    def request(self, method: str, url: str, **headers: str) -> bytes:
        self.sent += 1
        said = {"CSeq": str(self.sent), "User-Agent": AGENT, **headers}
        if self.session:
            said["Session"] = self.session
        if allowed := self.credentials.header(method, url):
            said["Authorization"] = allowed
        lines = [f"{method} {url} RTSP/1.0", *(f"{name}: {value}" for name, value in said.items())]
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    def ask(self, method: str, url: str, **headers: str) -> Answer:
        """Send a request and wait for its answer; raises Refused unless that is a yes or a redirection."""
        for attempt in range(3):
            self._limit()
            self.socket.sendall(self.request(method, url, **headers))
            found = self._answer(keeps=method == "PLAY")
            if found.status != 401:
                break
            challenges = found.all("www-authenticate")
            # A second no means that we are not believed, unless only the challenge was too old.
            stale = any(dict(_parameters(text)).get("stale", "").lower() == "true" for text in challenges)
            if (attempt and not stale) or not self.credentials.learn(challenges):
                break
        if found.status >= 400:
            raise Refused(found.status)
        return found

    def _limit(self) -> None:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the camera does not answer")
        self.socket.settimeout(left)

    def _more(self) -> None:
        self._limit()
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError("the camera hangs up")
        self.rest += data

    def _answer(self, *, keeps: bool) -> Answer:
        """The answer to the request sent last. Packets that come before it are kept for `early`, or let go."""
        passed = 0
        for _ in range(MAX_ANSWERS):
            while True:
                while len(self.rest) < 4:
                    self._more()
                if self.rest[0] != DOLLAR:
                    break
                size = 4 + int.from_bytes(self.rest[2:4], "big")
                while len(self.rest) < size:
                    self._more()
                passed += size
                if passed > MAX_EARLY:
                    raise BadStream("packets instead of an answer")
                if keeps:
                    self.early += self.rest[:size]
                self.rest = self.rest[size:]
            found = self._whole_answer()
            number = found.get("cseq")
            if not number.isdecimal() or int(number) == self.sent:
                return found
            if int(number) > self.sent:
                raise BadStream("an answer to what was never asked")
        raise BadStream("answers to other questions")

    def _whole_answer(self) -> Answer:
        while (end := self.rest.find(b"\r\n\r\n")) < 0:
            if len(self.rest) > MAX_HEAD or not b"RTSP/1."[: len(self.rest)].startswith(self.rest[:7]):
                raise BadStream("no RTSP answer")
            self._more()
        if end > MAX_HEAD:
            raise BadStream("a head without an end")
        found = answer(self.rest[:end])
        size = end + 4 + body_length(found)
        while len(self.rest) < size:
            self._more()
        found.body, self.rest = self.rest[end + 4 : size], self.rest[size:]
        return found

    # --- signs of life, sent while pictures flow ---

    def keep_alive(self) -> bytes:
        """An empty receiver report, and a request that does nothing."""
        report = struct.pack(">cBHBBHI", b"$", self.channel + 1 & 0xFF, 8, 0x80, 201, 1, 0)
        return report + self.request("GET_PARAMETER" if self.knows_get_parameter else "OPTIONS", self.aggregate)

    def farewell(self) -> bytes:
        return self.request("TEARDOWN", self.aggregate)

    def close(self) -> None:
        self.socket.close()


def connect(url: str, seconds: float) -> tuple[Dialogue, Video]:
    """A connection on which the camera at `url` was told to play. Raises what `feed.why` understands."""
    deadline = time.monotonic() + seconds
    try:
        asked = address(url)
    except ValueError as error:
        raise Unusable(reasons.NOT_RTSP) from error
    for _ in range(MAX_REDIRECTS + 1):
        dialogue = Dialogue(_open(asked, deadline), asked, deadline, Credentials(asked.user, asked.password))
        try:
            elsewhere, found = _describe(dialogue)
            if found is not None:
                _set_up(dialogue, found)
                return dialogue, found
        except BaseException:
            dialogue.close()
            raise
        dialogue.close()
        asked = _followed(asked, elsewhere)
    raise Refused(310)


def _open(asked: Address, deadline: float) -> socket.socket:
    plain = socket.create_connection((asked.host, asked.port), max(0.1, deadline - time.monotonic()))
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if not asked.is_secret:
        return plain
    # Cameras sign their own certificates; who the camera is, its address and its password say.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        plain.settimeout(max(0.1, deadline - time.monotonic()))
        return context.wrap_socket(plain, server_hostname=asked.host)
    except BaseException:
        plain.close()
        raise


def _followed(asked: Address, location: str) -> Address:
    """Where a redirection leads: the same host alone, so that no camera sends us, or our password, elsewhere."""
    try:
        found = address(location)
    except ValueError as error:
        raise BadStream("a redirection to nowhere") from error
    if found.host != asked.host or found.is_secret != asked.is_secret:
        raise Refused(305)
    return Address(found.url, found.host, found.port, asked.user, asked.password)


def _describe(dialogue: Dialogue) -> tuple[str, Video | None]:
    """Where else to ask, or the video."""
    url = dialogue.asked.url
    options = dialogue.ask("OPTIONS", url)
    dialogue.knows_get_parameter = "GET_PARAMETER" in options.get("public").upper()
    described = dialogue.ask("DESCRIBE", url, Accept="application/sdp")
    if described.status >= 300:
        return described.get("location"), None
    base = described.get("content-base") or described.get("content-location") or url
    return "", video(described.body, _nameless(base) if re.match(r"rtsps?://", base, re.IGNORECASE) else url)


def _nameless(url: str) -> str:
    return re.sub(r"^(rtsps?://)[^/@]*@", r"\1", url, flags=re.IGNORECASE)


def _set_up(dialogue: Dialogue, found: Video) -> None:
    try:
        ready = dialogue.ask("SETUP", found.control, Transport="RTP/AVP/TCP;unicast;interleaved=0-1")
    except Refused as refusal:
        if refusal.status == 461:
            raise Unsupported("no video over TCP") from refusal
        raise
    if "tcp" not in (transport := ready.get("transport").lower()) and "interleaved" not in transport:
        raise Unsupported("no video over TCP")
    channel = re.search(r"interleaved=(\d{1,3})", transport)
    dialogue.channel = min(255, int(channel[1])) if channel else 0
    dialogue.session, _, more = (part.strip() for part in ready.get("session").partition(";"))
    seconds = re.search(r"timeout\s*=\s*(\d{1,6})", more)
    dialogue.timeout = max(2, int(seconds[1])) if seconds else USUAL_TIMEOUT
    dialogue.aggregate = found.aggregate
    dialogue.ask("PLAY", found.aggregate, Range="npt=0.000-")
