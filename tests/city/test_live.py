"""Live pictures in a real browser, by both ways that a browser has: what is seen, how old it is, and when it ends."""

import signal
import time

import pytest

from tests.city import tiles
from tests.city.client import kill, move_on, post_call, sign_in, sql
from tests.waiting import until

pytestmark = [pytest.mark.city, pytest.mark.slow]

WAYS = {"webcodecs": True, "mse": False}
FIRST = "() => tiles()[0].dataset.state === 'live' && delayOf(tiles()[0])"
PLAYS = """() => {
    const video = tiles()[0].video;
    return { at: video.currentTime, pictures: video.getVideoPlaybackQuality().totalVideoFrames,
             ready: video.readyState, paused: video.paused };
}"""

# When the picture was first grey in a state, as an eye would have seen it.
RECORD_GREY = """() => {
    const [tile] = tiles();
    tile.greyAt = {};
    tile.addEventListener("tile:state", ({ detail }) => {
        if (getComputedStyle(tile.video).filter.includes("grayscale")) tile.greyAt[detail.state] ??= Date.now();
    });
}"""
GREY = "() => getComputedStyle(tiles()[0].video).filter.includes('grayscale')"


@pytest.fixture
def page_of(city, browser):
    contexts = []

    def open_page(role: str, way: str = "webcodecs"):
        context = browser.new_context(viewport={"width": 1280, "height": 720}, locale="en-GB")
        contexts.append(context)
        tiles.prepare(context, webcodecs=WAYS[way])
        page = context.new_page()
        sign_in(page, city, role)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def cameras(city) -> list[int]:
    """The virtual cameras, each delivering."""
    rows = "select id, status from cameras_camera where is_virtual and rtsp_url like '%%/cam/%%' order by id"
    until(lambda: {status for _id, status in sql(city, rows)} == {"normal"})
    return [camera for camera, _status in sql(city, rows)]


@pytest.fixture
def pages_of(page_of):
    """A page for each way."""
    return lambda role: [page_of(role, way) for way in WAYS]


def goes_on(before: dict, after: dict) -> bool:
    plays = after["ready"] >= 2 and not after["paused"]
    return plays and after["at"] > before["at"] and after["pictures"] > before["pictures"]


def all_live(page) -> bool:
    return set(page.evaluate(tiles.STATES)) == {"live"}


def test_a_picture_is_there_at_once_and_says_how_old_it_is(page_of, cameras):
    for way in WAYS:
        page = page_of("operator", way)
        page.evaluate("camera => wall([camera])", cameras[0])
        until(lambda: page.evaluate(FIRST))  # noqa: B023
        assert page.get_attribute("#wall camera-tile", "data-path") == way
        page.wait_for_timeout(1000)
        seen, said = page.evaluate(
            "() => [delayOf(tiles()[0]) / 1000, tiles()[0].querySelector('[data-state-words]').textContent]"
        )
        # What is said counts from the recorder (before, the camera has drawn the picture and sent it), and is
        # written once a second.
        assert 0 <= float(said.removeprefix("Live, ").removesuffix(" s behind")) < seen + 1
        assert page.evaluate("() => getComputedStyle(tiles()[0].video).objectFit") == "contain"
        assert not page.evaluate(GREY)
        before = page.evaluate(PLAYS)
        until(lambda: goes_on(before, page.evaluate(PLAYS)))  # noqa: B023
        page.context.close()


def test_over_plain_http_a_browser_has_no_webcodecs(browser):
    """Why MSE is kept, and why the tile then says that HTTPS would be quicker."""
    page = browser.new_page()
    page.route("**/*", lambda route: route.fulfill(body="<!doctype html>", content_type="text/html"))
    found = {}
    for address in ("http://centre.test/", "https://centre.test/", "http://127.0.0.1/"):
        page.goto(address)
        found[address] = page.evaluate("() => [isSecureContext, 'VideoDecoder' in self, 'MediaSource' in self]")
    page.close()
    assert found == {
        "http://centre.test/": [False, False, True],
        "https://centre.test/": [True, True, True],
        "http://127.0.0.1/": [True, True, True],
    }


