import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace

import pytest
import redis
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.agencies import json_bodies
from apps.agencies.models import ApiKey
from apps.audit.models import Entry
from apps.cameras.city import forget_outline, in_city
from apps.cameras.models import District
from apps.incidents.models import Event, Incident
from apps.linked_services import api
from apps.linked_services.models import RefusalCount
from apps.mous.models import LedgerEntry, Mou, Provision
from tests.cast import CITY_HALL, ELSEWHERE, make_call, make_camera, make_mou, square

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nobody_counted_yet():
    for key in api.counter().scan_iter("soc:intake:*"):
        api.counter().delete(key)


def post(token: str, body, **headers):
    content = body if isinstance(body, bytes | str) else json.dumps(body)
    return Client().post(
        "/api/v1/incidents/",
        content,
        content_type="application/json",
        headers={"authorization": f"Bearer {token}", "accept-language": "en", **headers},
    )


def test_a_call_opens_an_incident_and_a_provision(police, camera, far_camera):
    answer = post(police.token, make_call())
    assert answer.status_code == 201
    body = answer.json()
    incident = Incident.objects.get(number=body["number"])
    assert body["state"] == "reported"
    assert body["seq"] == Event.objects.get().seq
    (seen,) = body["cameras"]
    assert seen["id"] == camera.pk
    assert seen["live_url"] == f"/api/v1/cameras/{camera.pk}/live"
    assert seen["distance_m"] == 0
    (provision,) = body["provisions"]
    assert provision["agency"] == "police"
    assert provision["cameras"] == [camera.pk]
    assert provision["kinds"] == ["live", "recorded", "still"]
    assert provision["legal_ground"] == "urgent"
    assert provision["from"] < provision["until"]
    assert incident.parties == [police.agency.pk]
    assert LedgerEntry.objects.count() == 1
    assert {"incident.received", "provision.opened"} <= set(Entry.objects.values_list("verb", flat=True))


def test_everything_or_nothing(police, camera, monkeypatch):
    def break_down(events):
        raise RuntimeError("the last step fails")

    monkeypatch.setattr("apps.linked_services.actions.publish", break_down)
    with pytest.raises(RuntimeError):
        post(police.token, make_call())
    for model in (Incident, Provision, LedgerEntry, Event):
        assert not model.objects.exists()
    assert not Entry.objects.filter(verb="incident.received").exists()


def test_an_identical_repeat_gets_the_same_answer(police, camera):
    call = make_call()
    first, again = post(police.token, call), post(police.token, call)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert Incident.objects.count() == 1


def test_a_repeat_is_answered_even_after_the_agreement_ended(police, camera):
    call = make_call()
    post(police.token, call)
    Mou.objects.update(state="suspended")
    assert post(police.token, call).status_code == 200


def test_the_same_number_for_another_call_is_a_conflict(police, camera):
    call = make_call()
    post(police.token, call)
    answer = post(police.token, {**call, "description": "other"})
    assert answer.status_code == 409
    assert Incident.objects.count() == 1


def test_two_agencies_may_use_the_same_number(police, fire, camera):
    call = make_call()
    assert post(police.token, call).status_code == 201
    assert post(fire.token, {**call, "service": "119-dispatch", "type": "fire"}).status_code == 201


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_make_one_incident(police, camera):
    call = make_call()

    def send(_):
        try:
            return post(police.token, call).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(10) as pool:
        codes = list(pool.map(send, range(50)))
    assert sorted(codes) == [200] * 49 + [201]
    assert Incident.objects.count() == Provision.objects.count() == Event.objects.count() == 1


