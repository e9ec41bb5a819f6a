"""The simulator says what the intake would do, and does nothing."""

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.linked_services.simulating import simulate
from apps.mous import owners
from apps.mous.gate import visible_cameras
from apps.mous.models import LedgerEntry, Mou, Provision
from tests.cast import CITY_HALL, ELSEWHERE, Role, make_agency, make_camera, make_user, square
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def ask(police, operator):
    def ask(at=None, **details):
        near = visible_cameras(Principal.of(operator))
        return simulate(police.agency, checked(**details), at or timezone.now(), near=near, by=operator)

    return ask


def test_it_chooses_what_a_call_would_and_opens_nothing(ask, police, camera):
    for _ in range(12):
        make_camera(camera.owner)
    (verdict,) = ask()
    assert not (Provision.objects.exists() or LedgerEntry.objects.exists())
    assert Entry.objects.get(verb="simulation.run").detail["type"] == "robbery"
    ((_provision, rows),) = receive(police.agency, checked(), by=police.user).provisions
    assert [one.camera for one in verdict.chosen] == [row.camera for row in rows]
    assert {one.code for one in verdict.left_out} == {"others_first"}


CLOSED = {
    "mou_suspended": {"state": "suspended"},
    "mou_revoked": {"state": "revoked"},
    "mou_expired": {"ends_at": timezone.now()},
    "mou_superseded": {"superseded_at": timezone.now()},
    "service_not_covered": {"services": ["119-dispatch"]},
    "type_not_covered": {"incident_types": ["theft"]},
    "outside_area": {"area": square(*ELSEWHERE)},
}


@pytest.mark.parametrize("code", CLOSED)
def test_it_says_which_rule_keeps_the_agreement_closed(code, ask, camera):
    Mou.objects.update(**CLOSED[code])
    (verdict,) = ask()
    assert (verdict.code, verdict.chosen, verdict.left_out) == (code, [], [])


def test_at_another_time(ask, police):
    assert ask(at=police.mou.ends_at)[0].code == "mou_expired"
    assert ask(at=police.mou.starts_at - timezone.timedelta(seconds=1))[0].code == "mou_not_begun"


def test_why_a_camera_stays_closed(ask, police, camera, settings):
    settings.DEMO = False
    parking = make_camera(camera.owner, purpose="parking")
    virtual = make_camera(camera.owner, is_virtual=True)
    Mou.objects.update(excluded_purposes=["parking"])
    (verdict,) = ask()
    assert {one.camera: one.code for one in verdict.left_out} == {parking: "purpose", virtual: "virtual"}
    police.mou.excluded_owners.add(camera.owner)
    (verdict,) = ask()
    assert {one.code for one in verdict.left_out} == {"owner", "purpose"}
    assert all(one.reason for one in verdict.left_out)


def test_a_camera_kept_back_is_not_even_explained(ask, camera, owner):
    owners.keep_back(camera, by=make_user("keeper", owner, Role.OWNER), reason="undercover")
    (verdict,) = ask()
    assert (verdict.chosen, verdict.left_out) == ([], [])


def test_drafts_are_not_agreements(ask):
    Mou.objects.update(state="draft")
    assert ask() == []


def test_the_page(client, operator, police, camera):
    client.cookies["django_language"] = "en"
    address = reverse("simulator")
    client.force_login(police.user)
    assert client.get(address).status_code == 403
    client.force_login(operator)
    assert client.get(address).status_code == 200
    asked = {"agency": "police", "service": "112-onsite", "type": "robbery", "lon": CITY_HALL[0], "lat": CITY_HALL[1]}
    page = client.get(address, asked).content.decode()
    assert camera.number in page and police.mou.document_number in page
    Mou.objects.update(state="suspended")
    assert "The agreement is suspended." in client.get(address, asked).content.decode()
    for wrong in ({"type": "fire"}, {"lon": "x"}, {"agency": "nobody"}, {"lat": "nan"}):
        assert client.get(address, asked | wrong).status_code == 422
    assert make_agency("x").mous.count() == 0
