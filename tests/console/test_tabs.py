"""Several tabs, hasty hands, and screens whose clock is wrong, or that nobody touches."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.agencies.models import SignIn
from apps.audit.models import Entry
from apps.mous.models import ProvisionRequest
from tests.cast import PASSWORD
from tests.console.test_browser import (  # noqa: F401
    ON_A_PHONE,
    database_beside_the_browser,
    incident,
    page,
    plain_http,
    sign_in,
)
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), ON_A_PHONE]
TOLERANCE_S = 30


def test_a_form_that_is_clicked_twice_is_sent_once(page, police):  # noqa: F811
    sign_in(page, "police")
    page.goto("/agency/requests/")
    for name, words in {"place": "City Hall", "document_number": "D 1", "purpose": "a theft"}.items():
        page.fill(f"[name={name}]", words)
    yesterday = timezone.localdate() - timedelta(days=1)
    page.fill("[name=recorded_from]", f"{yesterday}T00:00:00")
    page.fill("[name=recorded_until]", f"{yesterday}T00:00:01")
    page.select_option("[name=legal_ground]", index=1)
    held = []  # the centre takes its time
    page.route("**/agency/requests/", lambda way: held.append(way) if way.request.method == "POST" else way.continue_())
    button = page.locator("main .button-main")
    button.scroll_into_view_if_needed()
    place = button.bounding_box()
    for _click in range(2):  # as a hand does: a locator would wait for the first to be answered
        page.mouse.click(place["x"] + 9, place["y"] + 9)
        page.wait_for_timeout(100)
    until(lambda: page.wait_for_timeout(50) or held, "sent")
    held[0].continue_()
    page.wait_for_selector("[role=status]")
    assert len(held) == 1
    assert ProvisionRequest.objects.count() == 1


def test_nothing_stays_on_the_screen_after_signing_out(page, police):  # noqa: F811
    sign_in(page, "police")
    page.goto("/me/")
    other = page.context.new_page()
    other.goto("/agency/requests/")
    page.click("form[action='/sign-out/'] button")
    other.wait_for_url("**/sign-in/?next=/agency/requests/")
    page.go_back()
    page.wait_for_selector("#id_username")
    assert "/sign-in/" in page.url
    sign_in(page, "police")
    other.wait_for_url("**/agency/requests/")


def test_a_wrong_clock_shows_the_citys_time(page, operator, incident):  # noqa: F811
    page.add_init_script("const real = Date.now; Date.now = () => real() - 3_600_000;")
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_function("() => document.querySelector('[data-age]').textContent.includes(':')")
    hours, minutes, seconds = map(int, page.inner_text("[data-clock]").split(":"))
    here = timezone.localtime()
    told = here.replace(hour=hours, minute=minutes, second=seconds)
    away = abs((here - told).total_seconds())
    assert min(away, 86_400 - away) < TOLERANCE_S
    age = page.locator("#queue [data-age]").first.text_content().split(":")
    assert len(age) == 2 and age[0] == "00", "the call is as old as it is"


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
