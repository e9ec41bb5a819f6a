"""How old is the picture that an operator sees? Ours against HLS with segments of one second, from one camera.

The virtual camera draws the time into each picture; the page reads it back from what the browser shows. The
reference is the same RTSP stream, cut by ffmpeg without re-encoding, served from disk and played by hls.js at its
lowest latency; where Janus is installed, WebRTC through it is another. All take turns, so that a busy moment is shared.
`ratio` is ours over the reference.
"""

import functools
import http.server
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from playwright.sync_api import Page, sync_playwright

from apps.cameras.models import Camera
from tests.bench import janus
from tests.city import tiles
from tests.city.client import command_of, descendants
from tests.conftest import CHROMIUM_FLAGS

ROUNDS, SECONDS, OPENINGS, TILES = 2, 12, 10, 16
HLS_PAGE = """<!doctype html><title>HLS</title><script src="/hls.min.js"></script><body>"""
# Tiles of a page that is not ours, as `wall` (tests/city/tiles.py) has them; `play` gives back what ends it.
PLAIN_WALL = """(() => {
    customElements.define("camera-tile", class extends HTMLElement {
        disconnectedCallback() { this.end(); }
    });
    self.plainWall = (sources, play) => {
        document.getElementById("wall")?.remove();
        const wall = document.createElement("div");
        wall.id = "wall";
        wall.style.cssText = "position:fixed;inset:0;display:grid;overflow:auto;grid:auto-flow 25vh / repeat(4, 1fr)";
        for (const source of sources) {
            const video = Object.assign(document.createElement("video"), { muted: true });
            video.style.cssText = "width:100%;height:100%;object-fit:contain";
            const tile = Object.assign(document.createElement("camera-tile"), { mounted: performance.now(), video });
            tile.append(video);
            wall.append(tile);
            tile.end = play(video, source);
        }
        document.body.append(wall);
    };
})()"""
# As near to the newest picture as hls.js goes: one segment behind, and faster when it is further.
PLAY_HLS = """(() => {
    self.hlsWall = (sources) => plainWall(sources, (video, source) => {
        const player = new Hls({
            lowLatencyMode: true, liveSyncDurationCount: 1, liveMaxLatencyDurationCount: 3,
            maxLiveSyncPlaybackRate: 1.5, startFragPrefetch: true,
        });
        player.loadSource(source);
        player.attachMedia(video);
        video.play();
        return () => player.destroy();
    });
})()"""
# The age of each new picture at the moment it is first seen, ms.
WATCH = """(seconds) => new Promise((done) => {
    const ages = [];
    const until = performance.now() + seconds * 1000;
    let before = null;
    const look = () => {
        const taken = clockOf(tiles()[0].video);
        if (taken !== null && taken !== before) ages.push(Date.now() - taken);
        before = taken ?? before;
        performance.now() < until ? requestAnimationFrame(look) : done(ages);
    };
    look();
})"""
# From the tile's coming onto the page to its first picture, ms.
FIRST = """() => new Promise((done, fail) => {
    const look = () => {
        const tile = tiles()[0];
        const waited = performance.now() - tile.mounted;
        if (clockOf(tile.video) !== null) done(waited);
        else waited < 30_000 ? requestAnimationFrame(look) : fail(Error("no picture"));
    };
    look();
})"""


def run() -> list[dict]:
    cameras = dict(Camera.objects.filter(is_virtual=True).order_by("pk").values_list("pk", "rtsp_url")[:2])
    with janus.janus_of(cameras) as port, hls_of(cameras) as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=CHROMIUM_FLAGS)
        ids = list(cameras)
        ways = {
            "WebCodecs": city_page(chromium, ids, webcodecs=True),
            "MSE": city_page(chromium, ids, webcodecs=False),
            "HLS": hls_page(chromium, address, ids),
        }
        if port:
            ways["Janus"] = janus_page(chromium, address, ids, port)
        figures = measured(ways)
        chromium.close()
    rows = compared("WebCodecs", "HLS", figures) + compared("MSE", "HLS", figures)
    return rows + (compared("WebCodecs", "Janus", figures, case="WebCodecs against Janus") if port else [])


def compared(way: str, other: str, figures: tuple[dict, dict, dict], *, case: str | None = None) -> list[dict]:
    ages, firsts, load = figures
    case = case or way
    return [
        row(f"glass to glass, {case}, p50", median(ages[way]), median(ages[other]), "ms", len(ages[way])),
        row(f"glass to glass, {case}, p95", ninety_five(ages[way]), ninety_five(ages[other]), "ms", len(ages[way])),
        row(f"first picture, {case}, p50", median(firsts[way]), median(firsts[other]), "ms", OPENINGS),
        row(f"first picture, {case}, p95", ninety_five(firsts[way]), ninety_five(firsts[other]), "ms", OPENINGS),
        row(f"{TILES} tiles, {case}, browser", load[way], load[other], "% of a core", 1),
    ]


