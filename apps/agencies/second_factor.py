"""The second factor at sign-in: an authenticator app, a passkey, or a recovery code.

The steps themselves are allauth's; here stands what this centre decides about them.
"""

import base64
import hashlib
from functools import wraps
from types import SimpleNamespace

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from apps.agencies.actions import reset_by
from apps.agencies.hashers import lock_anew
from apps.agencies.models import Membership, User
from apps.agencies.sittings import end_all
from apps.audit.actions import record
from apps.audit.middleware import address_of

SETTLED = "second_factor"
REFUSED = "passkey_refused"
RECOVERY = Authenticator.Type.RECOVERY_CODES
ENCRYPTED = (Authenticator.Type.TOTP, Authenticator.Type.RECOVERY_CODES)


class Accounts(DefaultAccountAdapter):
    """Nobody signs up: an agency's administrator invites."""

    def is_open_for_signup(self, request):
        return False

    def get_client_ip(self, request) -> str:
        return address_of(request) or "unknown"

    def add_message(self, request, level, *args, message=None, **kwargs):
        """The page itself shows what was done; why a passkey was not taken is said by the sign-in page."""
        if level >= messages.ERROR and message:
            request.session[REFUSED] = str(message)

    def send_notification_mail(self, *args, **kwargs):
        """Changes are on record in the audit; the centre's accounts need no mail address."""


class Factors(DefaultMFAAdapter):
    """What authenticator apps share with us is kept encrypted: a copy of the database alone opens no door."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code or passkey is not known here, or was used before."),
    }

    def validation_error(self, code, *args):
        """Said at every code and passkey that is not taken, so here it is written down."""
        if code == "incorrect_code":
            user = asking(context.request)
            kind = "passkey" if {"credential", "proof-passkey"} & set(context.request.POST) else "code"
            record("person.second_factor_failed", target=user, type=kind)
        return super().validation_error(code, *args)

    def get_totp_issuer(self) -> str:
        return settings.CITY["name_en"]

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        host = super().get_public_key_credential_rp_entity()["id"]
        return {"id": settings.PASSKEY_DOMAIN or host, "name": settings.CITY["name_en"]}

    def encrypt(self, text: str) -> str:
        return _vault().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _vault().decrypt(encrypted_text.encode()).decode()


def asking(request) -> User | None:
    """Who is asked for a factor: somebody signed in, or halfway through signing in; None for a passkey alone."""
    stage = getattr(request, "_login_stage", None)
    return stage.login.user if stage else request.user if request.user.is_authenticated else None


def _vault() -> MultiFernet:
    """Encrypts by today's SECRET_KEY, and reads what an older one encrypted."""
    return MultiFernet([_lock(key) for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _lock(key: str) -> Fernet:
    digest = hashlib.sha256(b"second factor:" + key.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))


@transaction.atomic
def encrypt_anew() -> int:
    """Let no older key be needed any more; gives how many factors and passwords that concerned."""
    factors = Authenticator.objects.select_for_update().filter(type__in=ENCRYPTED)
    for factor in factors:
        given = factor.data
        for name in ("secret", "seed"):
            if name in given:
                given[name] = _vault().rotate(given[name].encode()).decode()
        if "migrated_codes" in given:
            given["migrated_codes"] = [_vault().rotate(code.encode()).decode() for code in given["migrated_codes"]]
        factor.save(update_fields=["data"])
    people = User.objects.select_for_update().filter(password__contains=f"{PBKDF2PasswordHasher.algorithm}$")
    for person in people:
        User.objects.filter(pk=person.pk).update(password=lock_anew(person.password))
    record("factors.encrypted_anew", count=len(factors), passwords=len(people))
    return len(factors) + len(people)


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


def kept_on_record(change):
    """A page of allauth's that changes somebody's factors: the change and its lines in the audit stand together."""

    @wraps(change)
    def page(request, *args, **kwargs):
        if request.method != "POST" or not request.user.is_authenticated:
            return change(request, *args, **kwargs)
        with transaction.atomic():
            User.objects.select_for_update().get(pk=request.user.pk)
            before = factors_of(request.user)
            answer = change(request, *args, **kwargs)
            note_changes(request.user, before, factors_of(request.user))
        request.session.pop(SETTLED, None)
        return answer

    return page


def factors_of(user: User) -> dict[int, str]:
    return dict(Authenticator.objects.filter(user=user).values_list("pk", "type"))


def note_changes(user: User, before: dict[int, str], after: dict[int, str]) -> None:
    gone = {number: kind for number, kind in before.items() if number not in after}
    new = {number: kind for number, kind in after.items() if number not in before}
    if RECOVERY in gone.values() and RECOVERY in new.values():
        record("person.recovery_codes_renewed", actor=user, target=user)
        gone, new = ({number: kind for number, kind in some.items() if kind != RECOVERY} for some in (gone, new))
    for verb, factors in (("removed", gone), ("added", new)):
        for number, kind in factors.items():
            record(f"person.second_factor_{verb}", actor=user, target=user, type=kind, factor=number)


@transaction.atomic
def take_factors(membership: Membership, *, by: User) -> None:
    """For a member who lost theirs: whatever they had opens nothing any more, and their sessions end."""
    user = reset_by(membership, by=by)
    factors = factors_of(user)
    Authenticator.objects.filter(user=user).delete()
    record("person.second_factor_taken", actor=by, target=user, types=sorted(factors.values()))
    end_all(user, because="second factor taken", by=by)
