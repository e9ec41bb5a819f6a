"""The centre's signature: Ed25519 over the canonical JSON of what it vouches for. See docs/keys.md.

The private key is a file that only the workers that make clips read. Its public half is a row: rows are kept for
good, so what an old key signed can be checked for ever.
"""

import base64
import hashlib
import json
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.audit.actions import record
from apps.audit.keys import draft_of_new_key, private_key
from apps.video.models import SigningKey


class OutOfUse(Exception):
    """The key in the file was retired: a new one is needed (`rotate_signing_key`)."""


def canonical(document: dict) -> bytes:
    """The bytes that are signed: everything but the signature, keys sorted, no spaces, UTF-8."""
    unsigned = {key: value for key, value in document.items() if key != "signature"}
    return json.dumps(unsigned, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def sign(document: dict) -> dict:
    """`document` with the key's number, the public key and the signature in it."""
    private = private_key(_file())
    key = _known(private.public_key())
    if key.until:
        raise OutOfUse(key.pk)
    signed = {**document, "key": key.pk, "public_key": key.public}
    return {**signed, "signature": base64.b64encode(private.sign(canonical(signed))).decode()}


def signer(document: dict) -> SigningKey | None:
    """The key of this centre that signed `document` as it is; None when none did. Takes any JSON object."""
    key = SigningKey.objects.filter(pk=str(document.get("key"))[:16]).first()
    if key is None:
        return None
    try:
        public = Ed25519PublicKey.from_public_bytes(base64.b64decode(key.public))
        public.verify(base64.b64decode(document["signature"], validate=True), canonical(document))
    except (InvalidSignature, KeyError, ValueError, TypeError, RecursionError):
        return None
    return key


def public_keys() -> list[dict]:
    """Every key there ever was, as a JSON Web Key (RFC 8037) with the times of its use and its PEM."""
    return [_published(key) for key in SigningKey.objects.all()]


def _published(key: SigningKey) -> dict:
    raw = base64.b64decode(key.public)
    pem = Ed25519PublicKey.from_public_bytes(raw).public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "kid": key.pk,
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
        "x": base64.urlsafe_b64encode(raw).decode().rstrip("="),
        "pem": pem.decode(),
        "since": key.since,
        "until": key.until,
        "compromised_at": key.compromised_at,
    }


@transaction.atomic
def rotate(*, by=None) -> SigningKey:
    """Make a new key and sign with it from now on. The private half of the old one is destroyed."""
    SigningKey.objects.filter(until=None).update(until=timezone.now())
    draft = draft_of_new_key(_file())
    key = _known(private_key(draft).public_key())
    record("signing_key.rotated", actor=by, target=key)
    draft.replace(_file())
    return key


@transaction.atomic
def disown(key: SigningKey, since: datetime, *, by=None) -> None:
    """Strangers may know this key from `since` on: its signature alone proves nothing any more."""
    key.compromised_at, key.until = since, key.until or timezone.now()
    key.save()
    record("signing_key.disowned", actor=by, target=key, since=since.isoformat())


# --- the file ---


def _file() -> Path:
    return settings.SIGNING_KEY_FILE


def _known(public: Ed25519PublicKey) -> SigningKey:
    raw = public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    number = hashlib.sha256(raw).hexdigest()[:16]
    key, is_new = SigningKey.objects.get_or_create(pk=number, defaults={"public": base64.b64encode(raw).decode()})
    if is_new:
        record("signing_key.made", target=key, public=key.public)
    return key
