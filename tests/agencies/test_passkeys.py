"""Passkeys in a real browser, with an authenticator of its own: made, used alone and as second factor, taken away."""

import os
from urllib.parse import urlsplit

import pytest
from django.core.cache import cache

from apps.audit.models import Entry
from tests.cast import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(autouse=True, scope="module")
def database_beside_the_browser():
    """Playwright's loop runs in this thread; what the tests write, and clear away, does not wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture
def page(browser, live_server, settings):
    """A page on http://localhost, the one address without TLS on which browsers have passkeys."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = False
    settings.SECOND_FACTOR, settings.PASSKEY_DOMAIN = True, "localhost"
    cache.clear()  # tries are counted there
    context = browser.new_context(base_url=live_server.url, locale="en-GB", service_workers="block")
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    devices = context.new_cdp_session(page)
    devices.send("WebAuthn.enable")
    devices.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield page
    context.close()


def arrive(page, path: str):
    page.wait_for_url(lambda url: urlsplit(url).path == path)


def give_password_again(page):
    """Asked for before anything about factors is changed."""
    arrive(page, "/me/again/")
    page.fill("input[type=password]", PASSWORD)
    page.press("input[type=password]", "Enter")


def signed_out(page):
    page.goto("about:blank")
    page.context.clear_cookies()


def sign_in_by_password(page):
    page.goto("/sign-in/?next=/agency/requests/")
    page.fill("#id_username", "police")
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url(lambda url: "/sign-in/" not in url)


def sign_in_by_passkey(page):
    signed_out(page)
    page.goto("/sign-in/?next=/agency/requests/")
    page.click("#passkey_login")


def test_a_passkey_from_its_making_to_its_end(page, police):
    sign_in_by_password(page)
    assert "/me/second-factor/" in page.url
    page.goto("/me/second-factor/webauthn/add/")
    give_password_again(page)
    page.check("#id_passwordless")
    page.click("#mfa_webauthn_add")
    arrive(page, "/me/second-factor/recovery-codes/")

    sign_in_by_passkey(page)
    arrive(page, "/agency/requests/")

    page.locator("[data-lock]").evaluate("form => form.requestSubmit()")
    arrive(page, "/unlock/")
    page.click("#proof-by-passkey")
    arrive(page, "/agency/requests/")

    signed_out(page)
    sign_in_by_password(page)
    assert page.url.endswith("/me/second-factor/authenticate/")
    page.click("#mfa_webauthn_authenticate")
    arrive(page, "/agency/requests/")

    page.goto("/me/second-factor/webauthn/")
    assert "signs in by itself" in page.inner_text("main")
    page.click("a[href$='/remove/']")
    give_password_again(page)
    page.click("main button[type=submit]")
    arrive(page, "/me/second-factor/webauthn/")
    sign_in_by_passkey(page)
    page.wait_for_selector("[role=alert]:visible")
    assert "not known here" in page.inner_text("main")
    page.goto("/agency/requests/")
    assert "/sign-in/" in page.url

    assert [words for words in page.complaints if "Content Security Policy" in words] == []
    verbs = list(Entry.objects.filter(verb__startswith="person.second_factor").values_list("verb", "detail__type"))
    assert ("person.second_factor_added", "webauthn") in verbs
    assert ("person.second_factor_removed", "webauthn") in verbs
    assert ("person.second_factor_failed", "passkey") in verbs


def refuse_with(page, name: str):
    page.evaluate("(name) => { navigator.credentials.get = async () => { throw new DOMException('', name) } }", name)


def test_a_passkey_that_does_not_come_is_said_on_the_page(page, police):
    page.goto("/sign-in/")
    refuse_with(page, "NotAllowedError")
    page.click("#passkey_login")
    page.wait_for_selector("[data-passkey=refused]:visible")
    refuse_with(page, "SecurityError")
    page.click("#passkey_login")
    page.wait_for_selector("[data-passkey=place]:visible")
    assert page.locator("[data-passkey=refused]").is_hidden()
