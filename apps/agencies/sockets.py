from django.utils.translation import get_language_from_request, override

from apps.agencies.authentication import KeyRefused, WrongScope, key_named_by
from apps.agencies.models import ApiKey
from apps.agencies.principals import Principal, living_sessions
from apps.agencies.second_factor import has_second_factor
from apps.agencies.sittings import pledged
from apps.audit.actions import source_address

SOCKET = "socket"
CLOSE_REASON_BYTES = 123  # RFC 6455: what fits beside the code in a close frame


def principal_of_scope(scope, key_scope: str = ApiKey.Scope.READ) -> Principal | None:
    """Who opened the socket: by an agency key issued for `key_scope`, or by session; None when nobody."""
    scheme, _space, token = headers(scope).get(b"authorization", b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return _principal_of_key(token.strip(), scope, key_scope)
    user, session = scope["user"], scope["session"]
    if not user.is_authenticated or not living_sessions({session.session_key}):
        return None
    if not (has_second_factor(user, session) and pledged(user, session)):
        return None
    return Principal.of(user, session.session_key)


def _principal_of_key(token: bytes, scope, key_scope: str) -> Principal | None:
    source_address.set(address_of(scope))
    try:
        system, key = key_named_by(token, address_of(scope))
    except KeyRefused as refusal:
        refusal.put_on_record(SOCKET, scope["path"])
        return None
    if key_scope not in key.scopes:
        WrongScope(system).put_on_record(SOCKET, scope["path"])
        return None
    return Principal.of(system)


def headers(scope) -> dict[bytes, bytes]:
    return dict(scope["headers"])


def address_of(scope) -> str | None:
    """The peer, as the front server names it."""
    given = headers(scope).get(b"x-real-ip", b"").decode("ascii", errors="ignore")
    client = scope.get("client")
    return given or (client[0] if client else None)


def in_language_of(scope):
    """A context in which words are in the language of the socket's page."""
    return override(get_language_from_request(_LanguageHints(scope)))


class _LanguageHints:
    """As much of a request as choosing the language reads."""

    def __init__(self, scope):
        self.COOKIES = scope.get("cookies", {})
        self.META = {"HTTP_ACCEPT_LANGUAGE": headers(scope).get(b"accept-language", b"").decode("latin-1")}


def fit(reason: str) -> str:
    """`reason`, cut at a whole character to what a close frame holds."""
    return reason.encode()[:CLOSE_REASON_BYTES].decode(errors="ignore")
