"""Looking back in a browser, at recordings whose pictures show their own time."""

import base64
import math
import os
import re
from datetime import UTC, datetime, timedelta
from io import BytesIO

import numpy as np
import pytest
from django.http import HttpResponse
from django.utils import timezone
from PIL import Image

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.models import Provision
from apps.showroom.virtual import clock
from apps.video import motion
from apps.video.nal import H265
from apps.viewing import addresses
from apps.viewing.api import SegmentView
from apps.viewing.models import Bookmark, ViewLog
from tests.cast import make_camera
from tests.console.test_browser import check, sign_in
from tests.linked_services.calls import checked
from tests.video.conftest import roots  # noqa: F401
from tests.video.filming import film

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
SMALL = (320, 180)
PATIENCE_MS = 30_000  # with a machine that has much else to do


@pytest.fixture(autouse=True, scope="module")
def database_beside_the_browser():
    """Playwright's loop runs in this thread; what the tests write does not wait for it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(os.environ, "DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        yield


@pytest.fixture(autouse=True)
def front(settings, monkeypatch):
    """The front server's part: the bytes that a door lets through."""
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = settings.SECURE_SSL_REDIRECT = False
    finalize = SegmentView.finalize_response

    def with_bytes(view, request, response, *words, **names):
        response = finalize(view, request, response, *words, **names)
        if sent := response.headers.get("X-Accel-Redirect"):
            first, last = map(int, re.findall(r"\d+", request.headers["Range"]))
            with (settings.VIDEO_ROOT / sent.split("/video/")[1]).open("rb") as file:
                file.seek(first)
                return HttpResponse(file.read(last - first + 1), status=206, content_type="video/mp4")
        return response

    monkeypatch.setattr(SegmentView, "finalize_response", with_bytes)


@pytest.fixture
def start():
    """Some minutes ago, and 40 s before the page's lists of five minutes meet: it asks for two of them."""
    minutes_ago = (timezone.now() - timedelta(minutes=8)).timestamp()
    return datetime.fromtimestamp(math.ceil(minutes_ago / 300) * 300 - 40, UTC)


@pytest.fixture
def two(roots, camera, start):  # noqa: F811
    """Two cameras of 40 s; the first has nothing from 12 until 20 s."""
    other = make_camera(camera.owner)
    film(roots, camera, start, 12, size=SMALL)
    film(roots, camera, start + timedelta(seconds=20), 20, size=SMALL, session=2, first=9_000_000)
    film(roots, other, start, 30, size=SMALL, first=123_456)
    film(roots, other, start + timedelta(seconds=30), 10, size=SMALL, first=123_456 + 30 * 90_000)
    return camera, other


@pytest.fixture
def incident(police, camera, start):
    """A call, 35 s into the recordings."""
    call = checked(occurred_at=(start + timedelta(seconds=35)).isoformat())
    return receive(police.agency, call, by=police.user).incident


