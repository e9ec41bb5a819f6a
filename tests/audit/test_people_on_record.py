"""Who looks for a person in the administration is on record."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.utils import timezone

from apps.audit.admin import PeopleOnRecordMixin, SearchedList, people_named
from apps.audit.models import Entry
from apps.viewing import checks
from apps.viewing.models import Finding
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


# Where somebody may write an address by hand: (list, what it asks for, does that name the one person).
BY_HAND = [
    ("audit.entry", "actor={pk}", True),
    ("audit.entry", "actor_id__exact={pk}", True),
    ("audit.entry", "actor__id__in={pk}", True),
    ("audit.entry", "actor__pk__gt={before}&actor__lt={after}", True),
    ("audit.entry", "actor_name__regex=^김민.$", True),
    ("audit.entry", "actor_name=김민수", True),
    ("audit.entry", "target=agencies.user:{pk}", True),
    ("audit.entry", "detail__words__contains=민수", True),
    ("audit.entry", "q=agencies.user:{pk}", True),
    ("audit.entry", "actor={pk}&detail__words=nothing+like+it", True),
    ("mous.urgentreview", "reviewed_by={pk}", True),
    ("mous.useresult", "text__icontains=민수", True),
    ("mous.provision", "opened_by={pk}", True),
    ("incidents.incident", "description__icontains=김민수", True),
    ("agencies.user", "username=minsu", True),
    ("agencies.user", "id={pk}", True),
    ("cameras.camera", "status_reason=minsu", True),
    ("audit.entry", "actor_name__gte=a", False),
    ("agencies.user", "last_login__isnull=1&username__regex=.", False),
]
OF_NOBODY = ["actor__isnull=1", "at__year=2026", "actor=987654321", "verb=call.made", "address=10.0.0.1", "id=7", "o=1"]


def by_hand(desk, label: str, asked: str):
    pk = get_user_model().objects.get(username="minsu").pk
    found = desk.get(f"/admin/{label.replace('.', '/')}/?" + asked.format(pk=pk, before=pk - 1, after=pk + 1))
    assert found.status_code == 200
    return Entry.objects.filter(verb="person.searched").order_by("pk")


@pytest.mark.slow
@pytest.mark.parametrize(("label", "asked", "is_one"), BY_HAND)
def test_an_address_written_by_hand_is_a_search_too(label, asked, is_one, desk):
    for page in ("", "&p=1"):
        entry = by_hand(desk, label, asked + page).get()
    assert entry.detail["where"] == label
    assert entry.detail.get("person") == ("김민수 (minsu)" if is_one else None)


def test_an_address_that_names_nobody_is_no_search(desk):
    for asked in OF_NOBODY:
        assert not by_hand(desk, "audit.entry", asked).exists()


@pytest.mark.parametrize("asked", ["q=MINSU", "actor={pk}"])
def test_the_same_search_later_is_another(asked, desk, monkeypatch):
    assert by_hand(desk, "audit.entry", asked).count() == 1
    assert by_hand(desk, "audit.entry", asked).count() == 1
    monkeypatch.setattr("apps.audit.admin.SAME_SEARCH_S", 0)
    assert by_hand(desk, "audit.entry", asked).count() == 2


def test_one_person_searched_often_however_they_are_asked_for(desk):
    for asked in ("q=김민수", "actor={pk}", "q=MINSU", "actor_name=김민수", "target=agencies.user:{pk}"):
        by_hand(desk, "audit.entry", asked)
    checks.make(timezone.localdate())
    assert Finding.objects.get(kind="one_person").subject == "김민수 (minsu)"


@pytest.mark.parametrize("asked", ["actor=abc", "actor__username=minsu", "nothing=1", "actor__pk=", "actor=5&actor=x"])
def test_an_address_that_is_not_understood_shows_nothing(asked, desk):
    assert desk.get(f"/admin/audit/entry/?{asked}").status_code in (302, 400)


def test_every_list_puts_it_on_record(rf):
    for model, page in admin.site._registry.items():
        assert issubclass(page.get_changelist(rf.get("/")), SearchedList), model
        for shown in page.list_filter:
            name = shown if isinstance(shown, str) else shown[0]
            assert model._meta.get_field(name).related_model is not get_user_model(), (
                "a filter of the page names people"
            )


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
        ("agencies.user:", True),
        ("s.user:", True),
        ("robbery:", False),
    ],
)
def test_whose_name_it_is(words, somebody):
    get_user_model().objects.create(username="minsu", last_name="김", first_name="민수")
    get_user_model().objects.create(username="root")
    assert people_named(words).exists() == somebody
