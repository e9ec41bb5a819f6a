"""Typing a password in a real browser: looked at, and told how hard a new one is to guess."""

import pytest
from django.contrib.auth.tokens import default_token_generator
from django.utils.encoding import force_bytes
from django.utils.http import urlsafe_base64_encode

from tests.agencies.test_passkeys import database_beside_the_browser
from tests.cast import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
beside = database_beside_the_browser


@pytest.fixture
def page(browser, live_server, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = False
    context = browser.new_context(base_url=live_server.url, locale="en-GB", service_workers="block")
    page = context.new_page()
    page.complaints, page.asked = [], []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("request", lambda request: page.asked.append(request.url))
    yield page
    context.close()


def test_a_new_password_is_judged_here_and_can_be_looked_at(page, police):
    number = urlsafe_base64_encode(force_bytes(police.user.pk))
    page.goto(f"/welcome/{number}/{default_token_generator.make_token(police.user)}/")
    first, second = page.locator("#id_new_password1"), page.locator("#id_new_password2")
    judged = page.locator(".strength [role=status]")
    assert judged.count() == 1 and "zxcvbn" not in " ".join(page.asked), "the lists are not fetched before"
    first.press_sequentially("inter")
    page.get_by_text("Too short").wait_for()
    first.fill("internationally")
    page.get_by_text("asy to guess").wait_for()
    first.fill("seven owls under a lamp")
    page.get_by_text("Very hard to guess").wait_for()

    look = page.get_by_role("button", name="Show").first
    assert look.get_attribute("aria-pressed") == "false"
    first.press("Tab")
    page.keyboard.press("Space")
    assert (first.get_attribute("type"), look.get_attribute("aria-pressed")) == ("text", "true")
    assert second.get_attribute("type") == "password", "each by itself"
    page.keyboard.press("Space")
    assert first.get_attribute("type") == "password"

    second.fill("seven owls under a lamp")
    asked = len(page.asked)
    second.press("Enter")
    page.wait_for_url("**/sign-in/")
    assert not [words for words in page.complaints if "Content Security Policy" in words]
    assert not [url for url in page.asked[:asked] if "owls" in url]
    police.user.refresh_from_db()
    assert police.user.check_password("seven owls under a lamp")


def test_what_was_looked_at_is_sent_hidden(page, police):
    page.goto("/sign-in/")
    assert page.evaluate("document.activeElement.id") == "id_username"
    page.fill("#id_username", "police")
    page.fill("#id_password", PASSWORD)
    page.get_by_role("button", name="Show").click()
    assert page.locator(".strength").count() == 0
    page.locator("#id_password").evaluate("field => field.form.addEventListener('submit', (e) => e.preventDefault())")
    page.press("#id_password", "Enter")
    assert page.get_attribute("#id_password", "type") == "password"
