"""Who looks for a person in the administration is on record."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model

from apps.audit.admin import PeopleOnRecordMixin, names_somebody
from apps.audit.models import Entry
from tests.cast import Role, make_user

pytestmark = pytest.mark.django_db
LISTS = {model._meta.label_lower: model for model, page in admin.site._registry.items() if page.search_fields}
PEOPLE = {label for label, model in LISTS.items() if isinstance(admin.site._registry[model], PeopleOnRecordMixin)}
NAMES = ("actor_name", "username", "first_name", "last_name", "officer", "third_party")


@pytest.fixture
def desk(client, centre):
    make_user("minsu", last_name="김", first_name="민수")
    client.force_login(make_user("root", centre, Role.AUDITOR, is_staff=True, is_superuser=True))
    return client


def searches() -> list[tuple]:
    found = Entry.objects.filter(verb="person.searched").order_by("pk")
    return [(entry.actor_name, entry.detail["where"], entry.detail["words"]) for entry in found]


def look(desk, label: str, **params) -> None:
    assert desk.get(f"/admin/{label.replace('.', '/')}/", params).status_code == 200


@pytest.mark.slow
@pytest.mark.parametrize("label", sorted(PEOPLE))
def test_a_search_for_a_person_is_on_record_once(label, desk):
    for params in ({}, {"q": "김민수"}, {"q": "김민수", "o": "1"}, {"q": "robbery"}, {"q": "MINSU"}):
        look(desk, label, **params)
    assert searches() == [("root", label, "김민수"), ("root", label, "MINSU")]


def test_no_list_that_is_searched_by_a_name_is_forgotten():
    named = {
        label
        for label, model in LISTS.items()
        if any(field.split("__")[-1] in NAMES for field in admin.site._registry[model].search_fields)
    }
    assert named == PEOPLE


@pytest.mark.parametrize(
    ("words", "somebody"),
    [
        ("김민수", True),
        ("민수", True),
        ("김 minsu", True),
        ("민수 root", False),
        ("", False),
        ("  ", False),
        ("%", False),
    ],
)
def test_whose_name_it_is(words, somebody):
    get_user_model().objects.create(username="minsu", last_name="김", first_name="민수")
    get_user_model().objects.create(username="root")
    assert names_somebody(words) == somebody
