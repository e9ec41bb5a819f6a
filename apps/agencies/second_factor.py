"""The second factor at sign-in: an authenticator app, a passkey, or a recovery code.

The steps themselves are allauth's; here stands what this centre decides about them.
"""

import base64
import hashlib
from types import SimpleNamespace

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import (
    authentication_failed,
    authenticator_added,
    authenticator_removed,
    authenticator_reset,
)
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.db import transaction
from django.dispatch import receiver

from apps.agencies.models import User
from apps.audit.actions import record
from apps.audit.middleware import address_of

SETTLED = "second_factor"
ENCRYPTED = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class Accounts(DefaultAccountAdapter):
    """Nobody signs up: an agency's administrator invites."""

    def is_open_for_signup(self, request):
        return False

    def get_client_ip(self, request) -> str:
        return address_of(request) or "unknown"

    def add_message(self, *args, **kwargs):
        """The page itself shows what was done."""

    def send_notification_mail(self, *args, **kwargs):
        """Changes are on record in the audit; the centre's accounts need no mail address."""


class Factors(DefaultMFAAdapter):
    """What authenticator apps share with us is kept encrypted: a copy of the database alone opens no door."""

    def get_totp_issuer(self) -> str:
        return settings.CITY["name_en"]

    def encrypt(self, text: str) -> str:
        return _vault().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _vault().decrypt(encrypted_text.encode()).decode()


def _vault() -> MultiFernet:
    """Encrypts by today's SECRET_KEY, and reads what an older one encrypted."""
    return MultiFernet([_lock(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _lock(key: str) -> Fernet:
    digest = hashlib.sha256(b"second factor:" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


@transaction.atomic
def encrypt_anew() -> int:
    """Let no older key be needed any more; gives how many factors that concerned."""
    factors = Authenticator.objects.select_for_update().filter(type__in=ENCRYPTED)
    for factor in factors:
        given = factor.data
        for name in ("secret", "seed"):
            if name in given:
                given[name] = _vault().rotate(given[name].encode()).decode()
        if "migrated_codes" in given:
            given["migrated_codes"] = [_vault().rotate(code.encode()).decode() for code in given["migrated_codes"]]
        factor.save(update_fields=["data"])
    record("factors.encrypted_anew", count=len(factors))
    return len(factors)


def has_second_factor(user: User, session) -> bool:
    """Whether this session stands on a second factor: ours, or that of the agency's own identity provider.

    Once a person has one, allauth lets no session begin without it; so the answer is kept in the session.
    """
    if not settings.SECOND_FACTOR or session.get(SETTLED):
        return True
    steps = get_authentication_records(SimpleNamespace(session=session), user)
    settled = any(step["method"] == "socialaccount" for step in steps) or is_mfa_enabled(user)
    if settled:
        session[SETTLED] = True
    return settled


@receiver(authenticator_added)
def added(request, user, authenticator, **kwargs):
    record("person.second_factor_added", actor=user, target=user, type=authenticator.type)


@receiver(authenticator_removed)
def removed(request, user, authenticator, **kwargs):
    record("person.second_factor_removed", actor=user, target=user, type=authenticator.type)
    request.session.pop(SETTLED, None)


@receiver(authenticator_reset)
def reset(request, user, authenticator, **kwargs):
    record("person.recovery_codes_renewed", actor=user, target=user)


@receiver(authentication_failed)
def failed(sender, user, authenticator, **kwargs):
    """A wrong code, or one that was used before."""
    record("person.second_factor_failed", target=user, type=authenticator.type)
