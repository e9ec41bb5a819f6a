"""Signed marks of where the chain stood, kept outside the database.

Whoever owns the database could write a whole new chain that holds in itself. They could not make it agree with
the marks in AUDIT_CHECKPOINTS, a file that belongs on another machine's disk.
"""

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings
from django.utils import timezone

from apps.audit.actions import end_of_chain
from apps.audit.keys import private_key
from apps.audit.models import Link

LONGEST_LINE = 1_000


def mark() -> bool:
    """Append a signed mark of the chain's end; False when nothing was sealed since the last one."""
    position, newest = end_of_chain()
    file: Path = settings.AUDIT_CHECKPOINTS
    if not position or position == _last_position(file):
        return False
    words = {"position": position, "hash": newest.hex(), "at": timezone.now().isoformat()}
    signature = _key().sign(_text(words))
    file.parent.mkdir(parents=True, exist_ok=True)
    fd = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
    with os.fdopen(fd, "a") as out:
        out.write(json.dumps({**words, "signature": base64.b64encode(signature).decode()}) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return True


def disagreements() -> Iterator[str]:
    """A sentence for each mark that is not ours, or that the chain in the database does not agree with."""
    public = _key().public_key()
    marks = [_read(line, public) for line in _lines(settings.AUDIT_CHECKPOINTS)]
    positions = [words["position"] for words in marks if words]
    chain = dict(Link.objects.filter(position__in=positions).values_list("position", "hash"))
    for number, words in enumerate(marks, 1):
        if words is None:
            yield f"checkpoint {number} is not one that this centre signed"
        elif words["position"] not in chain:
            yield f"checkpoint {number} of {words['at']}: link {words['position']} has been removed"
        elif bytes(chain[words["position"]]).hex() != words["hash"]:
            yield f"checkpoint {number} of {words['at']}: link {words['position']} is another than at that time"


def _key() -> Ed25519PrivateKey:
    return private_key(settings.VAR_DIR / "keys" / "audit.pem")


def _text(words: dict) -> bytes:
    return json.dumps(words, sort_keys=True).encode()


def _read(line: str, public: Ed25519PublicKey) -> dict | None:
    """What a line vouches for; None when it is damaged or its signature is not ours."""
    try:
        words = json.loads(line)
        signature = base64.b64decode(words.pop("signature"), validate=True)
        public.verify(signature, _text(words))
    except (ValueError, TypeError, AttributeError, KeyError, InvalidSignature):
        return None
    return words


def _lines(file: Path) -> Iterator[str]:
    if file.exists():
        with file.open(encoding="utf-8", errors="replace") as lines:
            while line := lines.readline(LONGEST_LINE):
                yield line


def _last_position(file: Path) -> int:
    last, public = 0, _key().public_key()
    for line in _lines(file):
        last = (_read(line, public) or {"position": last})["position"]
    return last
