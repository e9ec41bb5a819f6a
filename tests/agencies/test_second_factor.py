import json
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from apps.agencies.second_factor import encrypt_anew
from apps.audit.models import Entry
from tests.cast import PASSWORD

pytestmark = pytest.mark.django_db

NEAR = "/api/v1/cameras/?near=127.38,36.35"


@pytest.fixture(autouse=True)
def demanded(settings):
    settings.SECOND_FACTOR = True
    cache.clear()  # tries are counted there, and codes that were used


@pytest.fixture
def user(police):
    return police.user


def sign_in(user) -> Client:
    client = Client()
    client.answer = client.post("/sign-in/?next=/agency/", {"username": user.username, "password": PASSWORD})
    return client


def code(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def set_up(client: Client) -> str:
    """Set an authenticator app up, after the password once more; return the secret that it now holds."""
    assert client.get("/me/second-factor/totp/activate/")["Location"].startswith("/me/again/")
    assert client.post("/me/again/", {"password": PASSWORD}).status_code == 302
    page = client.get("/me/second-factor/totp/activate/", follow=True)
    secret = page.context["form"].secret
    assert client.post("/me/second-factor/totp/activate/", {"code": code(secret)}).status_code == 302
    return secret


def test_without_a_second_factor_only_its_own_pages_open(user):
    client = sign_in(user)
    assert client.get("/agency/")["Location"].startswith("/me/second-factor/")
    assert client.get(NEAR).json()["code"] == "mfa_index"
    assert client.get("/me/second-factor/").status_code == 200


def test_nothing_weak_is_a_factor(settings):
    assert set(settings.MFA_SUPPORTED_TYPES) == {"totp", "webauthn", "recovery_codes"}


def test_each_page_of_the_factors_opens(user):
    client = sign_in(user)
    set_up(client)
    pages = ("", "recovery-codes/", "webauthn/", "webauthn/add/")
    assert [client.get(f"/me/second-factor/{page}").status_code for page in pages] == [200] * 4


def test_a_second_factor_is_set_up_and_asked_for_from_then_on(user):
    client = sign_in(user)
    secret = set_up(client)
    assert client.get(NEAR).status_code == 200
    client.post("/sign-out/")

    again = sign_in(user)
    assert again.answer["Location"] == "/me/second-factor/authenticate/"
    assert again.get(NEAR).status_code == 401
    assert again.post("/me/second-factor/authenticate/", {"code": "000000"}).status_code == 200
    assert again.get(NEAR).status_code == 401
    cache.clear()
    assert again.post("/me/second-factor/authenticate/", {"code": code(secret)})["Location"] == "/agency/"
    assert again.get(NEAR).status_code == 200


def test_factors_set_up_renewed_and_taken_away_are_on_record(user):
    client = sign_in(user)
    set_up(client)
    client.post("/me/second-factor/recovery-codes/generate/")
    client.post("/me/second-factor/totp/deactivate/")
    verbs = {"person.second_factor_added", "person.second_factor_removed", "person.recovery_codes_renewed"}
    lines = Entry.objects.filter(actor=user, verb__in=verbs).order_by("pk")
    told = [(line.verb.rpartition("_")[2], line.detail.get("type")) for line in lines]
    assert sorted(told[:2]) == [("added", "recovery_codes"), ("added", "totp")]
    assert told[2] == ("renewed", None)
    assert sorted(told[3:]) == [("removed", "recovery_codes"), ("removed", "totp")]


@pytest.mark.parametrize("step", ["add", "remove"])
def test_a_change_that_cannot_be_written_down_is_not_made(user, monkeypatch, step):
    client = sign_in(user)
    if step == "remove":
        set_up(client)
    before = set(Authenticator.objects.values_list("pk", flat=True))
    monkeypatch.setattr("apps.agencies.second_factor.record", broken_off)
    with pytest.raises(OSError, match="broken off"):
        client.post("/me/second-factor/totp/deactivate/") if step == "remove" else set_up(client)
    assert set(Authenticator.objects.values_list("pk", flat=True)) == before


def broken_off(*args, **kwargs):
    raise OSError("broken off")


def test_a_code_works_once(user):
    client = sign_in(user)
    secret = set_up(client)
    cache.clear()
    first, second = sign_in(user), sign_in(user)
    used = code(secret)
    assert first.post("/me/second-factor/authenticate/", {"code": used}).status_code == 302
    assert second.post("/me/second-factor/authenticate/", {"code": used}).status_code == 200
    assert second.get(NEAR).status_code == 401


def test_codes_are_not_guessed(user):
    """After some wrong ones the right one is not taken either."""
    secret = set_up(sign_in(user))
    cache.clear()
    guesser = sign_in(user)
    for n in range(15):
        guesser.post("/me/second-factor/authenticate/", {"code": f"{n:06}"})
    assert guesser.post("/me/second-factor/authenticate/", {"code": code(secret)}).status_code == 200
    assert guesser.get(NEAR).status_code == 401


def test_a_wrong_code_is_on_record(user):
    set_up(sign_in(user))
    sign_in(user).post("/me/second-factor/authenticate/", {"code": "000000"})
    entry = Entry.objects.get(verb="person.second_factor_failed")
    assert (entry.actor, entry.address) == (None, "127.0.0.1")
    assert entry.target and entry.detail["type"] == "code"


def test_the_secret_is_kept_encrypted(user):
    secret = set_up(sign_in(user))
    stored = Authenticator.objects.get(type="totp").data["secret"]
    assert secret not in stored


def test_the_key_can_be_replaced(user, settings):
    client = sign_in(user)
    secret = set_up(client)
    seed = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = (
        [settings.SECRET_KEY],
        "another key of forty characters or more…",
    )
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code(secret))
    assert encrypt_anew() == 2
    settings.SECRET_KEY_FALLBACKS = []
    cache.clear()
    assert Authenticator.objects.get(type="totp").wrap().validate_code(code(secret))
    assert Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes() == seed


