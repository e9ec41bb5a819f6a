"""The pages in a browser: accessible by axe at two sizes, and true to the content policy."""

import os
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.utils import timezone

from apps.agencies.actions import enrol
from apps.linked_services.actions import advance, receive
from apps.mous.actions import Wish, break_glass
from apps.mous.requests import ask
from apps.viewing.models import Finding, MonthlyCheck
from tests.cast import PASSWORD, Role, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SIZES = {"wall": (1920, 1080), "phone": (390, 844)}
ON_A_PHONE = pytest.mark.parametrize("page", ["phone"], indirect=True)
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


def soon(hours: float):
    return timezone.now() + timedelta(hours=hours)


@pytest.fixture(autouse=True, scope="module")
def database_beside_the_browser():
    """Playwright's loop runs in this thread; what the tests write, and clear away, does not wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = False
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture(params=SIZES, ids=list(SIZES))
def page(request, browser, live_server):
    width, height = SIZES[request.param]
    context = browser.new_context(
        base_url=live_server.url,
        viewport={"width": width, "height": height},
        locale="en-GB",
        reduced_motion="reduce",
        service_workers="block",
    )
    page = context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(f"uncaught {error}"))
    yield page
    context.close()


@pytest.fixture
def incident(police, camera):
    make_camera(camera.owner, status="serious")
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def asked(police):
    """A request of the police for video."""
    words = {"place": "City Hall", "document_number": "D1", "purpose": "a theft", "legal_ground": "urgent"}
    wanted = {"kinds": ["recorded"], "recorded_from": soon(-2), "recorded_until": soon(-1)}
    return ask(police.agency, by=police.user, **words, **wanted)


def sign_in(page, name: str):
    page.goto("/sign-in/")
    page.fill("#id_username", name)
    page.fill("#id_password", PASSWORD)
    page.press("#id_password", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


def check(page):
    """No WCAG 2.1 AA violation, nothing refused by the content policy, no uncaught error."""
    result = Axe().run(page, options=RULES)
    found = [f"{v['id']}: {[node['html'][:160] for node in v['nodes']]}" for v in result.response["violations"]]
    assert not found, "\n".join(found)
    refused = [words for words in page.complaints if "Content Security Policy" in words or "uncaught" in words]
    assert not refused, refused


def scrolls_sideways(page) -> bool:
    return page.evaluate("() => document.documentElement.scrollWidth > document.documentElement.clientWidth")


def test_sign_in(page, police):
    page.goto("/sign-in/")
    check(page)
    page.fill("#id_username", "police")
    page.fill("#id_password", "wrong")
    page.press("#id_password", "Enter")
    page.wait_for_selector("[role=alert]")
    check(page)
    assert not scrolls_sideways(page)


def test_the_desk(page, operator, incident):
    sign_in(page, "operator")
    page.wait_for_selector(".camera-canvas", state="attached")
    check(page)
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_selector("camera-tile[data-state]")
    check(page)


def test_dialogs_and_keys(page, operator, incident):
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_selector("camera-tile[data-state]")
    page.keyboard.press("?")
    assert page.locator("#keys-dialog").is_visible()
    check(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    assert page.evaluate("() => document.activeElement.id") == "search"
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.evaluate("() => document.activeElement.closest('.row') !== null")
    if page.locator("#drawer-opener").is_visible():
        page.keyboard.press("Escape")  # on a narrow desk the first step back closes the details
    page.keyboard.press("Escape")
    page.wait_for_selector("#column", state="detached", timeout=10_000)
    assert "incident" not in page.url


def test_acknowledging_in_place(page, operator, incident):
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_selector("camera-tile[data-state]")
    page.evaluate("() => { document.querySelector('camera-tile').marked = true }")
    page.click("button[value=acknowledge]")
    page.wait_for_selector("button[value=acknowledge]", state="detached")
    assert "Acknowledged" in page.inner_text(".state-now")
    assert page.evaluate("() => document.querySelector('camera-tile').marked"), "the picture was torn down"


def test_closing_asks_for_the_outcome(page, operator, incident):
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.click("[data-opens=close-dialog]")
    check(page)
    page.select_option("#outcome", "seen_helped")
    page.click("#close-dialog .button-main")
    page.wait_for_selector("#close-dialog", state="hidden")
    page.wait_for_selector(".step-buttons", state="detached")
    incident.refresh_from_db()
    assert incident.state == "closed"
    assert incident.events.order_by("-seq").first().detail["note"] == "Video helped the units"


def test_the_agency_page(page, police, operator, incident):
    sign_in(page, "police")
    page.wait_for_selector("camera-tile[data-state]")
    page.click(".clip-order summary")
    check(page)
    assert not scrolls_sideways(page)
    advance(incident, "close", by=operator)
    page.goto("/agency/")
    assert "The incident was closed at" in page.inner_text("main")
    check(page)


def test_the_page_of_an_agency_with_nothing(page, fire, centre, owner):
    make_camera(owner, rtsp_url="rtsp://127.0.0.1/1", status="serious", status_reason="no answer")
    make_user("district", owner, Role.OWNER)
    sign_in(page, "district")
    check(page)
    assert not scrolls_sideways(page)


def look_through(page, *addresses):
    for address in addresses:
        page.goto(address)
        check(page)
        assert not scrolls_sideways(page), address


def test_error_pages(page, operator, police):
    sign_in(page, "police")
    look_through(page, "/console/", "/nowhere/", "/offline/")


@ON_A_PHONE
def test_pages_at_the_centres_desks(page, supervisor, police, camera, incident, asked):
    wish = Wish(police.agency, [camera.pk], ["live"], soon(1), "a search")
    urgent = break_glass(wish, by=supervisor)
    month = MonthlyCheck.objects.create(month="2026-01-01", views=3, downloads=1, refusals=0)
    seen = {"times": 1, "first_at": soon(-9), "last_at": soon(-8)}
    Finding.objects.create(check_of=month, kind="downloads", who="police", **seen)
    sign_in(page, "supervisor")
    look_through(
        page,
        "/console/provisions/",
        f"/console/provisions/{urgent.pk}/",
        f"/console/provisions/new/?incident={incident.number}",
        "/console/requests/",
        f"/console/requests/{asked.pk}/",
        "/console/break-glass/",
        "/agreements/",
        f"/agreements/{police.mou.pk}/",
        "/console/simulator/",
        "/console/register/?refusals=on",
        "/hit-rate/",
        "/checks/",
        "/holds/",
        "/holds/new/",
        "/alarms/",
        "/me/",
        "/me/password/",
        "/me/second-factor/",
    )


@ON_A_PHONE
def test_pages_of_an_agency(page, police, owner, incident, asked):
    enrol(police.user, police.agency, Role.ADMINISTRATOR, by=None)
    enrol(police.user, owner, Role.OWNER, by=None)
    incident.provisions.update(starts_at=soon(-3), ends_at=soon(-2))
    sign_in(page, "police")
    look_through(page, "/agency/requests/", "/agency/results/", "/hit-rate/", "/agency/cameras/", "/members/")
    page.goto("/agency/requests/")
    page.evaluate("() => { document.querySelector('main form').noValidate = true }")
    page.click("main .button-main")
    page.wait_for_selector(".errorlist")
    check(page)
    page.click("[data-lock] button")
    page.wait_for_selector("#proof-password")
    check(page)


@ON_A_PHONE
def test_pages_for_everybody(page, police):
    look_through(page, "/published/", "/verify/", "/welcome/MQ/set-x/")
    police.user.pledges.all().delete()
    sign_in(page, "police")
    page.wait_for_selector("#agree")
    check(page)


@ON_A_PHONE
def test_the_administration_carries_the_family(page, centre, police):
    make_user("admin", centre, Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    sign_in(page, "admin")
    page.wait_for_selector(".admin-city")
    assert "Pretendard" in page.evaluate("() => getComputedStyle(document.body).fontFamily")
    check(page)
    look_through(page, "/admin/mous/mou/")


@ON_A_PHONE
def test_pages_fetch_nothing_from_elsewhere(page, operator, incident, live_server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_selector("camera-tile[data-state]")
    assert all(url.startswith((live_server.url, "blob:", "data:")) for url in asked)


@ON_A_PHONE
def test_the_typeface_is_served(page, police):
    if not (settings.NODE_MODULES / "pretendard").is_dir():
        pytest.skip("npm packages are not installed")
    page.goto("/sign-in/")
    page.evaluate("() => document.fonts.ready")
    assert page.evaluate("() => document.fonts.check('14px \"Pretendard Variable\"')")
