"""The access matrix leaves nothing out: no address, method, socket, list, action or step."""

import pytest
from django.contrib import admin
from django.urls import URLResolver, get_resolver, include, path, resolve
from django.views.generic import RedirectView
from rest_framework.views import APIView

from apps.console import agreement_pages, hold_pages, register_pages
from apps.linked_services.admin import STEP_LABELS
from apps.retention.admin import STEPS
from daejeon_soc import sockets as routing
from tests.matrix import test_administration, test_pages, test_provided
from tests.matrix.asking import LEFT_BY_A_REFUSAL, LEFT_BY_READING
from tests.matrix.document import FILE, document
from tests.matrix.rows import LIST_ADDRESSES, ROWS, Row

pytestmark = [pytest.mark.slow, pytest.mark.django_db]


def routes(patterns, before=""):
    for pattern in patterns:
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


@pytest.fixture
def known(city) -> set[tuple[str, str]]:
    """The routes that have a row, each with a method that has."""
    asked = (asked for row in ROWS if row.method != "SOCKET" for asked in row.asked)
    return {(route_of(each, city), each.method) for each in asked}


def routes_without_row(patterns, known) -> set[str]:
    here = {route for route, callback in routes(patterns) if not leads_on(route, callback)}
    return here - {route for route, _method in known}


def methods_without_row(patterns, known) -> set[tuple[str, str]]:
    here = {(route, verb) for route, callback in routes(patterns) for verb in verbs_of(callback)}
    return {pair for pair in here if not pair[0].startswith("admin/")} - known


def test_every_address_has_a_row(known):
    assert routes_without_row(get_resolver().url_patterns, known) == set()


def test_every_method_has_a_row(known):
    assert methods_without_row(get_resolver().url_patterns, known) == set()


class New(APIView):
    def get(self, request):
        raise NotImplementedError

    put = get


def test_what_is_new_is_found(known):
    new = [path("api/v1/cameras/", New.as_view()), path("api/v1/", include([path("new/", New.as_view())]))]
    assert routes_without_row(new, known) == {"api/v1/new/"}
    assert methods_without_row(new, known) == {
        ("api/v1/cameras/", "PUT"),
        ("api/v1/new/", "GET"),
        ("api/v1/new/", "PUT"),
    }


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


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("/holds/{hold}/", hold_pages.STEPS),
        ("/console/register/", register_pages.FILES),
        ("/agreements/", agreement_pages.KINDS),
    ],
)
def test_every_word_that_an_address_may_hold_has_a_row(before, words):
    taken = {row.path.removeprefix(before).split("/")[0] for row in ROWS if row.path.startswith(before)}
    assert taken - {"", "{mou}"} == set(words)


def test_what_has_no_row_does_nothing(known, city, asker):
    """Not even for somebody with every role there is. What is a function takes PUT and PATCH as it does DELETE."""
    rows = {route_of(row, city): row for row in ROWS if row.method not in ("SOCKET", "ACTION", *LIST_ADDRESSES)}
    for route, row in rows.items():
        for method in {"GET", "POST", "DELETE"} - {how for at, how in known if at == route}:
            answer = asker.ask(city, "everyone", Row(method, row.path, "", "", ""))
            assert answer.sign in "+0-!iknbah", (method, route, answer.sign)
            assert answer.written <= (LEFT_BY_READING if answer.sign == "+" else LEFT_BY_A_REFUSAL), (method, route)


def test_every_row_is_asked():
    files = (test_administration, test_pages, test_provided)
    assert sorted(row.key for file in files for row in file.ROWS) == sorted(row.key for row in ROWS)


def test_the_document_is_the_table():
    assert FILE.read_text() == document(), "write it anew: .venv/bin/python -m tests.matrix"
