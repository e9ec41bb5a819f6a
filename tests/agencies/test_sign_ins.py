import pytest
from django.test import Client
from django.urls import reverse

from apps.audit.models import Entry
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db


def verbs() -> list[str]:
    return list(Entry.objects.filter(verb__startswith="person.sign").order_by("pk").values_list("verb", flat=True))


def attempt(client: Client, name: str, password: str):
    return client.post(reverse("sign_in"), {"username": name, "password": password}, REMOTE_ADDR="192.0.2.7")


def test_sign_in_and_out_are_on_record_with_the_address(operator):
    client = Client()
    assert attempt(client, "operator", PASSWORD).status_code == 302
    client.post(reverse("sign_out"))
    assert verbs() == ["person.signed_in", "person.signed_out"]
    entry = Entry.objects.get(verb="person.signed_in")
    assert (entry.actor, entry.address) == (operator, "192.0.2.7")


@pytest.mark.parametrize("name", ["operator", "nobody", "x" * 10_000, "한글"])
def test_failures_are_on_record_without_the_password(name, operator):
    attempt(Client(), name, "wrong password")
    entry = Entry.objects.get(verb="person.sign_in_failed")
    assert entry.actor is None
    assert "wrong password" not in str(entry.detail)


def test_a_disabled_person_cannot_sign_in(operator):
    operator.is_active = False
    operator.save()
    assert attempt(Client(), "operator", PASSWORD).status_code == 200
    assert verbs() == ["person.sign_in_failed"]


def test_the_administration_has_no_door_of_its_own(client):
    page = client.post("/admin/login/?next=/admin/", {"username": "operator", "password": PASSWORD})
    assert (page.status_code, page["Location"]) == (302, "/sign-in/?next=/admin/")
