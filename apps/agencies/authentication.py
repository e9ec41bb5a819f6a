from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.permissions import BasePermission

from apps.agencies.models import ApiKey
from apps.agencies.signatures import SCHEME, key_that_signed
from apps.audit.actions import source_address


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


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <agency key>`, or a signature in its place (see `signatures`)."""

    def authenticate(self, request):
        scheme, _space, given = get_authorization_header(request).partition(b" ")
        if scheme.lower() == b"bearer":
            return key_named_by(given.strip(), source_address.get())
        if scheme.decode("ascii", errors="replace").upper() == SCHEME:
            text = given.decode("ascii", errors="replace")
            key = key_that_signed(text, request.method, request.get_full_path(), request._request.body)
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
            raise PermissionDenied({"code": "key_scope", "detail": _("This key was not issued for this.")})
        return True


def key_named_by(token: bytes, address: str | None) -> tuple[AgencySystem, ApiKey]:
    """The system that `token` signs in; AuthenticationFailed when it may not."""
    key = ApiKey.named_by(token.decode("ascii", errors="replace"))
    return checked(None if key and key.must_sign else key, address)


def checked(key: ApiKey | None, address: str | None) -> tuple[AgencySystem, ApiKey]:
    if key is None or not key.is_for(address):
        raise AuthenticationFailed(_("Unknown or disabled API key."))
    note_use(key)
    return AgencySystem(key), key


def note_use(key: ApiKey) -> None:
    """Keep "last used" right to the minute, without writing the row on every call."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
