"""Refusals on record: each kind at once, and no flood of one kind."""

from datetime import timedelta

import pytest
from django.db import connection

from apps.audit.actions import breaks, seal
from apps.audit.models import Entry, Repeat
from apps.audit.refusals import LONGEST, NAMED, record_refusal, record_repeats
from tests.cast import make_user

pytestmark = pytest.mark.django_db


def refuse(actor=None, what="GET /a", **more) -> None:
    record_refusal("access.refused", actor=actor, what=what, **{"door": "a", "code": "no", "why": "because"} | more)


def on_record() -> list[tuple]:
    entries = Entry.objects.filter(verb="access.refused").order_by("pk")
    return [(entry.actor_name, entry.detail["what"], entry.detail.get("times", 1)) for entry in entries]


def test_the_first_is_on_record_at_once_and_the_rest_follow_as_one():
    for what in ("GET /a", "GET /b", "GET /b", "GET /a", "GET /c"):
        refuse(what=what)
    assert on_record() == [("nobody", "GET /a", 1)]
    assert record_repeats() == 1
    assert record_repeats() == 0
    assert on_record()[1:] == [("nobody", ["GET /a", "GET /b", "GET /c"], 4)]
    last = Entry.objects.latest("pk").detail
    assert (last["door"], last["code"], last["why"], last["different"]) == ("a", "no", "because", 3)
    assert seal() == 2 and list(breaks()) == []


def test_another_party_address_door_or_reason_is_another_kind(police):
    other = make_user("other")
    refuse(), refuse(police.user), refuse(other), refuse(door="b"), refuse(code="other"), refuse(why="other")
    refuse(target=police.agency)
    assert len(on_record()) == 7
    assert not Repeat.objects.exists()


def test_a_minute_later_it_is_news_again(monkeypatch):
    refuse()
    monkeypatch.setattr("apps.audit.refusals.WITHIN", timedelta(0))
    refuse()
    assert len(on_record()) == 2


def test_a_flood_of_many_things_names_some_and_counts_all():
    for number in range(NAMED + 5):
        refuse(what=f"GET /{number:03}")
    record_repeats()
    last = Entry.objects.latest("pk").detail
    assert (len(last["what"]), last["times"], last["different"]) == (NAMED, NAMED + 4, NAMED + 4)


def test_what_fails_in_a_request_does_not_take_the_record_of_it_along():
    """The API answers within what ATOMIC_REQUESTS would roll back."""
    assert not connection.settings_dict["ATOMIC_REQUESTS"]


@pytest.mark.parametrize("hostile", ["x" * 5_000, "\0" * 3, "' or 1=1; --", "한" * 400, "%s {} \\u0000"])
def test_what_strangers_send_is_kept_at_a_length_that_can_be_kept(hostile):
    refuse(what=hostile), refuse(what=hostile)
    record_repeats()
    first, second = (entry.detail["what"] for entry in Entry.objects.order_by("pk"))
    assert second == [first]
    assert first == hostile.replace("\0", "")[:LONGEST]
