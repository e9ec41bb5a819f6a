"""Ed25519 keys of the centre: each a file for its owner alone, made when first wanted."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def private_key(file: Path) -> Ed25519PrivateKey:
    """Read each time: a new key in the file counts at once, in every process."""
    if not file.exists():
        _make_first(file)
    return serialization.load_pem_private_key(file.read_bytes(), password=None)


def _make_first(file: Path) -> None:
    """Unless another process was quicker."""
    draft = draft_of_new_key(file)
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def draft_of_new_key(file: Path) -> Path:
    """A new key on disk beside `file`, whole, for its owner alone; nobody ever reads half of one."""
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    draft = file.with_suffix(f".{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "wb") as out:
        out.write(pem)
        out.flush()
        os.fsync(out.fileno())
    return draft
