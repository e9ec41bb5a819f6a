"""What came of a provision, told by the agency's own system."""

import pytest
from rest_framework.test import APIClient

from apps.agencies.models import ApiKey
from apps.audit.models import Entry
from apps.incidents.models import Event
from apps.linked_services.actions import receive
from apps.mous.models import UseResult
from tests.cast import allow
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def provision(police, camera):
    return receive(police.agency, checked(), by=police.user).incident.provisions.get()


def system(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def report(client, provision, **told):
    body = {"outcome": "arrest", "text": "two streets on", **told}
    return client.post(f"/api/v1/provisions/{provision.pk}/result/", body, format="json")


def test_an_agencys_system_tells_what_came_of_a_provision(police, provision):
    answer = report(system(police.token), provision)
    assert (answer.status_code, answer.json()["outcome"]) == (201, "arrest")
    result = UseResult.objects.get()
    assert (result.provision, result.key, result.by, result.text) == (provision, police.key, None, "two streets on")
    assert system(police.token).get(f"/api/v1/provisions/{provision.pk}/result/").json() == answer.json()


def test_the_same_report_twice_is_one(police, provision):
    first = report(system(police.token), provision)
    again = report(system(police.token), provision)
    assert (again.status_code, again.json()) == (200, first.json())
    assert Entry.objects.filter(verb="provision.result").count() == 1
    assert Event.objects.filter(kind="provision.result").count() == 1


def test_a_correction_stands_and_both_are_on_record(police, provision):
    report(system(police.token), provision)
    client = APIClient()
    client.force_login(police.user)
    assert report(client, provision, outcome="rescued").status_code == 200
    result = UseResult.objects.get()
    assert (result.outcome, result.by, result.key) == ("rescued", police.user, None)
    assert Entry.objects.filter(verb="provision.result").count() == 2


def test_another_agencys_provision_is_not_there(police, fire, provision, operator):
    client = APIClient()
    client.force_login(allow(operator, "provide"))
    for stranger in (system(fire.token), client):
        assert report(stranger, provision).status_code == 404
        assert stranger.get(f"/api/v1/provisions/{provision.pk}/result/").status_code == 404
    for none_such in (0, 2**63 - 1, 2**70):
        provision.pk = none_such
        assert report(system(police.token), provision).status_code == 404
    assert not UseResult.objects.exists()


@pytest.mark.parametrize("scopes", [["read"], ["events"], []])
def test_a_key_for_something_else_tells_nothing(police, provision, scopes):
    ApiKey.objects.update(scopes=scopes)
    assert report(system(police.token), provision).status_code == 403
    assert not UseResult.objects.exists()


@pytest.mark.parametrize(
    "told",
    [
        {"outcome": "promoted"},
        {"outcome": None},
        {"outcome": ["arrest"]},
        {"outcome": "arrest\x00"},
        {"text": "x" * 2_001},
        {"text": "\x00"},
        {"text": {"a": 1}},
        {"text": None},
    ],
)
def test_what_cannot_be_kept_is_named(police, provision, told):
    answer = report(system(police.token), provision, **told)
    assert (answer.status_code, answer.json().keys()) == (400, told.keys())
    assert not UseResult.objects.exists()


def test_what_is_no_report_is_refused(police, provision):
    address = f"/api/v1/provisions/{provision.pk}/result/"
    for body in (b"", b'{"outcome": "arrest", "text": "\\ud800"}', b"[]", b"null", b"{", b'"arrest"', b"[" * 100_000):
        assert system(police.token).post(address, body, content_type="application/json").status_code == 400
    assert system("").post(address, {"outcome": "arrest"}, format="json").status_code == 401