LON, LAT = CITY_HALL
BAD = {
    "source_id": [None, "", 5, "x" * 101, "a\nb", "a\x00b", ["x"]],
    "service": [None, "", "113-tea", 112, {"a": 1}],
    "type": [None, "", "fire", 7, "x" * 50],
    "grade": ["red", 1, None],
    "occurred_at": [None, "", "yesterday", 5, "2026-13-01T00:00:00Z", "9" * 60, "0001-01-01T00:00:00Z"],
    "location": [None, "", [LON, LAT], {}, {"lon": LON}, {"lon": str(LON), "lat": LAT}, {"lon": True, "lat": LAT}]
    + [{"lon": 999, "lat": LAT}, {"lon": None, "lat": LAT}],
    "place": [5, "x" * 201, "a\x07b", None],
    "description": [5, "x" * 1_000_000, "a\x1bb", "a\ud800b", None],
    "exercise": ["yes", 1, None],
}


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in BAD.items() for value in values])
def test_each_bad_field_is_named_and_nothing_is_kept(field, value, police, camera):
    answer = post(police.token, make_call(**{field: value}))
    assert answer.status_code == 400, answer.content
    assert field in answer.json()
    assert not Incident.objects.exists()
    assert not LedgerEntry.objects.exists()
    assert RefusalCount.objects.get().count == 1


@pytest.mark.parametrize("field", ["source_id", "service", "type", "occurred_at", "location"])
def test_each_missing_field_is_named(field, police):
    call = make_call()
    del call[field]
    assert field in post(police.token, call).json()


def test_all_bad_fields_are_named_at_once(police):
    answer = post(police.token, make_call(source_id=5, place=5, location={"lon": 999, "lat": 999}))
    assert set(answer.json()) == {"source_id", "place", "location"}


def test_the_future_and_the_far_past_are_refused(police):
    for at in (timezone.now() + timedelta(minutes=6), timezone.now() - timedelta(days=400)):
        assert "occurred_at" in post(police.token, make_call(occurred_at=at.isoformat())).json()


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"x"', b"5", b"null", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"\x00", b"NaN"]
    + [b'{"location": {"lon": 1e400, "lat": 1}}', b'{"location": {"lon": Infinity, "lat": 1}}'],
)
def test_what_is_no_call_is_a_400(body, police):
    answer = post(police.token, body)
    assert answer.status_code == 400
    assert isinstance(answer.json(), dict)
    assert RefusalCount.objects.get().count == 1


def test_outside_the_city(police, camera):
    District.objects.create(code="1", name_ko="구", name_en="gu", shape=square(*CITY_HALL))
    forget_outline()
    try:
        answer = post(police.token, make_call(location={"lon": ELSEWHERE[0], "lat": ELSEWHERE[1]}))
        assert "location" in answer.json()
        assert post(police.token, make_call()).status_code == 201
    finally:
        forget_outline()


def test_the_citys_border_is_as_wide_as_its_outline_is_unsure():
    lon, lat = CITY_HALL
    District.objects.create(code="1", name_ko="구", name_en="gu", shape=square(lon, lat))
    forget_outline()
    try:
        assert in_city(lon + 0.01025, lat)
        assert not in_city(lon + 0.0105, lat)
    finally:
        forget_outline()


def test_a_body_too_large(police, monkeypatch):
    monkeypatch.setattr(json_bodies, "LIMIT", 1_000)
    answer = post(police.token, make_call(description="x" * 1_100))
    assert answer.status_code == 413
    assert "detail" in answer.json()


@pytest.mark.parametrize("token", ["", "nonsense", "soc_" + "x" * 43, "é", "a b"])
def test_an_unknown_key(token, police):
    assert post(token, make_call()).status_code == 401


def test_a_revoked_key_and_a_disabled_agency(police):
    ApiKey.objects.update(revoked_at=timezone.now())
    assert post(police.token, make_call()).status_code == 401
    ApiKey.objects.update(revoked_at=None)
    type(police.agency).objects.filter(pk=police.agency.pk).update(is_active=False)
    assert post(police.token, make_call()).status_code == 401


def within_one_minute(monkeypatch) -> None:
    """Calls are counted by the minute of the clock, which may end between two of them."""
    now = time.time()
    monkeypatch.setattr(api, "time", SimpleNamespace(time=lambda: now))


