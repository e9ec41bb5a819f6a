"""Every cell of the access matrix, asked of the product; and that the matrix leaves nothing out."""

import pytest
from django.contrib import admin
from django.core.cache import cache
from django.urls import URLResolver, get_resolver, resolve
from django.views.generic import RedirectView
from rest_framework.views import APIView

from apps.linked_services.admin import STEP_LABELS
from apps.retention.admin import STEPS
from daejeon_soc import sockets as routing
from tests.matrix.asking import LEFT_BY_A_REFUSAL, LEFT_BY_READING, knocked
from tests.matrix.city import SECRETS
from tests.matrix.document import FILE, document
from tests.matrix.rows import LIST_ADDRESSES, ROWS, SECTIONS, Row

# The mark is for the database; the city of `conftest.py` is laid out in it once.
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

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
OPEN_TO_EVERYBODY = {row.key for row in SECTIONS[0].rows}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_cell(row, city, asker):
    answers = {role: answered(row, role, city, asker) for role in row.expected}
    assert answers == row.expected


def answered(row: Row, role: str, city, asker) -> str:
    """The one sign of all that the row stands for; several when they differ."""
    if row.method == "SOCKET":
        return knocked(city, role, row.path.format(**vars(city.names(role))))
    # A list of the administration turns away at its door whoever is no staff.
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
    elif asked.method == "GET":
        assert answer.written <= LEFT_BY_READING, (asked.key, role)
    elif not {row.key, row.method} & ONLY_ASKS:
        assert answer.done, (asked.key, role)
    if sign == "+" and (asked.path.startswith("/api/") or role in KNOWN) and row.key not in OPEN_TO_EVERYBODY:
        assert "private" in answer.response["Cache-Control"], asked.key
    # A list whose lines nobody can delete has no button for it: the question falls on deaf ears.
    return "-" if sign == "!" and row.method == "REMOVE" else sign


def routes(patterns=None, before=""):
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern).removeprefix("^")
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route, pattern.callback


def leads_on(route: str, callback) -> bool:
    """An address of the administration that only turns to a line's own page."""
    return route.endswith("<path:object_id>/") and getattr(callback, "view_class", None) is RedirectView


def route_of(row: Row, city) -> str:
    return resolve(row.path.format(**vars(city.names("police")), app="mous")).route


def verbs_of(callback) -> set[str]:
    """The methods that a view written as a class has; a function's cannot be known, at least GET is."""
    kind = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if kind is None or issubclass(kind, RedirectView):
        return set()
    verbs = {"get", "post", "put", "patch", "delete"} if issubclass(kind, APIView) else {"get", "post"}
    return {verb.upper() for verb in verbs if hasattr(kind, verb) and verb in kind.http_method_names}


def test_every_address_has_a_row(city):
    known = {route_of(asked, city) for row in ROWS if row.method != "SOCKET" for asked in row.asked}
    assert {route for route, callback in routes() if not leads_on(route, callback)} - known == set()


def test_every_method_has_a_row(city):
    known = {(route_of(asked, city), asked.method) for row in ROWS if row.method != "SOCKET" for asked in row.asked}
    here = {(route, verb) for route, callback in routes() for verb in verbs_of(callback)}
    assert {pair for pair in here if not pair[0].startswith("admin/")} - known == set()


def test_every_socket_has_a_row():
    known = {row.path.lstrip("/").replace("{camera}", "<int:camera_id>") for row in ROWS if row.method == "SOCKET"}
    assert known == {str(pattern.pattern) for pattern in routing.urlpatterns}


def test_every_action_of_the_administration_has_a_row():
    known = {(asked.path, asked.step) for row in ROWS for asked in row.asked if asked.method == "ACTION"}
    here = {
        (f"/admin/{model._meta.app_label}/{model._meta.model_name}/", name)
        for model, lists in admin.site._registry.items()
        for _call, name, _words in lists._get_base_actions()
    }
    assert here == known


def test_every_list_of_the_administration_has_its_four_rows():
    known = {(row.method, row.path) for row in ROWS if row.method in LIST_ADDRESSES}
    lists = [f"/admin/{model._meta.app_label}/{model._meta.model_name}/" for model in admin.site._registry]
    assert known == {(verb, path) for verb in LIST_ADDRESSES for path in lists}


def test_every_step_of_the_administration_has_a_row():
    taken = {row.path.split("/step/")[1].rstrip("/") for row in ROWS if "/step/" in row.path}
    assert taken == {*STEP_LABELS, *STEPS}


def test_what_has_no_row_does_nothing(city, asker):
    """Not even for somebody with every role there is."""
    known = {(route_of(asked, city), asked.method) for row in ROWS if row.method != "SOCKET" for asked in row.asked}
    paths = {route_of(row, city): row for row in ROWS if row.method not in ("SOCKET", "ACTION", *LIST_ADDRESSES)}
    for route, row in paths.items():
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE"} - {how for at, how in known if at == route}:
            answer = asker.ask(city, "everyone", Row(method, row.path, "", "", ""))
            assert answer.sign in "+0-!iknbah", (method, route, answer.sign)
            assert answer.written <= (LEFT_BY_READING if answer.sign == "+" else LEFT_BY_A_REFUSAL), (method, route)


def test_the_document_is_the_table():
    assert FILE.read_text() == document(), "write it anew: .venv/bin/python -m tests.matrix"
