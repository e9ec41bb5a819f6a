"""Showing once more who one is: before what gives rights, and at a locked screen."""

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.core.cache import cache
from django.test import Client

from apps.agencies.models import User
from apps.agencies.sittings import PROVED_AT
from apps.audit.models import Entry
from tests.agencies.test_second_factor import HOSTILE, code
from tests.cast import PASSWORD, Role, make_user

pytestmark = pytest.mark.django_db

INVITE = "/members/invite/"


@pytest.fixture(autouse=True)
def ten_minutes(settings):
    settings.ASK_AGAIN_MINUTES = 10
    settings.MFA_TOTP_TOLERANCE = 1  # a code that was made just before the half minute ended
    cache.clear()  # tries are counted there


@pytest.fixture
def chief(police):
    return make_user("chief", police.agency, Role.ADMINISTRATOR)


@pytest.fixture
def desk(chief) -> Client:
    """An hour after the sign-in."""
    return back_after_an_hour(chief)


def back_after_an_hour(user) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    session = client.session
    session[PROVED_AT] -= 3600
    session.save()
    return client


def wish(police, **more) -> dict:
    name = {"last_name": "Kim", "first_name": "Ji", "username": "kim", "rank": "<b>"}
    return {"agency": police.agency.pk, "role": "officer", **name, **more}


def code_of(user: User) -> str:
    secret = generate_totp_secret()
    TOTP.activate(user, secret)
    return code(secret)


def is_invited() -> bool:
    return User.objects.filter(username="kim").exists()


def test_who_comes_back_is_asked_and_what_was_sent_stays(desk, police, chief):
    page = desk.post(INVITE, wish(police, password="secret one"))
    assert page.status_code == 403 and not is_invited()
    words = page.content.decode()
    assert 'name="rank" value="&lt;b&gt;"' in words and "secret one" not in words
    sent = dict(page.context["sent"])
    assert desk.post(INVITE, {**sent, "proof-given": "POST", "proof-password": PASSWORD}).status_code == 200
    assert is_invited()
    assert Entry.objects.get(verb="person.proved").detail == {"by": "password"}
    assert desk.post(INVITE, wish(police)).status_code == 400, "and is not asked again at once"


def test_who_has_just_signed_in_is_not_asked(chief, police):
    client = Client()
    client.post("/sign-in/", {"username": "chief", "password": PASSWORD})
    assert client.post(INVITE, wish(police)).status_code == 200


@pytest.mark.parametrize("given", [{}, {"proof-password": ""}, {"proof-password": "wrong"}, {"proof-code": "000000"}])
def test_nothing_is_done_without_proof(desk, police, given):
    assert desk.post(INVITE, {**wish(police), "proof-given": "POST", **given}).status_code == 403
    assert not is_invited()


def test_anothers_password_is_no_proof(desk, police):
    police.user.set_password("of somebody else")
    police.user.save()
    answer = {"proof-given": "POST", "proof-password": "of somebody else", "username": "police"}
    assert desk.post(INVITE, {**wish(police), **answer}).status_code == 403


def test_guessing_is_stopped(desk, police):
    guess = {**wish(police), "proof-given": "POST"}
    answers = [desk.post(INVITE, {**guess, "proof-password": f"guess {n}"}).status_code for n in range(11)]
    assert answers[-1] == 429
    assert desk.post(INVITE, {**guess, "proof-password": PASSWORD}).status_code == 429
    assert not is_invited()


def test_a_page_that_was_looked_at_opens_after_the_proof(centre):
    root = make_user("root", centre, Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    desk = back_after_an_hour(root)
    address = "/admin/agencies/user/add/?x=1"
    page = desk.get(address)
    assert page.status_code == 403 and page.context["method"] == "GET"
    assert desk.post(address, {"proof-given": "GET", "proof-password": "wrong"}).context["method"] == "GET"
    assert desk.post(address, {"proof-given": "GET", "proof-password": PASSWORD})["Location"] == address
    assert desk.get(address).status_code == 200


def test_who_signs_in_elsewhere_is_sent_there(desk, police, chief):
    chief.set_unusable_password()
    chief.save()
    desk.force_login(chief)
    session = desk.session
    session[PROVED_AT] = 0
    session.save()
    page = desk.post(INVITE, wish(police))
    assert page.status_code == 403 and page.context["means"] == set()
    assert desk.post(INVITE, {**wish(police), "proof-given": "POST", "proof-password": ""}).status_code == 403


# --- the locked screen ---


def test_a_code_unlocks_once(chief, police, settings):
    screen = back_after_an_hour(chief)
    settings.SECOND_FACTOR = False
    given = code_of(chief)
    screen.post("/lock/")
    assert screen.post("/unlock/", {"proof-code": "000000"}).status_code == 200
    assert screen.post("/unlock/", {"proof-code": given, "next": "/members/"})["Location"] == "/members/"
    assert Entry.objects.get(verb="person.proved").detail == {"by": "code"}
    screen.post("/lock/")
    assert screen.post("/unlock/", {"proof-code": given}).status_code == 200, "it was used"
    assert screen.get("/members/")["Location"].startswith("/unlock/")
    assert Entry.objects.filter(verb="person.second_factor_failed", detail={"type": "code"}).count() == 2


def test_the_code_of_another_does_not_unlock(chief, police):
    screen = back_after_an_hour(chief)
    code_of(chief)
    given = code_of(police.user)
    screen.post("/lock/")
    assert screen.post("/unlock/", {"proof-code": given}).status_code == 200
    assert screen.get("/members/")["Location"].startswith("/unlock/")


def test_codes_are_not_guessed_there_either(chief):
    screen = back_after_an_hour(chief)
    given = code_of(chief)
    screen.post("/lock/")
    for n in range(15):
        screen.post("/unlock/", {"proof-code": f"{n:06}"})
    assert screen.post("/unlock/", {"proof-code": given}).status_code == 200
    assert screen.get("/members/")["Location"].startswith("/unlock/")


def test_rubbish_in_place_of_a_passkey_does_not_unlock(chief, monkeypatch):
    screen = back_after_an_hour(chief)
    monkeypatch.setattr("apps.agencies.proof.means_of", lambda user: {"password", "passkey"})
    Authenticator.objects.create(user=chief, type="totp", data={"secret": "x"})
    screen.post("/lock/")
    for said in HOSTILE:
        cache.clear()
        assert screen.post("/unlock/", {"proof-passkey": said}).status_code == 200
    assert screen.get("/members/")["Location"].startswith("/unlock/")
