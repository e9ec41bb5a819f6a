"""The centre's signature under a manifest: Ed25519 over its canonical JSON."""

import base64
import json
import os
from functools import cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from django.conf import settings


def _key_file() -> Path:
    return settings.VAR_DIR / "keys" / "manifest.pem"


@cache
def _key(file: Path) -> Ed25519PrivateKey:
    if not file.exists():
        _make_key(file)
    return serialization.load_pem_private_key(file.read_bytes(), password=None)


def _make_key(file: Path) -> None:
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


def canonical(manifest: dict) -> bytes:
    unsigned = {key: value for key, value in manifest.items() if key != "signature"}
    return json.dumps(unsigned, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(manifest: dict) -> dict:
    """`manifest` with the public key and the signature in it."""
    key = _key(_key_file())
    public = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    signed = {**manifest, "public_key": base64.b64encode(public).decode()}
    return {**signed, "signature": base64.b64encode(key.sign(canonical(signed))).decode()}


def is_ours(manifest: dict) -> bool:
    """Whether the manifest is as this centre signed it."""
    public: Ed25519PublicKey = _key(_key_file()).public_key()
    try:
        public.verify(base64.b64decode(manifest["signature"], validate=True), canonical(manifest))
    except (InvalidSignature, KeyError, ValueError, TypeError):
        return False
    return True
