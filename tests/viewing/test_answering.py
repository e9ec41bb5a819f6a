"""No new clips for an agency that owes answers; live is never held back; nothing works for a third party."""

from datetime import timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from apps.agencies.principals import Principal
from apps.incidents.models import Incident
from apps.linked_services.actions import advance, receive
from apps.mous.actions import NotAllowed, may_have_clips, report_result
from apps.mous.gate import decide
from apps.mous.models import LedgerEntry
from apps.video.models import Clip
from apps.viewing.actions import confirm_destruction
from apps.viewing.models import ProvidedCopy
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def copy(police, incident, camera):
    """A copy that the agency took, and that should be destroyed by now."""
    now = timezone.now()
    clip = Clip.objects.create(camera=camera, starts_at=now - timedelta(minutes=2), ends_at=now, sha256="0" * 64)
    return ProvidedCopy.objects.create(
        provision=incident.provisions.get(),
        clip=clip,
        agency=police.agency,
        ledger_number=1,
        requested_by="박지우",
        taken_at=now,
        destroy_by=now,
    )


def system(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def order(police, incident, camera):
    start = incident.occurred_at - timedelta(minutes=3)
    body = {"camera": camera.pk, "provision": incident.provisions.get().pk}
    times = {"from": start.isoformat(), "to": (start + timedelta(minutes=1)).isoformat()}
    return system(police.token).post("/api/v1/clips/", {**body, **times}, format="json")


def test_who_owes_the_destruction_of_a_copy_gets_no_new_one_until_it_answers(police, incident, camera, copy):
    answer = order(police, incident, camera)
    assert (answer.status_code, answer.json()["code"]) == (403, "destruction_overdue")
    assert decide(Principal.of(police.user), camera.pk).is_open  # live is never held back
    confirm_destruction(copy, by=police.user)
    assert order(police, incident, camera).status_code == 202


def test_who_owes_results_gets_no_new_clip(police, incident, camera, settings, operator):
    settings.UNREPORTED_RESULTS_LIMIT = 0
    earlier = receive(police.agency, checked(), by=police.user).incident
    advance(earlier, "close", by=operator)
    Incident.objects.filter(pk=earlier.pk).update(closed_at=timezone.now() - timedelta(days=8))
    answer = order(police, incident, camera)
    assert (answer.status_code, answer.json()["code"]) == (403, "results_overdue")
    assert decide(Principal.of(police.user), camera.pk).is_open
    report_result(earlier.provisions.get(), "helped", by=police.user)
    assert order(police, incident, camera).status_code == 202


@pytest.mark.parametrize(
    "changes",
    [{"taken_at": None}, {"confirmed_at": timezone.now()}, {"destroy_by": None}, {"destroy_by": "tomorrow"}],
)
def test_copies_that_owe_nothing(changes, police, copy):
    if changes.get("destroy_by") == "tomorrow":
        changes = {"destroy_by": timezone.now() + timedelta(days=1)}
    assert not may_have_clips(police.agency).is_open
    ProvidedCopy.objects.update(**changes)
    assert may_have_clips(police.agency).is_open


def test_the_agency_itself_confirms_and_once(police, fire, operator, copy):
    for person in (fire.user, operator):
        with pytest.raises(NotAllowed, match="Only the agency"):
            confirm_destruction(copy, by=person)
    confirm_destruction(copy, by=police.user)
    with pytest.raises(NotAllowed, match="already"):
        confirm_destruction(copy, by=police.user)
    line = LedgerEntry.objects.get(kind="destroy")
    assert (line.officer, line.agency) == (str(police.user), police.agency)


def test_what_is_confirmed_as_destroyed_is_not_taken_again_but_ordered_anew(police, incident, camera):
    first = order(police, incident, camera).json()
    Clip.objects.update(state=Clip.State.READY, path="ab/clip.mp4", sha256="0" * 64, bytes=9)
    file = f"/api/v1/clips/{first['id']}/file"
    assert system(police.token).get(file).status_code == 200
    assert order(police, incident, camera).json()["id"] == first["id"]
    confirm_destruction(ProvidedCopy.objects.get(), by=police.user)
    answer = system(police.token).get(file)
    assert (answer.status_code, answer.json()["code"]) == (404, "destruction_confirmed")
    assert system(police.token).get("/api/v1/clips/").json() == []
    assert order(police, incident, camera).json()["id"] != first["id"]


def test_no_address_given_to_one_agency_works_for_another(police, fire, incident, camera, copy):
    """A recipient cannot pass a picture on by passing on its address."""
    start = incident.occurred_at
    times = {"from": (start - timedelta(minutes=1)).isoformat(), "to": start.isoformat()}
    addresses = [
        (f"/api/v1/cameras/{camera.pk}/still.jpg", {}),
        (f"/api/v1/cameras/{camera.pk}/playback.m3u8", times),
        (f"/api/v1/clips/{copy.clip_id}/", {}),
        (f"/api/v1/clips/{copy.clip_id}/file", {}),
        (f"/api/v1/clips/{copy.clip_id}/manifest.json", {}),
        (f"/api/v1/incidents/{incident.number}/", {}),
    ]
    stranger, nobody = system(fire.token), APIClient()
    for address, query in addresses:
        assert stranger.get(address, query).status_code == 404, address
        assert nobody.get(address, query).status_code in (401, 403), address


def test_the_register_names_who_got_a_file_with_rank(police, incident, camera):
    police.user.memberships.update(rank="경위")
    by_person = APIClient()
    by_person.force_login(police.user)
    start = incident.occurred_at - timedelta(minutes=3)
    times = {"from": start.isoformat(), "to": (start + timedelta(minutes=1)).isoformat()}
    body = {"camera": camera.pk, "provision": incident.provisions.get().pk, **times}
    assert by_person.post("/api/v1/clips/", body, format="json").json()["requested_by"] == f"경위 {police.user}"
    named = system(police.token).post("/api/v1/clips/", {**body, "recipient": "경사 강민"}, format="json").json()
    assert named["requested_by"] == f"경사 강민 ({police.key})"
    refused = system(police.token).post("/api/v1/clips/", {**body, "recipient": "강\n민"}, format="json")
    assert refused.json().keys() == {"recipient"}