class Viewed:
    """A page that shows cameras one way."""

    def __init__(self, page: Page, show: Callable[[Page, int], None]):
        self.page, self._show = page, show

    def show(self, count: int) -> None:
        self.page.bring_to_front()
        self._show(self.page, count)

    def rest(self) -> None:
        self.page.evaluate("() => document.getElementById('wall')?.remove()")


def measured(ways: dict[str, Viewed]) -> tuple[dict, dict, dict]:
    """Ages of pictures (ms), times to the first picture (ms), and load of the browser (% of a core), of each way."""
    ages, firsts, load = ({way: [] for way in ways} for _ in range(3))
    for turn in range(OPENINGS):
        for way, viewed in ways.items():
            viewed.show(1)
            firsts[way].append(viewed.page.evaluate(FIRST))
            if turn < ROUNDS:
                viewed.page.wait_for_timeout(4000)  # until players have settled
                ages[way] += viewed.page.evaluate(WATCH, SECONDS)
            viewed.rest()
    for way, viewed in ways.items():
        viewed.show(TILES)
        viewed.page.wait_for_timeout(5000)
        began, before = time.monotonic(), seconds_of_browser()
        viewed.page.wait_for_timeout(10_000)
        load[way] = (seconds_of_browser() - before) / (time.monotonic() - began) * 100
        viewed.rest()
    return ages, firsts, load


def city_page(chromium, cameras: list[int], *, webcodecs: bool) -> Viewed:
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    tiles.prepare(context, webcodecs=webcodecs)
    page = context.new_page()
    users = json.loads((settings.VAR_DIR / "demo.json").read_text())["users"]
    operator = next(user for user in users if user["role"] == "operator")
    page.goto(f"{os.environ['BASE_URL']}/sign-in/")
    page.fill("#id_username", operator["username"])
    page.fill("#id_password", operator["password"])
    page.press("#id_password", "Enter")
    page.wait_for_selector(".desk")
    return Viewed(page, lambda page, count: page.evaluate("wall", shared_out(cameras, count)))


def hls_page(chromium, address: str, cameras: list[int]) -> Viewed:
    page = plain_page(chromium, address)
    page.evaluate(PLAY_HLS)
    sources = [f"{address}/{camera}/live.m3u8" for camera in cameras]
    return Viewed(page, lambda page, count: page.evaluate("hlsWall", shared_out(sources, count)))


def janus_page(chromium, address: str, cameras: list[int], port: int) -> Viewed:
    page = plain_page(chromium, address)
    page.evaluate(janus.PLAY, port)
    return Viewed(page, lambda page, count: page.evaluate("janusWall", shared_out(cameras, count)))


def plain_page(chromium, address: str) -> Page:
    context = chromium.new_context(viewport={"width": 1920, "height": 1080})
    tiles.prepare(context)
    page = context.new_page()
    page.goto(f"{address}/page.html")
    page.evaluate(PLAIN_WALL)
    return page


def shared_out(things: list, count: int) -> list:
    return [things[n % len(things)] for n in range(count)]


@contextmanager
def hls_of(cameras: dict[int, str]) -> Iterator[str]:
    """Cameras as HLS at the address given; fMP4 segments of a second (each camera sends a keyframe a second)."""
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as address:
        root = Path(folder)
        shutil.copy(settings.NODE_MODULES / "hls.js" / "dist" / "hls.min.js", root)
        (root / "page.html").write_text(HLS_PAGE)
        cutters = [cutting(root / str(camera), url) for camera, url in cameras.items()]
        try:
            while not all((root / str(camera) / "live.m3u8").exists() for camera in cameras):
                time.sleep(0.2)
            time.sleep(5)
            yield address
        finally:
            for cutter in cutters:
                cutter.terminate()
                cutter.wait()


def cutting(folder: Path, url: str) -> subprocess.Popen:
    folder.mkdir()
    read = ["-rtsp_transport", "tcp", "-fflags", "nobuffer", "-i", url, "-an", "-c", "copy"]
    cut = ["-hls_time", "1", "-hls_list_size", "6", "-hls_segment_type", "fmp4", "-hls_flags", "delete_segments"]
    command = ["ffmpeg", "-v", "error", *read, "-f", "hls", *cut, "live.m3u8"]
    return subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL)


class Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass


@contextmanager
def serving(root: Path) -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=root))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def seconds_of_browser() -> float:
    """Processor time that the browser's processes have taken."""
    ticks = 0
    for pid in descendants(os.getpid()):
        if "chromium" in command_of(pid):
            ticks += sum(map(int, Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def median(figures: list[float]) -> float:
    return statistics.median(figures)


def ninety_five(figures: list[float]) -> float:
    return statistics.quantiles(figures, n=20, method="inclusive")[18]


def row(case: str, ours: float, reference: float, unit: str, n: int) -> dict:
    return {
        "name": "live",
        "case": case,
        "ratio": round(ours / reference, 3),
        "ours": round(ours),
        "reference": round(reference),
        "unit": unit,
        "n": n,
    }