def test_too_many_calls(police, camera, monkeypatch):
    monkeypatch.setattr(api.IntakeThrottle, "rate", 2)
    within_one_minute(monkeypatch)
    codes = [post(police.token, make_call()) for _ in range(3)]
    assert [answer.status_code for answer in codes] == [201, 201, 429]
    assert 0 < int(codes[2]["Retry-After"]) <= 60


def test_calls_go_on_without_redis(police, camera, monkeypatch):
    monkeypatch.setattr(api, "counter", lambda: redis.Redis(port=1))
    assert post(police.token, make_call()).status_code == 201


REFUSED = {
    "no_mou": lambda mou: Mou.objects.filter(pk=mou.pk).update(services=["119-dispatch"]),
    "mou_draft": lambda mou: Mou.objects.filter(pk=mou.pk).update(state="draft"),
    "mou_reviewed": lambda mou: Mou.objects.filter(pk=mou.pk).update(state="reviewed"),
    "mou_superseded": lambda mou: Mou.objects.filter(pk=mou.pk).update(superseded_at=timezone.now()),
    "mou_suspended": lambda mou: Mou.objects.filter(pk=mou.pk).update(state="suspended"),
    "mou_revoked": lambda mou: Mou.objects.filter(pk=mou.pk).update(state="revoked"),
    "mou_expired": lambda mou: Mou.objects.filter(pk=mou.pk).update(ends_at=timezone.now()),
    "mou_not_begun": lambda mou: Mou.objects.filter(pk=mou.pk).update(starts_at=timezone.now() + timedelta(days=1)),
    "type_not_covered": lambda mou: Mou.objects.filter(pk=mou.pk).update(incident_types=["theft"]),
    "outside_area": lambda mou: Mou.objects.filter(pk=mou.pk).update(area=square(*ELSEWHERE)),
    "service_not_covered": lambda mou: ApiKey.objects.update(services=["119-dispatch"]),
}


@pytest.mark.parametrize("code", REFUSED)
def test_what_no_agreement_covers_is_refused_and_registered(code, police, camera):
    REFUSED[code](police.mou)
    answer = post(police.token, make_call())
    assert answer.status_code == 403
    assert answer.json()["code"] == code
    assert answer.json()["detail"]
    assert LedgerEntry.objects.get().code == code
    assert not Incident.objects.exists()
    assert not Provision.objects.exists()


def test_every_agency_with_an_agreement_is_provided(police, fire, camera):
    make_mou(fire.agency, services=["112-onsite"], incident_types=["robbery"])
    body = post(police.token, make_call()).json()
    assert [provision["agency"] for provision in body["provisions"]] == ["police"]
    assert Provision.objects.count() == 2
    assert sorted(Incident.objects.get().parties) == sorted([police.agency.pk, fire.agency.pk])


def test_the_agreement_narrows_the_cameras(police, owner, camera):
    make_camera(owner, purpose="parking")
    Mou.objects.update(purposes=["security"])
    assert [seen["id"] for seen in post(police.token, make_call()).json()["cameras"]] == [camera.pk]
    police.mou.excluded_owners.add(owner)
    assert post(police.token, make_call()).json()["cameras"] == []


@pytest.mark.parametrize(
    ("exercise", "demo", "expected"), [(True, False, [True]), (False, False, [False]), (False, True, [False, True])]
)
def test_exercises_use_virtual_cameras_only(exercise, demo, expected, police, owner, camera, settings):
    settings.DEMO = demo
    virtual = make_camera(owner, is_virtual=True)
    seen = {row["id"] for row in post(police.token, make_call(exercise=exercise)).json()["cameras"]}
    assert seen == {pk for pk, is_virtual in ((camera.pk, False), (virtual.pk, True)) if is_virtual in expected}


def test_few_queries(police, owner, django_assert_max_num_queries):
    for _ in range(9):
        make_camera(owner)
    with django_assert_max_num_queries(24):
        post(police.token, make_call())
