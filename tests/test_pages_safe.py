"""Every page, whoever's it is (ours, the administration's, the libraries', an error's), under a strict policy."""

import re

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import get_resolver, reverse
from django.urls.resolvers import URLPattern

from apps.agencies.models import User
from apps.linked_services.actions import receive
from tests.cast import Role, enrol, make_mou, make_user
from tests.linked_services.calls import checked

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# What a page must not carry, for the policy would switch it off.
INLINE = re.compile(
    r"""<style\b|<script(?![^>]*\b(?:src|nonce)=|[^>]*type="application/json")|<[^>]*\s(?:style|on\w+)=""", re.I
)


def addresses(patterns, before: str = "") -> list[str]:
    """Every address without parameters."""
    found = []
    for pattern in patterns:
        route = before + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(pattern, URLPattern):
            found.append(f"/{route}")
        else:
            found += addresses(pattern.url_patterns, route)
    return [address for address in found if not re.search(r"[<(\\?]", address)]


ADDRESSES = sorted(set(addresses(get_resolver().url_patterns)))


@pytest.fixture
def known(police, operator, camera):
    """An administrator with every right, and one row of much that can be shown."""
    receive(police.agency, checked(), by=police.user)
    make_mou(police.agency, state="draft")
    person = make_user("root", operator.memberships.get().agency, Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    enrol(person, police.agency, Role.LIAISON, by=None)
    return User.objects.get(pk=person.pk)


def administration() -> list[str]:
    """The page of one row of each table in the administration."""
    rows = [(model, model._default_manager.first()) for model in admin.site._registry]
    return [
        reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[row.pk])
        for model, row in rows
        if row
    ]


def is_page(answer) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/html")


def weakness(answer) -> str | None:
    """What is wrong with a page, None if nothing is."""
    policy = answer.headers.get("Content-Security-Policy", "")
    directives = {words.split()[0]: words.split()[1:] for words in policy.split(";") if words.strip()}
    for name in ("default-src", "script-src", "style-src", "object-src", "base-uri", "frame-ancestors", "form-action"):
        if name not in directives:
            return f"no {name}"
    allowed = {word for name in ("default-src", "script-src", "style-src") for word in directives[name]}
    if loose := {word for word in allowed if not re.fullmatch(r"'self'|'none'|'nonce-.+'", word)}:
        return f"allows {loose}"
    for name, words in (("X-Content-Type-Options", "nosniff"), ("X-Frame-Options", "DENY")):
        if answer.headers.get(name) != words:
            return f"{name} is {answer.headers.get(name)}"
    if answer.headers.get("Referrer-Policy") != "same-origin":
        return "no referrer policy"
    inline = INLINE.search(answer.content.decode())
    return f"inline: {answer.content.decode()[inline.start() :][:120]}" if inline else None


def visit(client, pages: list[str]) -> tuple[int, dict[str, str]]:
    seen, weak = 0, {}
    for address in pages:
        answer = client.get(address)
        assert answer.status_code != 500, address
        if is_page(answer) and not answer.streaming:
            seen += 1
            if words := weakness(answer):
                weak[address] = words
    return seen, weak


def test_every_page_of_a_person(known, client):
    client.force_login(known)
    seen, weak = visit(client, [*(page for page in ADDRESSES if page != "/sign-out/"), *administration()])
    assert weak == {}
    assert seen > 60


def test_every_page_of_a_stranger(known, client):
    seen, weak = visit(client, ADDRESSES)
    assert weak == {}
    assert seen > 5


def test_pages_of_errors(known, monkeypatch):
    client = Client(raise_request_exception=False, enforce_csrf_checks=True)
    client.force_login(known)
    monkeypatch.setattr("apps.console.operator_page.queue_context", broken)
    answers = {
        404: client.get("/nowhere/"),
        403: client.post("/me/password/"),
        400: client.get("/me/", headers={"host": "elsewhere.example"}),
        500: client.get("/console/queue/"),
    }
    assert [answer.status_code for answer in answers.values()] == list(answers)
    assert {status: weakness(answer) for status, answer in answers.items()} == dict.fromkeys(answers)


def broken(request):
    raise RuntimeError("on purpose")


@pytest.mark.parametrize("page", ["/agency/", "/me/", "/admin/", "/api/v1/clips/"])
def test_nothing_shown_is_kept(page, known, client):
    client.force_login(known)
    assert {"no-store", "private"} <= set(client.get(page).headers["Cache-Control"].split(", "))


def test_an_answer_of_the_api_is_no_page(known, client):
    client.force_login(known)
    answer = client.get("/api/v1/clips/")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_no_other_site_may_read(known, client):
    client.force_login(known)
    for page in ("/agency/", "/api/v1/clips/"):
        answer = client.get(page, headers={"origin": "https://elsewhere.example"})
        assert not {name for name in answer.headers if name.startswith("Access-Control")}
