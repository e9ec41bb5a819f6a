import json
import time
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from apps.agencies.actions import revoke_key, rotate
from apps.agencies.models import ApiKey, UsedNonce, is_network
from apps.agencies.signatures import SCHEME, forget_old_nonces, signature
from apps.audit.models import Entry
from tests.cast import make_call

pytestmark = pytest.mark.django_db

TYPES, EVENTS, CAMERAS = "/api/v1/incident-types/", "/api/v1/events/", "/api/v1/cameras/?near=127.38,36.35"
INTAKE = "/api/v1/incidents/"


def bearer(token: str) -> dict:
    return {"authorization": f"Bearer {token}"}


def answer(client, path: str, token: str, **more) -> int:
    return client.get(path, headers=bearer(token), **more).status_code


# --- what a key is for ---


@pytest.mark.parametrize(
    ("scopes", "intake", "cameras", "events"),
    [
        (["intake"], 201, 403, 403),
        (["read"], 403, 200, 403),
        (["events"], 403, 403, 200),
        (["intake", "read", "events"], 201, 200, 200),
        ([], 403, 403, 403),
    ],
)
def test_a_key_opens_what_it_was_issued_for_only(client, police, scopes, intake, cameras, events):
    ApiKey.objects.update(scopes=scopes)
    call = client.post(INTAKE, json.dumps(make_call()), content_type="application/json", headers=bearer(police.token))
    assert call.status_code == intake
    assert answer(client, CAMERAS, police.token) == cameras
    assert answer(client, EVENTS, police.token) == events


def test_a_refused_scope_is_named(client, police):
    ApiKey.objects.update(scopes=["intake"])
    assert client.get(EVENTS, headers=bearer(police.token)).json()["code"] == "key_scope"


# --- where it may come from ---


@pytest.mark.parametrize(
    ("networks", "address", "expected"),
    [
        ([], "203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.113.9", 200),
        (["203.0.113.0/24"], "203.0.114.9", 401),
        (["10.0.0.0/8", "203.0.113.9/32"], "203.0.113.9", 200),
        (["2001:db8::/32"], "2001:db8::7", 200),
        (["2001:db8::/32"], "203.0.113.9", 401),
    ],
)
def test_a_key_works_from_its_networks_only(client, police, networks, address, expected):
    ApiKey.objects.update(networks=networks)
    assert answer(client, TYPES, police.token, REMOTE_ADDR=address) == expected


@pytest.mark.parametrize("text", ["", "10.1", "10.1.0.0/33", "10.1.0.1/16", "everywhere", "10.1.0.0/16; drop table"])
def test_what_is_no_network_is_refused(text):
    with pytest.raises(ValidationError, match="network"):
        is_network(text)


# --- how long ---


def test_a_key_ends_at_its_time_and_not_before(client, police):
    ApiKey.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    assert answer(client, TYPES, police.token) == 200
    ApiKey.objects.update(expires_at=timezone.now())
    assert answer(client, TYPES, police.token) == 401


def test_a_rotated_key_and_its_successor_work_side_by_side_for_a_while(client, police):
    ApiKey.objects.update(scopes=["intake"], networks=["127.0.0.0/8"])
    successor, secret = rotate(ApiKey.objects.get(), by=None, overlap=timedelta(hours=1))
    assert (successor.replaces_id, successor.scopes, successor.networks) == (police.key.pk, ["intake"], ["127.0.0.0/8"])
    assert answer(client, TYPES, police.token) == answer(client, TYPES, secret) == 200
    ApiKey.objects.filter(pk=police.key.pk).update(expires_at=timezone.now())
    assert (answer(client, TYPES, police.token), answer(client, TYPES, secret)) == (401, 200)
    assert Entry.objects.filter(verb="apikey.rotated").exists()


def test_rotation_does_not_lengthen_a_life(police):
    soon = timezone.now() + timedelta(minutes=5)
    ApiKey.objects.update(expires_at=soon)
    rotate(police.key, by=None)
    assert ApiKey.objects.get(pk=police.key.pk).expires_at == soon


def test_a_revoked_key_is_closed_at_once_and_on_record_once(client, police):
    revoke_key(police.key, by=None)
    revoke_key(police.key, by=None)
    assert answer(client, TYPES, police.token) == 401
    assert Entry.objects.filter(verb="apikey.revoked").count() == 1


# --- signed requests ---


@pytest.fixture
def signing(police):
    ApiKey.objects.update(must_sign=True)
    return police


def signed(key, method="GET", path=TYPES, *, at=None, nonce="0123456789abcdef", body=b"", digest=None) -> dict:
    at = int(time.time()) if at is None else at
    stamp = signature(digest or key.digest, method, path, at, nonce, body)
    return {"authorization": f"{SCHEME} Key={key.pk}, Time={at}, Nonce={nonce}, Signature={stamp}"}


def test_a_signed_request_is_accepted_once(client, signing):
    headers = signed(signing.key)
    assert client.get(TYPES, headers=headers).status_code == 200
    assert client.get(TYPES, headers=headers).status_code == 401
    assert client.get(TYPES, headers=signed(signing.key, nonce="another-nonce-16")).status_code == 200


def test_a_key_that_must_sign_is_not_taken_by_its_secret(client, signing):
    assert answer(client, TYPES, signing.token) == 401


def test_a_signed_call_comes_in(client, signing):
    body = json.dumps(make_call()).encode()
    headers = signed(signing.key, "POST", INTAKE, body=body)
    assert client.post(INTAKE, body, content_type="application/json", headers=headers).status_code == 201
    assert client.post(INTAKE, body, content_type="application/json", headers=headers).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        {"path": EVENTS},
        {"path": TYPES + "?lang=en"},
        {"method": "POST"},
        {"body": b"{}"},
        {"digest": "00" * 32},
        {"seconds_off": -900},
        {"seconds_off": 900},
        {"nonce": "short"},
    ],
)
def test_a_signature_holds_for_the_request_it_was_made_for(client, signing, change):
    if seconds_off := change.get("seconds_off"):
        change = {"at": int(time.time()) + seconds_off}
    assert client.get(TYPES, headers=signed(signing.key, **change)).status_code == 401
    assert not UsedNonce.objects.exists()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "Key=1",
        "Key=99999999999999999999, Time=1, Nonce=0123456789abcdef, Signature=" + "0" * 64,
        "Key=999, Time=1, Nonce=0123456789abcdef, Signature=" + "0" * 64,
        "Key=², Time=1, Nonce=0123456789abcdef, Signature=" + "0" * 64,
        "Key=1, Time=1, Nonce=0123456789abcdef, Signature=" + "g" * 64,
        "\xff\xfe",
        "A" * 8_000,
    ],
)
def test_a_malformed_signature_is_refused(client, signing, words):
    assert client.get(TYPES, headers={"authorization": f"{SCHEME} {words}"}).status_code == 401


def test_signatures_of_a_revoked_key_are_refused(client, signing):
    revoke_key(signing.key, by=None)
    assert client.get(TYPES, headers=signed(signing.key)).status_code == 401


def test_nonces_are_forgotten_when_too_old_to_matter(signing):
    UsedNonce.objects.create(key=signing.key, nonce="old", at=timezone.now() - timedelta(hours=1))
    UsedNonce.objects.create(key=signing.key, nonce="new")
    forget_old_nonces()
    assert [row.nonce for row in UsedNonce.objects.all()] == ["new"]