def test_a_recovery_code_opens_once(user):
    client = sign_in(user)
    set_up(client)
    codes = Authenticator.objects.get(type="recovery_codes").wrap().get_unused_codes()
    for expected in (302, 200):
        again = sign_in(user)
        answer = again.post("/me/second-factor/authenticate/", {"code": codes[0]})
        assert answer.status_code == expected


def test_who_takes_their_factor_away_is_asked_to_set_one_up(user):
    client = sign_in(user)
    set_up(client)
    assert client.post("/me/second-factor/totp/deactivate/").status_code == 302
    assert client.get(NEAR).json()["code"] == "mfa_index"


def test_a_locked_screen_does_not_open_by_the_pages_of_the_factor(user):
    client = sign_in(user)
    client.post("/lock/")
    assert client.get("/me/second-factor/")["Location"].startswith("/unlock/")


def test_the_demonstration_asks_for_a_password_alone(user, settings):
    settings.SECOND_FACTOR = False
    assert sign_in(user).get(NEAR).status_code == 200


@pytest.mark.parametrize("path", ["/accounts/signup/", "/me/second-factor/webauthn/signup/", "/sign-up/"])
def test_nobody_signs_up(client, path):
    assert client.get(path).status_code in (302, 404)
    assert "sign-in" in client.get(path).headers.get("Location", "sign-in")


# Bytes in place of a passkey's answer; the last have a whole shape and rubbish in it.
HOSTILE = [
    *("", "null", "[1]", "5", '"x"', "{}", "x", '{"id": "x"}', '{"response": 1}', '{"response": {"userHandle": 5}}'),
    "[" * 5_000,
    *(
        json.dumps({"id": "AAAA", "rawId": "AAAA", "type": "public-key", "response": response})
        for response in (
            {"clientDataJSON": "AAAA", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "AAAA"},
            {"clientDataJSON": "e30", "authenticatorData": "AAAA", "signature": "AAAA", "userHandle": "/////"},
            {"clientDataJSON": "e30", "attestationObject": "AAAA"},
            {"clientDataJSON": "e30", "attestationObject": "oA"},
        )
    ),
]


def test_rubbish_in_place_of_a_passkey_is_refused(user):
    """At signing in by it alone, as second factor, and at making one: never an error of ours."""
    signed_in = sign_in(user)
    signed_in.get("/me/second-factor/webauthn/add/")
    signed_in.post("/me/again/", {"password": PASSWORD})
    for said in HOSTILE:
        assert signed_in.post("/me/second-factor/webauthn/add/", {"credential": said}).status_code == 200
    page = signed_in.get("/me/second-factor/totp/activate/")
    signed_in.post("/me/second-factor/totp/activate/", {"code": code(page.context["form"].secret)})
    assert set(Authenticator.objects.values_list("type", flat=True)) == {"totp", "recovery_codes"}
    alone, halfway = Client(), sign_in(user)
    for said in HOSTILE:
        cache.clear()
        alone.get("/me/second-factor/webauthn/login/", headers={"accept": "application/json"})
        assert alone.post("/me/second-factor/webauthn/login/", {"credential": said})["Location"] == "/sign-in/"
        assert halfway.post("/me/second-factor/authenticate/", {"credential": said}).status_code == 200
    assert {alone.get(NEAR).status_code, halfway.get(NEAR).status_code} == {401}