@pytest.fixture
def page(browser, live_server):
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1280, "height": 720}, locale="en-GB", service_workers="block"
    )
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(f"uncaught {error}"))
    page.on("console", lambda m: page.complaints.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    context.close()
    assert not page.complaints


def look_back(page, cameras, at: datetime, more: str = ""):
    named = "&".join(f"camera={camera.pk}" for camera in cameras)
    page.goto(f"/playback/?{named}&at={at.strftime('%Y-%m-%dT%H:%M:%SZ')}&reason=lost+child{more}")
    wait_for_states(page, ["playing"] * len(cameras))


def states(page) -> list[str]:
    return page.evaluate("() => [...document.querySelectorAll('recorded-tile')].map((tile) => tile.dataset.state)")


def wait_for_states(page, wanted: list[str]):
    page.wait_for_function(
        "(wanted) => [...document.querySelectorAll('recorded-tile')].every((t, i) => t.dataset.state === wanted[i])",
        arg=wanted,
        timeout=PATIENCE_MS,
    )


def pictured(page) -> list[int | None]:
    """The time (ms) that each picture shows, read out of the picture, all taken at one moment."""
    return pictured_beside_the_clock(page)[0]


def pictured_beside_the_clock(page) -> tuple[list[int | None], float]:
    """The same, and the time of the page's clock at that moment."""
    canvases, told = page.evaluate_handle(
        """() => [[...document.querySelectorAll('video')].map((video) => {
          const canvas = document.createElement('canvas');
          [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
          canvas.getContext('2d').drawImage(video, 0, 0);
          return canvas;
        }), document.querySelector('playback-deck').now]"""
    ).evaluate("([drawn, now]) => [drawn.map((canvas) => canvas.toDataURL('image/png')), now]")
    return [read_clock(frame) for frame in canvases], told


def read_clock(address: str) -> int | None:
    with Image.open(BytesIO(base64.b64decode(address.split(",")[1]))) as picture:
        return clock.read(np.asarray(picture.convert("L")))


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def now(page) -> float:
    return page.evaluate("() => document.querySelector('playback-deck').now")


def seconds_in(page, start) -> float:
    return (now(page) - ms(start)) / 1000


def words(page, slot: int) -> str:
    return page.inner_text(f"recorded-tile[data-slot='{slot}'] [data-words]")


def test_cameras_run_in_step(page, operator, two, start):
    sign_in(page, "operator")
    look_back(page, two, start + timedelta(seconds=1))
    assert pictured(page) == [ms(start) + 1000] * 2
    page.keyboard.press(" ")
    for speed, tolerance in ((1, 200), (2, 200)):
        page.click(f"[data-speed='{speed}']")
        page.wait_for_timeout(900)
        shown, told = pictured_beside_the_clock(page)
        assert max(shown) - min(shown) <= tolerance
        assert abs(told - shown[0]) <= 200 + tolerance
    page.keyboard.press("k")
    before = seconds_in(page, start)
    assert 2 < before < 12
    page.wait_for_timeout(200)
    assert seconds_in(page, start) == before
    views = ViewLog.objects.filter(user=operator)
    assert sorted(views.values_list("door", flat=True)) == ["playback"] * 2 + ["timeline"] * 2
    assert set(views.values_list("reason", flat=True)) == {"lost child"}


def test_a_gap_is_shown_and_the_others_go_on(page, operator, two, start):
    sign_in(page, "operator")
    look_back(page, two, start + timedelta(seconds=11))
    page.keyboard.press(" ")
    wait_for_states(page, ["gap", "playing"])
    begins = timezone.localtime(start + timedelta(seconds=12))
    # With its date, when that is yesterday's by now.
    assert re.search(rf"Nothing recorded from ([\d-]+ )?{begins:%H:%M:%S} ", words(page, 1))
    assert pictured(page)[1] >= ms(start) + 12_000
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    wait_for_states(page, ["playing", "playing"])
    shown = pictured(page)
    assert max(shown) - min(shown) <= 200
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(start) - 60_000)
    wait_for_states(page, ["gap", "gap"])
    from_the_first = "from => document.querySelector('playback-deck').now >= from"
    page.wait_for_function(from_the_first, arg=ms(start), timeout=PATIENCE_MS)


def test_keys_and_scrubbing(page, operator, two, start, incident):
    sign_in(page, "operator")
    look_back(page, two, start + timedelta(seconds=3))
    for key, shown in ((".", 3067), (".", 3133), (",", 3067), ("ArrowRight", 8067)):
        page.keyboard.press(key)
        wait_for_states(page, ["playing", "playing"])
        assert pictured(page)[0] - ms(start) == shown
    page.keyboard.press("[")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("]")
    begins, ends = (timezone.localtime(start + timedelta(seconds=s)) for s in (8, 18))
    assert page.inner_text("[data-marks]") == f"{begins:%H:%M:%S} – {ends:%H:%M:%S}"
    page.select_option("[data-stretch]", "60")
    page.wait_for_timeout(600)
    drag_to(page, ms(start) + 5_000)
    wait_for_states(page, ["playing", "playing"])
    assert abs(pictured(page)[0] - ms(start) - 5_000) < 250
    page.wait_for_selector("[data-thumb] img:not([hidden])")
    assert ViewLog.objects.filter(door="timeline", pictures__gte=1).count() == 1
    assert not ViewLog.objects.filter(door="still").exists()
    page.keyboard.press("b")
    page.fill("#bookmark-note", "a black cap")
    page.keyboard.press("Enter")
    page.wait_for_selector(".line-bookmark")
    assert abs(ms(Bookmark.objects.get().at) - ms(start) - 5_000) < 250
    page.keyboard.press("b")
    page.click("[data-take-back]")
    page.wait_for_selector(".line-bookmark", state="detached")
    assert not Bookmark.objects.exists()
    page.keyboard.press("c")
    page.wait_for_selector("#clip-dialog[open]")
    page.keyboard.press("Escape")
    assert "nothing" not in page.get_attribute("[data-cursor]", "aria-valuetext")
    check(page)


