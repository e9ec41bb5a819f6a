from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from apps.agencies.models import ApiKey


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
    """`Authorization: Bearer <agency key>`."""

    def authenticate(self, request):
        scheme, _space, token = get_authorization_header(request).partition(b" ")
        if scheme.lower() != b"bearer":
            return None
        return key_named_by(token.strip())

    def authenticate_header(self, request):
        return "Bearer"


def key_named_by(token: bytes) -> tuple[AgencySystem, ApiKey]:
    """The system that `token` signs in; AuthenticationFailed when unknown, revoked or its agency disabled."""
    key = ApiKey.objects.named_by(token.decode("ascii", errors="replace"))
    if key is None:
        raise AuthenticationFailed(_("Unknown or disabled API key."))
    note_use(key)
    return AgencySystem(key), key


def note_use(key: ApiKey) -> None:
    """Keep "last used" right to the minute, without writing the row on every call."""
    now = timezone.now()
    if key.last_used_at is None or key.last_used_at < now - timedelta(minutes=1):
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
