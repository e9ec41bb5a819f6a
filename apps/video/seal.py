"""The seal: what the centre vouches for, signed, in the last box of a clip's own file.

An MP4 player skips a box that it does not know, so a sealed file plays anywhere; and the file alone tells what it
is and whether a byte before the seal was changed, without the register and without the network.
"""

import hashlib
import json
import re
import struct
import uuid
from dataclasses import dataclass, field

from apps.video.fmp4 import box

TYPE = uuid.UUID("6b1d1c5e-0c43-4f0b-9a55-1d2f8c6e7a90").bytes
HEAD = 32  # size, "uuid", a large size or the type, the type
LARGEST_SEAL = 1 << 20
# A file of more boxes is nobody's video; what follows counts as one.
MOST_BOXES = 200_000
# A clip's number also stands in the file as a comment, at its head or its tail.
NUMBER = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
LOOKED_AT = 256 * 1024
MOST_NUMBERS = 16


def sealed(signed: dict) -> bytes:
    """The box that holds a signed document."""
    return box(b"uuid", TYPE, json.dumps(signed, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode())


@dataclass(frozen=True)
class Evidence:
    """What a file says about itself. `content` is the SHA-256 of all before the seal, when the seal ends the file."""

    sha256: str
    content: str = ""
    seal: dict = field(default_factory=dict)
    numbers: tuple[str, ...] = ()


class Reading:
    """Takes a file in pieces of any size, in order; keeps its fingerprints, its seal and its two ends."""

    def __init__(self):
        self._hash, self._before_seal = hashlib.sha256(), None
        self._head, self._left, self._boxes = bytearray(), 0, 0
        self._seal, self._in_seal = bytearray(), False
        self._start, self._end = bytearray(), bytearray()

    def feed(self, data: bytes) -> None:
        self._keep_ends(data)
        rest = memoryview(data)
        while rest:
            if self._left:
                inside, rest = rest[: self._left], rest[self._left :]
                self._inside(inside)
            else:
                wanted = HEAD - len(self._head)
                self._head += rest[:wanted]
                rest = rest[wanted:]
                if len(self._head) == HEAD:
                    self._begin_box()

    def finish(self) -> Evidence:
        if self._head:  # fewer bytes than any sealed box has
            self._before_seal = None
            self._hash.update(self._head)
        ends_with_seal = self._before_seal is not None and self._left == 0
        return Evidence(
            sha256=self._hash.hexdigest(),
            content=self._before_seal.hexdigest() if ends_with_seal else "",
            seal=parse(bytes(self._seal)) or parse(_after_type(self._end)),
            numbers=self._numbers(),
        )

    def _begin_box(self) -> None:
        head = bytes(self._head)
        size, name = struct.unpack_from(">I4s", head)
        at = 8
        if size == 1:
            (size,), at = struct.unpack_from(">Q", head, 8), 16
        self._boxes += 1
        if size == 0 or size < at or self._boxes > MOST_BOXES:
            size = 1 << 63  # to the end of the file
        self._in_seal = name == b"uuid" and head[at : at + 16] == TYPE and at + 16 <= size <= LARGEST_SEAL
        self._before_seal = self._hash.copy() if self._in_seal else None
        if self._in_seal:
            self._seal = bytearray(head[at + 16 : size])
        self._head = self._head[min(size, HEAD) :]
        self._hash.update(head[:size])
        self._left = max(0, size - HEAD)

    def _inside(self, data: memoryview) -> None:
        self._hash.update(data)
        self._left -= len(data)
        if self._in_seal:
            self._seal += data

    def _keep_ends(self, data: bytes) -> None:
        self._start += data[: LOOKED_AT - len(self._start)]
        self._end = (self._end + data[-LOOKED_AT:])[-LOOKED_AT:]

    def _numbers(self) -> tuple[str, ...]:
        found = [match.decode() for end in (self._start, self._end) for match in NUMBER.findall(end)]
        return tuple(dict.fromkeys(found))[:MOST_NUMBERS]


def _after_type(end: bytes) -> bytes:
    """What follows the name of our box at the end of a file whose other boxes lead elsewhere."""
    return bytes(end.rpartition(b"uuid" + TYPE)[2]) if b"uuid" + TYPE in end else b""


def parse(text: bytes) -> dict:
    """The document in a seal; empty when it holds none. Anybody may have written it."""
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
