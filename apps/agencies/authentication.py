import re
from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.permissions import BasePermission

from apps.agencies.models import ApiKey
from apps.agencies.signatures import SCHEME, key_that_signed, named_in
from apps.audit.actions import source_address
from apps.audit.refusals import record_refusal

# The form of a key, 256 random bits after the prefix, and how much of one that nobody knows is kept: 24 bits.
OURS = re.compile(r"soc_[\w-]{43}", re.ASCII)
SHOWN = 8


class AgencySystem:
    """The signed-in party of a call made with an API key: an agency's own system, not a person."""

    is_authenticated = True
    is_active = True
    is_anonymous = False
    is_staff = is_superuser = False
    pk = None

    def __init__(self, key: ApiKey):
        self.key = key
        self.agency = key.agency

    def __str__(self):
        return str(self.key)


class KeyRefused(exceptions.AuthenticationFailed):
    """This key opens nothing. Why is for the record alone; `system` is whoever it was issued to."""

    def __init__(self, why: str, *, key: ApiKey | None = None, system: AgencySystem | None = None, beginning: str = ""):
        super().__init__(_("Unknown or disabled API key."))
        self.why, self.key, self.system, self.beginning = why, key, system, beginning

    def put_on_record(self, door: str, what: str) -> None:
        what = f"{what} {self.beginning}".strip()
        record_refusal("apikey.refused", actor=self.system, target=self.key, door=door, code=self.why, what=what)


class WrongScope(exceptions.PermissionDenied):
    """The key was not issued for this."""

    def __init__(self, system: AgencySystem):
        super().__init__({"code": "key_scope", "detail": _("This key was not issued for this.")})
        self.system = system

    def put_on_record(self, door: str, what: str) -> None:
        system = self.system
        record_refusal("apikey.refused", actor=system, target=system.key, door=door, code="key_scope", what=what)


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <agency key>`, or a signature in its place (see `signatures`)."""

    def authenticate(self, request):
        scheme, _space, given = get_authorization_header(request).partition(b" ")
        if scheme.lower() == b"bearer":
            return key_named_by(given.strip(), source_address.get())
        if scheme.decode("ascii", errors="replace").upper() == SCHEME:
            text = given.decode("ascii", errors="replace")
            key = key_that_signed(text, request.method, request.get_full_path(), request._request.body)
            if key is None:
                raise KeyRefused("signature", key=named_in(text))
            return checked(key, source_address.get())
        return None

    def authenticate_header(self, request):
        return "Bearer"


class KeyScope(BasePermission):
    """A key opens only what it was issued for: a view names its scopes, `read` if it does not."""

    def has_permission(self, request, view):
        if not isinstance(request.auth, ApiKey):
            return True
        wanted = getattr(view, "key_scopes", {ApiKey.Scope.READ})
        if wanted.isdisjoint(request.auth.scopes):
            raise WrongScope(request.user)
        return True


def key_named_by(token: bytes, address: str | None) -> tuple[AgencySystem, ApiKey]:
    """The system that `token` signs in; KeyRefused when it may not."""
    text = token.decode("ascii", errors="replace")
    key = ApiKey.named_by(text)
    if key is None:
        raise _refusal_of(text)
    if key.must_sign:
        raise KeyRefused("must_sign", key=key, system=AgencySystem(key))
    return checked(key, address)


def _refusal_of(token: str) -> KeyRefused:
    """Why the secret opens nothing. A secret, whole or mistyped, is not kept: of one of ours its beginning is."""
    key = ApiKey.objects.select_related("agency").filter(digest=ApiKey.digest_of(token)).first()
    if key is None:
        return KeyRefused("unknown", beginning=token[:SHOWN] if OURS.fullmatch(token) else "")
    return KeyRefused("revoked" if key.revoked_at else "not_in_use", key=key, system=AgencySystem(key))


def checked(key: ApiKey, address: str | None) -> tuple[AgencySystem, ApiKey]:
    if not key.is_for(address):
        raise KeyRefused("network", key=key, system=AgencySystem(key))
    note_use(key)
    return AgencySystem(key), key


def note_use(key: ApiKey) -> None:
    """Keep "last used" right to the minute, without writing the row on every call."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
