"""Whoever is refused something is on record, by whichever door: once, in one way, and never with the secret."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.agencies.actions import revoke_key
from apps.agencies.models import ApiKey
from apps.agencies.signatures import SCHEME
from apps.audit.models import Entry
from apps.audit.refusals import record_repeats
from apps.linked_services.actions import receive
from apps.mous.models import Mou
from tests.cast import Role, make_call, make_user
from tests.doors import knock, play_the_recorder
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db
TYPES, EVENTS, CAMERAS = "/api/v1/incident-types/", "/api/v1/events/", "/api/v1/cameras/?near=127.38,36.35"
INTAKE = "/api/v1/incidents/"


def refusals() -> list[Entry]:
    return list(Entry.objects.filter(verb__endswith="refused").order_by("pk"))


def the_refusal() -> tuple:
    """The one on record: verb, who, door, code."""
    (entry,) = refusals()
    return entry.verb, entry.actor_name, entry.detail["door"], entry.detail["code"]


def desk(user) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def call(client, token: str, **more):
    body = json.dumps(make_call(**more))
    return client.post(INTAKE, body, content_type="application/json", headers={"authorization": f"Bearer {token}"})


# --- keys ---


def revoked(key):
    revoke_key(key, by=None)


def ended(key):
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def elsewhere(key):
    ApiKey.objects.update(networks=["10.1.0.0/16"])


def signing(key):
    ApiKey.objects.update(must_sign=True)


def for_calls(key):
    ApiKey.objects.update(scopes=["intake"])


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        (revoked, 401, "revoked"),
        (ended, 401, "not_in_use"),
        (elsewhere, 401, "network"),
        (signing, 401, "must_sign"),
        (for_calls, 403, "key_scope"),
    ],
)
def test_a_key_that_opens_nothing_is_on_record_by_its_name(change, status, code, client, police):
    change(police.key)
    answer = client.get(EVENTS, headers={"authorization": f"Bearer {police.token}"})
    assert answer.status_code == status
    assert the_refusal() == ("apikey.refused", str(police.key), "api/v1/events/", code)
    (entry,) = refusals()
    assert (entry.target, entry.address) == (f"agencies.apikey:{police.key.pk}", "127.0.0.1")
    assert entry.detail["what"] == f"GET {EVENTS}"


@pytest.mark.parametrize(
    ("token", "kept"),
    [("soc_" + "s" * 43, "soc_ssss"), ("correct horse battery", ""), ("soc_short", ""), ("", ""), ("\udc80한\0", "")],
)
def test_of_an_unknown_key_its_beginning_is_kept_if_it_has_the_form_of_one(token, kept, client, police):
    given = f"Bearer {token}".encode("utf-8", "surrogateescape").decode("latin-1")
    assert client.get(TYPES, headers={"authorization": given}).status_code == 401
    assert the_refusal() == ("apikey.refused", "nobody", TYPES[1:], "unknown")
    assert refusals()[0].detail["what"] == f"GET {TYPES} {kept}".strip()


def test_no_secret_stands_in_the_audit(client, police):
    for change in (elsewhere, signing, revoked):
        change(police.key)
        client.get(EVENTS, headers={"authorization": f"Bearer {police.token}"})
    assert len(refusals()) == 3
    assert not any(police.token[8:] in json.dumps(entry.detail) + entry.actor_name for entry in refusals())


@pytest.mark.parametrize("named", [True, False])
def test_a_bad_signature_names_the_key_it_claims_and_no_party(named, client, police):
    number = police.key.pk if named else 10**15
    given = f"{SCHEME} Key={number}, Time=1795240800, Nonce=9f86d081884c7d65, Signature={'0' * 64}"
    assert client.get(TYPES, headers={"authorization": given}).status_code == 401
    assert the_refusal() == ("apikey.refused", "nobody", TYPES[1:], "signature")
    assert refusals()[0].target == (f"agencies.apikey:{number}" if named else "")


@pytest.mark.parametrize(("change", "code"), [(revoked, "revoked"), (for_calls, "key_scope")])
def test_a_key_refused_at_a_socket(change, code, police, monkeypatch):
    play_the_recorder(monkeypatch)
    change(police.key)
    assert knock("/ws/events/", token=police.token) == 4401
    assert the_refusal() == ("apikey.refused", str(police.key), "socket", code)
    assert refusals()[0].detail["what"] == "/ws/events/"


# --- calls ---


def test_a_call_turned_away_is_in_the_register_and_in_the_audit_once(client, police):
    Mou.objects.update(incident_types=["fire"])
    assert call(client, police.token, source_id="A-7").status_code == 403
    assert the_refusal() == ("call.refused", str(police.key), "intake", "type_not_covered")
    assert "A-7" in refusals()[0].detail["what"]


def test_a_call_of_a_service_the_key_is_not_for(client, police):
    assert call(client, police.token, service="119-dispatch", type="fire").status_code == 403
    assert the_refusal()[3] == "service_not_covered"


def test_a_malformed_call_and_a_conflicting_one(client, police):
    assert call(client, police.token, source_id="1").status_code == 201
    assert call(client, police.token, source_id="1", place="elsewhere").status_code == 409
    assert call(client, police.token, location="nowhere").status_code == 400
    assert [(entry.verb, entry.detail["code"]) for entry in refusals()] == [
        ("call.refused", "conflict"),
        ("call.refused", "invalid"),
    ]


# --- people ---


def test_the_api_without_a_sign_in(client, db):
    assert client.get(CAMERAS).status_code == 401
    assert the_refusal() == ("access.refused", "nobody", "api/v1/cameras/", "not_authenticated")


def test_the_api_forbids_a_person(police, fire):
    incident = receive(police.agency, checked(), by=police.user).incident
    incident.parties.append(fire.agency.pk)
    incident.save()
    step = json.dumps({"event": "close", "before": incident.state})
    path = f"{INTAKE}{incident.number}/transitions/"
    assert desk(fire.user).post(path, step, content_type="application/json").status_code == 403
    assert the_refusal() == (
        "access.refused",
        "fire",
        "api/v1/incidents/<slug:number>/transitions/",
        "permission_denied",
    )
    assert "sending agency" in refusals()[0].detail["why"]


@pytest.mark.parametrize(
    ("path", "door"),
    [("/console/", "console/"), ("/checks/", "checks/"), ("/admin/login/", "admin/login/"), ("/holds/", "holds/")],
)
def test_a_page_that_is_not_for_this_person(path, door, fire):
    assert desk(fire.user).get(path).status_code == 403
    assert the_refusal() == ("access.refused", "fire", door, "permission_denied")
    assert refusals()[0].detail["what"] == f"GET {path}"


def test_a_list_of_the_administration_without_the_right_to_it(centre):
    staff = make_user("clerk", centre, Role.AUDITOR, is_staff=True)
    staff.groups.clear()
    assert desk(staff).get("/admin/agencies/user/").status_code == 403
    assert the_refusal()[:3] == ("access.refused", "clerk", "admin/agencies/user/")


def test_a_form_that_no_page_of_ours_was_asked_for_by(fire):
    client = Client(enforce_csrf_checks=True)
    client.force_login(fire.user)
    assert client.post("/lock/").status_code == 403
    assert the_refusal() == ("access.refused", "fire", "lock/", "csrf")


def test_a_step_that_is_not_open(operator, police):
    incident = receive(police.agency, checked(), by=police.user).incident
    step = {"number": incident.number, "event": "close", "before": "closed"}
    desk(operator).post("/console/advance/", step)
    verb, who, _door, code = the_refusal()
    assert (verb, who, code) == ("step.refused", "operator", "not_allowed")
    assert refusals()[0].detail["why"] == "This incident has just been changed by someone else."


# --- what is not theirs, or not there ---


@pytest.mark.parametrize("path", ["/api/v1/incidents/{incident}/", "/agreements/mou/{mou}/"])
@pytest.mark.parametrize("there", [True, False])
def test_what_is_not_theirs_and_what_is_not_there_leave_the_same_entry(path, there, fire, police):
    incident = receive(police.agency, checked(), by=police.user).incident
    names = {"incident": incident.number, "mou": police.mou.pk}
    asked = path.format(**(names if there else {"incident": "261121-999999", "mou": 987_654_321}))
    assert desk(fire.user).get(asked).status_code == 404
    verb, who, door, code = the_refusal()
    assert (verb, who, code, "<" in door) == ("access.refused", "fire", "not_found", True)
    assert refusals()[0].detail["what"] == f"GET {asked}"


def test_a_system_that_tries_numbers_is_on_record_once_and_counted(client, fire):
    for number in range(5):
        path = f"{INTAKE}261121-{number:06}/"
        assert client.get(path, headers={"authorization": f"Bearer {fire.token}"}).status_code == 404
    assert the_refusal() == ("access.refused", str(fire.key), "api/v1/incidents/<slug:number>/", "not_found")
    record_repeats()
    assert (refusals()[-1].detail["times"], len(refusals()[-1].detail["what"])) == (4, 4)


def test_what_is_not_there_refuses_nobody(client, police):
    provision = receive(police.agency, checked(), by=police.user).incident.provisions.get()
    unreported = f"/api/v1/provisions/{provision.pk}/result/"
    assert client.get(unreported, headers={"authorization": f"Bearer {police.token}"}).status_code == 404
    assert client.get("/published/1999/").status_code == 404
    assert desk(police.user).get("/no/such/page/").status_code == 404
    assert refusals() == []


# --- what may not be kept ---


def test_an_address_that_is_a_secret_is_not_kept(db):
    client = Client(enforce_csrf_checks=True)
    assert client.post("/welcome/MQ/c9abcd-0123456789abcdef/").status_code == 403
    assert refusals()[0].detail["what"] == "POST welcome/<uidb64>/<token>/"


def test_what_a_forged_form_says_of_itself_makes_no_kinds(police):
    client = Client(enforce_csrf_checks=True)
    client.force_login(police.user)
    for number in range(3):
        origin = {"origin": f"https://evil-{number}.example"}
        assert client.post("/api/v1/clips/", "{}", content_type="application/json", headers=origin).status_code == 403
    assert the_refusal() == ("access.refused", "nobody", "api/v1/clips/", "csrf")
    assert "evil" not in json.dumps(refusals()[0].detail)


def test_what_only_asks_for_something_first_refuses_nothing(fire, client):
    screen = desk(fire.user)
    screen.post("/lock/")
    assert screen.get(CAMERAS).status_code == 403
    assert screen.get("/agency/").status_code == 302
    assert client.get("/console/").status_code == 302
    assert screen.get("/nothing/here/").status_code in (302, 404)
    assert refusals() == []
