"""Ed25519 keys of the centre: one file per purpose under VAR_DIR/keys, made when first wanted."""

import os
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings


def signing_key(purpose: str) -> Ed25519PrivateKey:
    return _read(settings.VAR_DIR / "keys" / f"{purpose}.pem")


@cache
def _read(file: Path) -> Ed25519PrivateKey:
    if not file.exists():
        _make(file)
    return serialization.load_pem_private_key(file.read_bytes(), password=None)


def _make(file: Path) -> None:
    """Write a new key, unless another process was quicker; nobody ever reads half of one."""
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
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