# How fast the clock and the picture go, as parts of real time, in one stretch after the other up to a moment.
PACES = """async (until) => {
  const deck = document.querySelector('playback-deck');
  const video = deck.querySelector('video');
  const times = () => [performance.now(), deck.now, video.currentTime * 1000];
  const paces = [];
  while (deck.now < until) {
    const before = times();
    await new Promise((done) => setTimeout(done, 250));
    const [passed, ...gone] = times().map((time, i) => time - before[i]);
    paces.push(gone.map((ms) => ms / passed));
    const [clock, picture] = paces.at(-1).map((pace) => pace / deck.clock.rate);
    if (Math.abs(clock - 1) < 0.02 && Math.abs(picture - 1) < 0.25) return 'in step';
  }
  return paces;
}"""


def test_every_speed_and_every_jump(page, operator, two, start, incident):
    _, other = two
    Bookmark.objects.create(camera=other, at=start + timedelta(seconds=5), note="a black cap", by=operator)
    moved = {round(start.timestamp()) + second for second in (8, 9, 25)}
    note_motion(other, moved)
    sign_in(page, "operator")
    look_back(page, [other], start + timedelta(seconds=1), f"&incident={incident.number}")
    for key, second in (
        *(("ArrowDown", 5), ("ArrowDown", 35), ("ArrowUp", 5), ("ArrowUp", 5)),
        *(("Shift+ArrowDown", 8), ("Shift+ArrowDown", 25), ("Shift+ArrowDown", 25), ("Shift+ArrowUp", 8)),
    ):
        page.keyboard.press(key)
        wait_for_states(page, ["playing"])
        assert (round(seconds_in(page, start)), round((pictured(page)[0] - ms(start)) / 1000)) == (second, second)
    for speed in (0.5, 1, 2, 4, 8):
        assert paces_at(page, speed, start) == "in step", speed


def note_motion(camera, seconds: set[int]):
    """That something moved in those Unix seconds, and nothing in the others of their minutes."""
    found = {}
    for minute, second in map(motion.minute_of, seconds):
        found.setdefault((camera.pk, minute), bytearray([1] * 60))[second] = 100
    motion.note({key: bytes(levels) for key, levels in found.items()})


def paces_at(page, speed: float, start) -> str | list:
    """On a busy machine the clock waits for the picture now and then: in some stretch both run as fast as was said."""
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(start) + 1_000)
    page.click(f"[data-speed='{speed}']")
    assert page.evaluate("() => document.querySelector('playback-deck').clock.rate") == speed
    return page.evaluate(PACES, ms(start) + 36_000)


def drag_to(page, at: int):
    """Press on the line, and let go at a moment."""
    box = page.locator("[data-face]").bounding_box()
    begins, ends = page.evaluate(
        "() => { const line = document.querySelector('time-line'); return [line.from, line.to] }"
    )
    x = box["x"] + box["width"] * (at - begins) / (ends - begins)
    page.mouse.move(x - 60, box["y"] + 10)
    page.mouse.down()
    page.mouse.move(x - 30, box["y"] + 10)
    page.wait_for_timeout(150)
    page.mouse.move(x, box["y"] + 10, steps=2)
    page.wait_for_timeout(150)
    page.mouse.move(x, box["y"] + 11)
    page.mouse.up()


def test_addresses_that_are_over_are_asked_for_anew(page, operator, two, start, monkeypatch):
    sign_in(page, "operator")
    look_back(page, two, start + timedelta(seconds=1))
    monkeypatch.setattr(addresses, "SALT", "of another shift")
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(start) + 32_000)
    wait_for_states(page, ["playing", "playing"])
    assert pictured(page) == [ms(start) + 32_000] * 2
    assert {entry.detail["code"] for entry in Entry.objects.filter(verb="view.refused")} == {"not_their_address"}


