"""A screen that nobody touches, in a browser whose clock is ours."""

import pytest

from apps.agencies.models import SignIn
from apps.audit.models import Entry
from tests.cast import PASSWORD
from tests.console.test_browser import ON_A_PHONE, database_beside_the_browser, page, plain_http, sign_in  # noqa: F401

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), ON_A_PHONE]


def test_a_touch_is_told_and_an_untouched_screen_is_locked(page, police):  # noqa: F811
    page.clock.install()
    sign_in(page, "police")
    page.goto("/agency/")
    page.clock.fast_forward("29:00")
    with page.expect_response("**/still-here/") as told:
        page.mouse.move(40, 40)
        page.clock.run_for(21_000)
    assert told.value.status == 204
    page.clock.fast_forward("29:00")
    assert "/agency/" in page.url
    page.clock.fast_forward("01:10")
    page.wait_for_url("**/unlock/?next=**")
    assert Entry.objects.get(verb="person.locked").detail == {"because": "idle"}
    page.fill("[name=proof-password]", PASSWORD)
    page.press("[name=proof-password]", "Enter")
    page.wait_for_url("**/agency/")


def test_a_page_that_the_centre_has_locked_meanwhile_leads_to_the_lock(page, police):  # noqa: F811
    """A machine that slept: its own clock stood still."""
    page.clock.install()
    sign_in(page, "police")
    page.goto("/agency/")
    sitting = SignIn.objects.get()
    SignIn.objects.update(touched_at=sitting.touched_at.replace(year=sitting.touched_at.year - 1))
    page.clock.fast_forward("00:05")
    page.mouse.move(40, 40)
    page.clock.run_for(21_000)
    page.wait_for_url("**/unlock/?next=**")
