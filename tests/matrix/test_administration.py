"""Every cell of the access matrix, asked of the product: the administration."""

import re

import pytest
from django.contrib import admin
from django.urls import URLPattern, URLResolver, get_resolver

from tests.matrix.cells import STAFF, answers
from tests.matrix.roles import ROLES
from tests.matrix.rows import Row, rows_of

# The mark is for the database; the city of `conftest.py` is laid out in it once.
pytestmark = [pytest.mark.slow, pytest.mark.django_db]

ROWS = rows_of("Administration")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.key)
def test_every_cell(row, city, asker):
    assert answers(row, city, asker) == row.expected


def addresses(patterns, before=""):
    """Every address of the administration; for each of its names some value."""
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^").removesuffix("$")
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern) and route.startswith("admin/"):
            yield "/" + re.sub(
                r"\(\?P<\w+>(\w+|\.)[^)]*\)|<(?:\w+:)?\w+>", lambda found: (found[1] or "1").strip("."), route
            )


EVERYWHERE = sorted(set(addresses(get_resolver().url_patterns)))
# What concerns one's own account; the table asks them by each method they have.
OPEN = {"/admin/login/", "/admin/logout/", "/admin/password_change/"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def test_one_door_is_before_every_address_and_method(city, asker, monkeypatch):
    """So those who are no staff, of whom the table asks one question a list, are turned away by all of them."""
    monkeypatch.setattr(admin.site, "has_permission", lambda request: False)
    assert len(EVERYWHERE) > 150
    for path in set(EVERYWHERE) - OPEN:
        for method in METHODS:
            answer = asker.ask(city, "everyone", Row(method, path, "", "", ""))
            assert (answer.sign, answer.done) == ("i", set()), (method, path)


@pytest.mark.parametrize("role", [role.code for role in ROLES if role.code not in STAFF])
def test_that_door_is_closed_to_who_is_no_staff(role, city, asker):
    for method in METHODS:
        answer = asker.ask(city, role, Row(method, "/admin/", "", "", ""))
        assert (answer.sign in "ipfu", answer.done) == (True, set()), (method, answer.sign)