def test_what_cannot_be_shown_says_why(page, operator, camera, roots, start):  # noqa: F811
    film(roots, camera, start, 4, size=SMALL, codec=H265)
    sign_in(page, "operator")
    page.goto(f"/playback/?camera={camera.pk}&at={start + timedelta(seconds=1):%Y-%m-%dT%H:%M:%SZ}")
    wait_for_states(page, ["unsupported"])
    assert "H.265" in words(page, 1)
    page.click("[data-convert]")
    wait_for_states(page, ["playing"])
    assert pictured(page) == [ms(start) + 1000]
    assert page.inner_text(".tile-recorded") == "Recorded, converted"
    old = timezone.now() - timedelta(days=camera.retention_days, hours=12)
    page.goto(f"/playback/?camera={camera.pk}&at={old:%Y-%m-%dT%H:%M:%SZ}")
    wait_for_states(page, ["deleted"])
    assert f"kept {camera.retention_days} days" in words(page, 1)
    type(camera).objects.update(is_enabled=False)
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(start) - 3_600_000)
    wait_for_states(page, ["refused"])
    assert "Not shown" in words(page, 1)


def test_the_desk_looks_back(page, operator, incident, two, start):
    sign_in(page, "operator")
    page.goto(f"/console/?incident={incident.number}")
    page.wait_for_selector("camera-tile[data-state]")
    page.click(".look-back")
    page.wait_for_selector("recorded-tile[data-state=playing]")
    page.wait_for_selector("time-line [data-at]", state="attached")
    assert page.locator("camera-tile").count() == 0
    check(page)
    page.keyboard.press("ArrowDown")
    assert now(page) == ms(incident.occurred_at)
    page.keyboard.press("Escape")
    page.wait_for_selector("camera-tile[data-state]")
    assert page.locator("playback-deck").count() == 0
    assert incident.number in page.url


def test_an_agency_looks_back_within_its_provision(page, police, incident, two, start):
    sign_in(page, "police")
    page.click("text=Watch the recording")
    page.wait_for_selector("recorded-tile[data-state=playing]")
    assert "/agency/" in page.url and page.locator("camera-tile").count() == 0
    check(page)
    provision = incident.provisions.get()
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(provision.recorded_from) - 10_000)
    assert now(page) == ms(provision.recorded_from)
    views = ViewLog.objects.filter(user=police.user, door="timeline")
    assert views and all(view.period_from >= provision.recorded_from for view in views)
    assert set(views.values_list("incident_number", flat=True)) == {incident.number}
    page.keyboard.press("Escape")
    page.wait_for_selector("camera-tile")


TWO_AT_ONCE = """([from, to]) => {
    const { recording } = document.querySelector('recorded-tile');
    const [first, ...others] = recording.pieces(from, to);
    const asked = [first, others.at(-1)].map((piece) => recording.bytes([piece]));
    return Promise.all(asked.map((bytes) => bytes.catch((error) => error.constructor.name)));
}"""


def test_a_provision_that_has_become_shorter_is_looked_at_as_far_as_it_goes(page, police, incident, two, start):
    """As when its incident is closed: the page has learnt another end than there is now."""
    sign_in(page, "police")
    page.click("text=Watch the recording")
    wait_for_states(page, ["playing"])
    until = start + timedelta(seconds=36)
    Provision.objects.update(recorded_until=until)
    assert page.evaluate(TWO_AT_ONCE, [ms(start), ms(start) + 40_000]) == ["Renewed", "Renewed"]
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(start) + 33_000)
    wait_for_states(page, ["playing"])
    assert abs(pictured(page)[0] - ms(start) - 33_000) < 100
    page.evaluate(
        "([from, to]) => document.querySelector('playback-deck').look(from, to)", [ms(start), ms(start) + 90_000]
    )
    bounds = "() => [...document.querySelectorAll('recorded-tile')].map((tile) => tile.recording.bounds.until)"
    assert page.evaluate(bounds) == [ms(until)]
    page.evaluate("at => document.querySelector('playback-deck').seek(at)", ms(start) + 38_000)
    wait_for_states(page, ["outside"])
