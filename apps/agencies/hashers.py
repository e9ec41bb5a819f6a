"""How passwords are kept: slowly hashed, and the outcome locked with a key that is not in the database.

So a copy of the database alone lets nobody guess. The key comes from SECRET_KEY, as that of the second factors does;
a hash is locked anew without its password, so keys can be replaced (`reencrypt_factors`, docs/keys.md).
"""

import base64
import hashlib

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.utils.crypto import constant_time_compare


class Locked(PBKDF2PasswordHasher):
    algorithm = "locked_pbkdf2_sha256"

    def encode(self, password, salt, iterations=None):
        return lock(super().encode(password, salt, iterations))

    def verify(self, password, encoded):
        kept = self.decode(encoded)
        try:
            wanted = unlock(encoded)
        except InvalidUnwrap:
            return False
        return constant_time_compare(wanted, super().encode(password, kept["salt"], kept["iterations"]))


def lock(encoded: str) -> str:
    head, _dollar, digest = encoded.rpartition("$")
    locked = aes_key_wrap(_key(settings.SECRET_KEY), base64.b64decode(digest))
    return f"{head}${base64.b64encode(locked).decode()}"


def unlock(encoded: str) -> str:
    """What `lock` was given, by today's key or an older one; InvalidUnwrap when it was another."""
    head, _dollar, locked = encoded.rpartition("$")
    for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS):
        try:
            digest = aes_key_unwrap(_key(key), base64.b64decode(locked))
        except InvalidUnwrap:
            continue
        return f"{head}${base64.b64encode(digest).decode()}"
    raise InvalidUnwrap


def lock_anew(encoded: str) -> str:
    """By today's key: what an older one locked, and what Django's own hasher left open."""
    if encoded.startswith(f"{Locked.algorithm}$"):
        return lock(unlock(encoded))
    return lock(f"{Locked.algorithm}${encoded.removeprefix(f'{PBKDF2PasswordHasher.algorithm}$')}")


def _key(secret: str) -> bytes:
    return hashlib.sha256(b"password:" + secret.encode()).digest()