@pytest.mark.parametrize("way", WAYS)
def test_a_right_that_ends_darkens_the_picture_within_two_seconds(city, page_of, cameras, way):
    # Another call at the same place would go on giving the same camera.
    sql(city, "update incidents_incident set state = 'closed', closed_at = now() where closed_at is null")
    page = page_of("police", way)
    incident = post_call(city)
    page.evaluate("camera => wall([camera])", incident["cameras"][0]["id"])
    until(lambda: page.evaluate(FIRST))
    move_on(city, incident, "close")
    until(lambda: page.evaluate(tiles.STATES) == ["refused"])
    # By the page's own clock: asking the page takes its time on a busy machine.
    closed = "select extract(epoch from closed_at)::float from incidents_incident where number = %s"
    ((closed_at,),) = sql(city, closed, incident["number"])
    assert 0 < page.evaluate("() => tiles()[0].entered.refused") / 1000 - closed_at < 2
    assert page.evaluate("() => clockOf(tiles()[0].video) === null")
    until(lambda: page.evaluate("() => views.size") == 0, within=10)  # the page's own tiles too
    assert "The incident is closed." in page.inner_text("#wall [data-words]")


def test_sixteen_on_one_page_and_what_is_not_seen_stops(page_of, cameras):
    page = page_of("operator")
    page.evaluate("cameras => wall(cameras)", [cameras[n % len(cameras)] for n in range(16)])
    until(lambda: all_live(page))
    assert page.evaluate("() => views.size") == 16
    page.evaluate("() => { for (const tile of tiles().slice(4)) tile.hidden = true }")
    until(lambda: page.evaluate("() => views.size") == 4)
    assert page.evaluate(tiles.STATES)[4:] == ["paused"] * 12
    page.evaluate("() => { for (const tile of tiles().slice(4)) tile.remove() }")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    until(lambda: page.evaluate("() => views.size") == 0)
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')) }")
    until(lambda: all_live(page))


def test_another_format_in_the_middle_is_shown_by_itself(city, pages_of, cameras):
    pages, camera = pages_of("operator"), cameras[-1]
    ((address,),) = sql(city, "select rtsp_url from cameras_camera where id = %s", camera)
    point = "update cameras_camera set rtsp_url = %s where id = %s"

    def show(*wanted) -> bool:
        size = "() => [tiles()[0].video.videoWidth, tiles()[0].video.videoHeight]"
        return all(page.evaluate(FIRST) and page.evaluate(size) == [*wanted] for page in pages)

    try:
        for page in pages:
            page.evaluate("camera => wall([camera])", camera)
        until(lambda: show(640, 360), "as it was")
        sql(city, point, address.rpartition("/cam/")[0] + "/bad/resize/4", camera)
        until(lambda: show(1280, 720), "as it has become")
    finally:
        sql(city, point, address, camera)


def test_tiles_go_on_by_themselves_when_servers_die(city, pages_of, cameras):
    pages = pages_of("operator")

    def all_live_again() -> bool:
        return all(page.evaluate(FIRST) for page in pages)

    def all_went(state: str) -> bool:
        """By the pages' own record: a server that comes back at once leaves no time to ask."""
        return all(page.evaluate("state => tiles()[0].greyAt[state]", state) for page in pages)

    for page in pages:
        page.evaluate("camera => wall([camera])", cameras[0])
        page.evaluate(RECORD_GREY)
    until(all_live_again)
    killed_at = time.time()
    assert kill(city, "uvicorn")
    until(lambda: all_went("reconnecting"))
    assert all(page.evaluate("() => tiles()[0].entered.reconnecting") / 1000 - killed_at < 2 for page in pages)
    until(all_live_again)
    assert kill(city, "manage.py", "record", by=signal.SIGSTOP)
    until(lambda: all_went("stale"))
    assert all("No new picture for" in page.inner_text("#wall [data-words]") for page in pages)
    assert kill(city, "manage.py", "record")
    until(all_live_again)
    assert not any(page.evaluate(GREY) for page in pages)
