"""A live tile in a browser, fed by a socket that the test holds: what it says of pictures and time that were lost."""

import json
import re
import time
from datetime import UTC, datetime
from itertools import pairwise

import pytest

from apps.video.fmp4 import fragment_head, init_segment, taken_box
from apps.video.nal import H265
from tests.console.test_browser import check, database_beside_the_browser, plain_http, sign_in  # noqa: F401
from tests.video.filming import STEP, encode, picture, samples_of
from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
FPS = 15
STALE_S = 3
ROUND_MS = 2000  # a tile looks at its age four times a second, on a machine that has nothing else to do
# Looks at the tile at every picture that the browser paints.
WATCH = """() => {
  self.seen = [];
  const tile = document.querySelector("camera-tile");
  const look = () => {
    self.seen.push([Date.now(), tile.dataset.state, tile.shown]);
    requestAnimationFrame(look);
  };
  look();
}"""
# Whether the tile was still looked at so long after a sleep.
AWAKE = """([asleep, long]) => {
  const woke = seen.findIndex(([at], n) => n && at - seen[n - 1][0] > asleep);
  return woke > 0 && seen.at(-1)[0] > seen[woke][0] + long;
}"""


@pytest.fixture(scope="module")
def filmed():
    return samples_of(encode("h264", [picture(datetime.fromtimestamp(n, UTC), (320, 180)) for n in range(6 * FPS)]))


class Feed:
    """Sends one picture after another, in real time, for as long as it is asked to."""

    def __init__(self, page, filmed):
        self.page, (self.track, self.samples) = page, filmed
        self.sent, self.sockets = [], []
        page.route_web_socket(re.compile(r"/api/v1/cameras/\d+/live"), self.open)

    def open(self, socket) -> None:
        self.sockets.append(socket)
        socket.send(json.dumps({"mime": self.track.mime, "now": time.time()}))
        socket.send(init_segment(self.track))

    def say(self, **words) -> None:
        self.sockets[-1].send(json.dumps(words))

    def run(self, seconds: float) -> None:
        for _picture in range(round(seconds * FPS)):
            sample, now = self.samples[len(self.sent)], time.time()
            self.sent.append((sample.at, now))
            head = fragment_head(len(self.sent), [sample])
            self.sockets[-1].send(head + sample.data + taken_box(now))
            self.page.wait_for_timeout(1000 / FPS)

    def age(self, at_ms: float, shown: float) -> float:
        """How old the picture was that stood at `at_ms`, in seconds."""
        ticks = shown * 90_000
        taken = [taken_at for at, taken_at in self.sent if at <= ticks + STEP / 2]
        return at_ms / 1000 - taken[-1]


@pytest.fixture
def page(browser, live_server):
    context = browser.new_context(base_url=live_server.url, locale="en-GB", service_workers="block")
    page = context.new_page()
    page.complaints = []
    page.on("pageerror", lambda error: page.complaints.append(f"uncaught {error}"))
    yield page
    context.close()


@pytest.fixture
def feed(page, operator, camera, filmed):
    """A camera on the desk, live."""
    feed = Feed(page, filmed)
    sign_in(page, "operator")
    page.goto(f"/console/?camera={camera.pk}&reason=test")
    page.wait_for_selector("camera-tile[data-state]")
    feed.run(1)
    page.wait_for_selector("camera-tile[data-state=live]")
    return feed


def test_who_fell_behind_is_told_what_was_left_out(page, feed):
    feed.say(skipped=7.4)
    feed.run(0.5)
    assert page.inner_text("camera-tile [data-words]") == "Fell behind: 7.4 s were left out"
    assert page.get_attribute("camera-tile", "data-state") == "live"
    check(page)


def test_what_the_browser_cannot_play_is_said_and_shown_converted_when_asked_for(page, operator, camera, filmed):
    pictures = [picture(datetime.fromtimestamp(n, UTC), (320, 180)) for n in range(2)]
    feed = Feed(page, samples_of(encode(H265, pictures), H265))
    sign_in(page, "operator")
    page.goto(f"/console/?camera={camera.pk}&reason=test")
    page.wait_for_selector("camera-tile[data-state=unsupported]")
    assert "This browser cannot play H.265." in page.inner_text("camera-tile [data-words]")
    feed.track, feed.samples = filmed
    page.click("camera-tile [data-convert]")
    until(lambda: page.wait_for_timeout(20) or len(feed.sockets) == 2, "asked for converted")
    feed.run(1)
    page.wait_for_selector("camera-tile[data-state=live]")
    assert ["codec=h264" in socket.url for socket in feed.sockets] == [False, True]
    check(page)


def test_after_a_sleep_an_old_picture_is_not_shown_as_live(page, feed):
    page.evaluate(WATCH)
    feed.run(0.5)
    devtools = page.context.new_cdp_session(page)
    devtools.send("Debugger.enable")
    devtools.send("Debugger.pause")  # timers, pictures and messages stand; the time of day does not
    time.sleep(STALE_S + 1)
    devtools.send("Debugger.resume")
    page.wait_for_function(AWAKE, arg=[STALE_S * 1000, ROUND_MS + 500])
    seen = page.evaluate("() => self.seen")
    woke_at = next(at for (before, *_), (at, *_) in pairwise(seen) if at - before > STALE_S * 1000)
    late = [(feed.age(at, shown), state) for at, state, shown in seen if at > woke_at + ROUND_MS]
    assert late and all(age > STALE_S and state == "stale" for age, state in late)
    assert "No new picture for" in page.inner_text("camera-tile [data-words]")
    assert "grayscale" in page.evaluate("() => getComputedStyle(document.querySelector('camera-tile video')).filter")
    feed.run(1)
    page.wait_for_selector("camera-tile[data-state=live]")
