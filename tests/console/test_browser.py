"""The pages in a browser: accessible by axe at two sizes, and true to the content policy."""

import os

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings

from apps.linked_services.actions import advance, receive
from tests.cast import PASSWORD, Role, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

SIZES = {"wall": (1920, 1080), "phone": (390, 844)}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]}


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


def test_error_pages(page, operator, police):
    sign_in(page, "police")
    for address in ("/console/", "/nowhere/", "/offline/"):
        page.goto(address)
        check(page)
        assert not scrolls_sideways(page)


def test_the_administration_carries_the_family(page, centre):
    make_user("admin", centre, Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    sign_in(page, "admin")
    page.wait_for_selector(".admin-city")
    assert "Pretendard" in page.evaluate("() => getComputedStyle(document.body).fontFamily")
    refused = [words for words in page.complaints if "Content Security Policy" in words]
    assert not refused


def test_pages_fetch_nothing_from_elsewhere(page, operator, incident, live_server):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_selector("camera-tile[data-state]")
    assert all(url.startswith((live_server.url, "blob:", "data:")) for url in asked)


def test_the_typeface_is_served(page, police):
    if not (settings.NODE_MODULES / "pretendard").is_dir():
        pytest.skip("npm packages are not installed")
    page.goto("/sign-in/")
    page.evaluate("() => document.fonts.ready")
    assert page.evaluate("() => document.fonts.check('14px \"Pretendard Variable\"')")
