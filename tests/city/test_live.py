"""Live pictures in a real browser, by both ways that a browser has: what is seen, how old it is, and when it ends."""

import signal
import time

import pytest

from tests.city import tiles
from tests.city.client import eventually, kill, move_on, post_call, sign_in, sql

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
    eventually(lambda: {status for _id, status in sql(city, rows)} == {"normal"}, within=60)
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
        eventually(lambda: page.evaluate(FIRST), within=5)  # noqa: B023
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
        eventually(lambda: goes_on(before, page.evaluate(PLAYS)), within=5)  # noqa: B023
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
    eventually(lambda: page.evaluate(FIRST), within=10)
    move_on(city, incident, "close")
    eventually(lambda: page.evaluate(tiles.STATES) == ["refused"], within=10)
    # By the page's own clock: asking the page takes its time on a busy machine.
    closed = "select extract(epoch from closed_at)::float from incidents_incident where number = %s"
    ((closed_at,),) = sql(city, closed, incident["number"])
    assert 0 < page.evaluate("() => tiles()[0].entered.refused") / 1000 - closed_at < 2
    assert page.evaluate("() => clockOf(tiles()[0].video) === null")
    eventually(lambda: page.evaluate("() => views.size") == 0, within=2)  # the page's own tiles too
    assert "The incident is closed." in page.inner_text("#wall [data-words]")


def test_sixteen_on_one_page_and_what_is_not_seen_stops(page_of, cameras):
    page = page_of("operator")
    page.evaluate("cameras => wall(cameras)", [cameras[n % len(cameras)] for n in range(16)])
    eventually(lambda: all_live(page), within=15)
    assert page.evaluate("() => views.size") == 16
    page.evaluate("() => { for (const tile of tiles().slice(4)) tile.hidden = true }")
    eventually(lambda: page.evaluate("() => views.size") == 4, within=8)
    assert page.evaluate(tiles.STATES)[4:] == ["paused"] * 12
    page.evaluate("() => { for (const tile of tiles().slice(4)) tile.remove() }")
    page.evaluate("""() => {
        Object.defineProperty(document, "hidden", { value: true, configurable: true });
        document.dispatchEvent(new Event("visibilitychange"));
    }""")
    eventually(lambda: page.evaluate("() => views.size") == 0, within=6)
    page.evaluate("() => { delete document.hidden; document.dispatchEvent(new Event('visibilitychange')) }")
    eventually(lambda: all_live(page), within=5)


def test_another_format_in_the_middle_is_shown_by_itself(city, pages_of, cameras):
    pages = pages_of("operator")
    ((address,),) = sql(city, "select rtsp_url from cameras_camera where id = %s", cameras[-1])
    point = "update cameras_camera set rtsp_url = %s where id = %s"
    sql(city, point, address.rpartition("/cam/")[0] + "/bad/resize/12", cameras[-1])
    size = "() => [tiles()[0].video.videoWidth, tiles()[0].video.videoHeight]"
    try:
        for page in pages:
            page.evaluate("camera => wall([camera])", cameras[-1])
        for expected in ([640, 360], [1280, 720]):
            for page in pages:
                eventually(lambda: page.evaluate(FIRST) and page.evaluate(size) == expected, within=30)  # noqa: B023
    finally:
        sql(city, point, address, cameras[-1])


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
    eventually(all_live_again, within=10)
    killed_at = time.time()
    assert kill(city, "uvicorn")
    eventually(lambda: all_went("reconnecting"), within=5)
    assert all(page.evaluate("() => tiles()[0].entered.reconnecting") / 1000 - killed_at < 2 for page in pages)
    eventually(all_live_again, within=40)
    assert kill(city, "manage.py", "record", by=signal.SIGSTOP)
    eventually(lambda: all_went("stale"), within=10)
    assert all("No new picture for" in page.inner_text("#wall [data-words]") for page in pages)
    assert kill(city, "manage.py", "record")
    eventually(all_live_again, within=40)
    assert not any(page.evaluate(GREY) for page in pages)
