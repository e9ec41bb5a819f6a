"""Requests that an agency's system signs instead of sending its secret.

    Authorization: SOC-HMAC-SHA256 Key=12, Time=1795240800, Nonce=9f86d081884c7d65, Signature=<64 hex digits>

The signature is HMAC-SHA-256 over these lines, joined by line feeds: the method, the path with its query, Time,
Nonce, and the SHA-256 of the body in hex. The HMAC's key is the SHA-256 of the secret (32 bytes). Time is in seconds
since 1970 and may be off by five minutes; a nonce (16 to 64 letters, digits, `-` or `_`) is accepted once per key.
"""

import hashlib
import hmac
import re
import time
from datetime import timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.agencies.models import ApiKey, UsedNonce

SCHEME = "SOC-HMAC-SHA256"
MAY_BE_OFF_S = 300
FORM = re.compile(
    r"Key=(?P<key>\d{1,18}), ?Time=(?P<time>\d{1,12}), ?"
    r"Nonce=(?P<nonce>[\w-]{16,64}), ?Signature=(?P<signature>[0-9a-f]{64})",
    re.ASCII,
)


def signature(digest: str, method: str, path: str, at: int, nonce: str, body: bytes) -> str:
    """In hex. `digest` is the SHA-256 of the secret, in hex."""
    text = "\n".join((method, path, str(at), nonce, hashlib.sha256(body).hexdigest()))
    return hmac.new(bytes.fromhex(digest), text.encode(), hashlib.sha256).hexdigest()


def key_that_signed(given: str, method: str, path: str, body: bytes) -> ApiKey | None:
    """The usable key under whose signature the request stands, accepted this once; None for any other."""
    parts = FORM.fullmatch(given.strip())
    if parts is None or abs(time.time() - int(parts["time"])) > MAY_BE_OFF_S:
        return None
    key = ApiKey.objects.usable().select_related("agency").filter(pk=parts["key"]).first()
    expected = signature(key.digest if key else "00" * 32, method, path, int(parts["time"]), parts["nonce"], body)
    if not hmac.compare_digest(expected, parts["signature"]) or key is None:
        return None
    return key if _first_time(key, parts["nonce"]) else None


def named_in(given: str) -> ApiKey | None:
    """The key that a signature, good or not, says it is made with."""
    parts = FORM.fullmatch(given.strip())
    return ApiKey.objects.filter(pk=parts["key"]).first() if parts else None


def _first_time(key: ApiKey, nonce: str) -> bool:
    """Kept in the database: a nonce must not be forgotten when Redis is."""
    try:
        with transaction.atomic():
            UsedNonce.objects.create(key=key, nonce=nonce)
    except IntegrityError:
        return False
    return True


def forget_old_nonces() -> None:
    """A request too old to be accepted needs no nonce to be refused."""
    UsedNonce.objects.filter(at__lt=timezone.now() - timedelta(seconds=4 * MAY_BE_OFF_S)).delete()
