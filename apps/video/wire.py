"""What a recorder and a reader of its live view say to each other over TCP.

The recorder greets with a nonce and an HMAC over it and its certificate (tls.py), so that nobody can stand in between.
The reader answers with one line of JSON and an HMAC over nonce, certificate and wish. Then the recorder sends messages:
one byte of kind, the length, a time by the recorder's clock (Unix s), the payload.
The time is that of the picture or, with a configuration, of sending.
"""

import hashlib
import hmac
import json
import secrets
import struct

from django.conf import settings

NONCE_BYTES = 32
GREETING_BYTES = NONCE_BYTES + hashlib.sha256().digest_size
LONGEST_WISH = 512
LONGEST_MESSAGE = 64 * 1024 * 1024
HEADER = struct.Struct(">cId")
CONFIG, INIT, KEY, DELTA, END = b"C", b"I", b"K", b"D", b"E"
WATCH, STILL = "watch", "still"


class BadPeer(Exception):
    """The other side does not know the secret or does not speak this language."""


def greeting(fingerprint: bytes) -> tuple[bytes, bytes]:
    """What is said to a reader, and the challenge that it has to answer."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    challenge = nonce + fingerprint
    return nonce + _mac(challenge, "recorder"), challenge


def read_greeting(said: bytes, fingerprint: bytes) -> bytes:
    """The challenge. Raises BadPeer when this is no recorder of ours."""
    challenge = said[:NONCE_BYTES] + fingerprint
    if not hmac.compare_digest(said[NONCE_BYTES:], _mac(challenge, "recorder")):
        raise BadPeer("not a recorder of ours")
    return challenge


def _mac(challenge: bytes, words: str) -> bytes:
    return hmac.digest(settings.RECORDER_SECRET.encode(), challenge + words.encode(), hashlib.sha256)


def wish(challenge: bytes, want: str, camera_id: int) -> bytes:
    said = {"want": want, "camera": camera_id, "mac": _mac(challenge, f"{want}:{camera_id}").hex()}
    return json.dumps(said).encode() + b"\n"


def read_wish(challenge: bytes, line: bytes) -> tuple[str, int]:
    try:
        said = json.loads(line)
        want, camera_id, mac = str(said["want"]), int(said["camera"]), str(said["mac"])
    except (ValueError, TypeError, KeyError, RecursionError):
        raise BadPeer("not a wish") from None
    if not hmac.compare_digest(mac.encode(), _mac(challenge, f"{want}:{camera_id}").hex().encode()):
        raise BadPeer("wrong secret")
    return want, camera_id


def read_header(data: bytes) -> tuple[bytes, int, float]:
    kind, length, taken_at = HEADER.unpack(data)
    if kind not in (CONFIG, INIT, KEY, DELTA, END) or length > LONGEST_MESSAGE:
        raise BadPeer("not a message")
    return kind, length, taken_at
