"""Ordering, queueing and cancelling clips by the API."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.models import LedgerEntry
from apps.video.models import Clip
from apps.viewing import actions
from apps.viewing.models import ProvidedCopy
from tests.linked_services.calls import checked
from tests.viewing.test_api import System, order

pytestmark = pytest.mark.django_db


def post(token, body):
    return System(token).post("/api/v1/clips/", body, content_type="application/json")


@pytest.fixture
def incident(police, camera):
    call = checked(occurred_at=(timezone.now() - timedelta(minutes=10)).isoformat())
    return receive(police.agency, call, by=police.user).incident


@pytest.fixture
def ordered(police, camera, incident):
    return post(police.token, order(camera, incident)).json()


def test_evidence_unless_asked_otherwise(police, camera, incident, ordered):
    assert (ordered["kind"], ordered["state"], ordered["position"]) == ("evidence", "queued", 1)
    viewing = post(police.token, order(camera, incident, kind="viewing")).json()
    assert (viewing["kind"], viewing["position"]) == ("viewing", 2)
    assert post(police.token, order(camera, incident, kind="film")).status_code == 400


def test_the_words_of_a_viewing_copy(police, camera, incident):
    body = post(police.token, order(camera, incident, kind="viewing")).json()
    who, line = Clip.objects.get().note["burned_in"]
    assert police.agency.name_ko in who and body["requested_by"] in who
    assert str(body["ledger_number"]) in line and camera.number in line


def test_evidence_goes_first_and_positions_follow_the_order(police, camera, incident):
    def at(minute, **more):
        later = incident.occurred_at + timedelta(seconds=minute)
        body = order(camera, incident, **{"from": later.isoformat()}, **more)
        return post(police.token, body).json()["status_url"]

    first, second, third = at(1, kind="viewing"), at(2), at(3)
    assert [System(police.token).get(url).json()["position"] for url in (second, third, first)] == [1, 2, 3]
    Clip.objects.filter(pk=second.split("/")[-2]).update(state="cutting")
    assert [System(police.token).get(url).json()["position"] for url in (second, third, first)] == [None, 1, 2]


@pytest.mark.parametrize("state", ["queued", "cutting", "ready"])
def test_the_same_order_again_gives_the_same_clip(state, police, camera, incident, ordered):
    whole = {"path": "x", "bytes": 1, "sha256": "0" * 64} if state == "ready" else {}
    Clip.objects.update(state=state, **whole)
    again = post(police.token, order(camera, incident))
    assert (again.status_code, again.json()["id"]) == (202, ordered["id"])
    assert LedgerEntry.objects.filter(manner="file").count() == 1


@pytest.mark.parametrize("state", ["failed", "cancelled", "destroyed"])
def test_what_came_to_nothing_can_be_ordered_again(state, police, camera, incident, ordered):
    Clip.objects.update(state=state)
    assert post(police.token, order(camera, incident)).json()["id"] != ordered["id"]


def test_an_agency_cannot_fill_the_queue_of_all(police, camera, incident, ordered, monkeypatch):
    monkeypatch.setattr(actions, "MOST_WAITING", 1)
    answer = post(police.token, order(camera, incident, kind="viewing"))
    assert answer.status_code == 429
    assert ProvidedCopy.objects.count() == 1


def test_cancelling_is_on_record_and_the_clip_leaves_the_list(police, ordered):
    answer = System(police.token).delete(ordered["status_url"])
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert System(police.token).get("/api/v1/clips/").json() == []
    assert System(police.token).get(ordered["status_url"]).json()["state"] == "cancelled"
    line = LedgerEntry.objects.get(kind="destroy")
    assert str(ordered["ledger_number"]) in line.purpose
    assert Entry.objects.filter(verb="clip.cancelled").exists()


def test_only_ones_own_and_only_what_is_not_finished(police, fire, ordered):
    assert System(fire.token).delete(ordered["status_url"]).status_code == 404
    Clip.objects.update(state="ready", path="x", bytes=1, sha256="0" * 64)
    answer = System(police.token).delete(ordered["status_url"])
    assert (answer.status_code, answer.json()["code"]) == (409, "ready")
    assert ProvidedCopy.objects.get().destroyed_at is None
    assert not LedgerEntry.objects.filter(kind="destroy").exists()


def test_a_reason_comes_in_the_callers_language_with_its_moment(police, ordered):
    moment = timezone.now().replace(microsecond=0)
    Clip.objects.update(state="failed", error="Nothing was recorded at this time", changes_at=moment)
    body = System(police.token).get(ordered["status_url"]).json()
    assert body["error"] == "Nothing was recorded at this time"
    assert body["changes_at"] is not None


def test_six_hours_and_no_more(police, camera, incident):
    start = incident.occurred_at - timedelta(hours=6, seconds=1)
    answer = post(police.token, order(camera, incident, **{"from": start.isoformat()}))
    assert "to" in answer.json()


def test_a_time_without_offset_is_the_citys(police, camera, incident):
    start = timezone.localtime(incident.occurred_at).replace(microsecond=0)
    naive = start.replace(tzinfo=None).isoformat()
    body = post(police.token, order(camera, incident, **{"from": naive})).json()
    assert Clip.objects.get(pk=body["id"]).starts_at == start
