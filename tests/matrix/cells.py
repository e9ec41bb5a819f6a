"""All cells of a row, asked of the product, and what must be true of each answer whatever its sign."""

from django.core.cache import cache

from tests.matrix.asking import LEFT_BY_READING, knocked
from tests.matrix.city import SECRETS
from tests.matrix.rows import SECTIONS, Row

STAFF = {"supervisor", "administrator", "auditor", "superuser"}
# Whose pages may stay in no cache.
KNOWN = STAFF | {"operator", "guide", "police", "officer", "police_admin", "fire", "owner", "closed", "far"}
# They are told nothing of what the police do, whatever they ask for.
STRANGERS = {
    "visitor",
    "fire",
    "far",
    "expired",
    "not_begun",
    "draft",
    "suspended",
    "revoked",
    "taken_back",
    "closed",
    "disabled",
    "signed_out",
    "no_pledge",
    "no_factor",
    "locked",
    "nobody",
    "key_fire",
    "key_revoked",
    "key_network",
}
# What is sent there is a question, or an empty form: it changes nothing but the session.
ONLY_ASKS = {
    "POST /verify/file/",
    "POST /verify/check/",
    "POST /sign-in/",
    "POST /language/",
    "POST /me/sessions/end/",
    "POST /me/again/",
    "POST /me/second-factor/authenticate/",
    "POST /me/second-factor/reauthenticate/",
    "POST /me/second-factor/webauthn/login/",
    "POST /sign-in/by/",
    "POST /welcome/{uid}/{token}/",
    "POST /admin/password_change/",
    *("ADD", "CHANGE"),
}
# The doors that pictures leave by, and what is asked before them: each answer is a line of the log of views.
LOGGED = {
    f"GET /api/v1/{door}"
    for door in (
        *("cameras/{camera}/still.jpg", "cameras/{camera}/still.jpg recorded", "cameras/{camera}/thumbnail.jpg"),
        *("cameras/{camera}/playback.m3u8", "cameras/{camera}/timeline", "clips/{clip}/file"),
    )
}
# What turns away whoever is not known asks them to sign in first.
UNKNOWN = {"visitor", "disabled", "signed_out"}
OPEN_TO_EVERYBODY = {row.key for row in SECTIONS[0].rows}


def answers(row: Row, city, asker) -> dict[str, str]:
    """What every role gets, to be compared with what the table says."""
    return {role: answered(row, role, city, asker) for role in row.expected}


def answered(row: Row, role: str, city, asker) -> str:
    """The one sign of all that the row stands for; several when they differ."""
    if row.method == "SOCKET":
        return knocked(city, role, row.path.format(**vars(city.names(role))))
    # A list of the administration turns away at its one door whoever is no staff (`test_administration.py`).
    asked = row.asked if role in STAFF or role == "police" else row.asked[:1]
    signs = {sign_of(row, each, role, city, asker) for each in asked}
    return "".join(sorted(signs))


def sign_of(row: Row, asked: Row, role: str, city, asker) -> str:
    cache.clear()
    answer = asker.ask(city, role, asked)
    sign = answer.sign
    if role in STRANGERS:
        assert not [secret for secret in SECRETS if secret.encode() in answer.body], (asked.key, role)
    if sign != "+":
        assert not answer.done, (asked.key, role, sign)
        assert "audit_entry" in answer.written or not is_refused(asked, sign, role), (asked.key, role, sign)
    elif asked.method == "GET":
        assert "viewing_viewlog" in answer.written or row.key not in LOGGED, (asked.key, role)
        assert answer.written <= LEFT_BY_READING, (asked.key, role)
    elif not {row.key, row.method} & ONLY_ASKS:
        assert answer.done, (asked.key, role)
    if sign == "+" and (asked.path.startswith("/api/") or role in KNOWN) and row.key not in OPEN_TO_EVERYBODY:
        assert "private" in answer.response["Cache-Control"], asked.key
    # A list whose lines nobody can delete has no button for it: the question falls on deaf ears.
    return "-" if sign == "!" and row.method == "REMOVE" else sign


def is_refused(asked: Row, sign: str, role: str) -> bool:
    """Is this an answer that must be on record: a refusal, or to somebody known that there is no such thing?"""
    if asked.path.startswith("/sign-in/"):
        return False  # who is asked to sign in is refused nothing yet
    if sign == "0":
        return role not in UNKNOWN
    return sign in ("-", "k", "s") or (sign == "!" and asked.method == "POST")
