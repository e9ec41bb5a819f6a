"""Finding recordings: a month of 5,000 cameras (216 million segments) against one day of them.

The same cameras and the same questions, first with one day in the index, then with all; the index is filled as the
product leaves a day that is over: arranged by camera. `ratio` is the p99 with all days over the p99 with one.
The month takes 38 GB and some 15 minutes to make: LOOKUP_DAYS and LOOKUP_CAMERAS choose less, and a disk without
room for it does so by itself; each case says what there was.
"""

import logging
import os
import random
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx

from apps.cameras.models import Camera
from apps.video.models import Segment
from apps.video.playback import playlist
from tests.bench.bench_call import connect
from tests.running_city import RunningCity

DAYS, CAMERAS = int(os.environ.get("LOOKUP_DAYS", 30)), int(os.environ.get("LOOKUP_CAMERAS", 5_000))
BYTES_PER_SEGMENT = 185
ROOM_LEFT = 15 * 10**9
WORKERS = 2
WARM_UP = 100
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

MAKE = """
create unlogged table {part} (like video_segment including constraints) with (autovacuum_enabled = off);
alter table {part} add constraint of_day check (started_at >= '{since}' and started_at < '{until}');
insert into {part} (camera_id, started_at, ended_at, session, bytes, init_bytes, width, height, sha256, codec, state,
                    store)
select camera, began, began + interval '60 s', 1767225600000 + camera, 3000000 + minute * camera %% 1000000, 730, 1280,
       720, sha256(int8send(camera * 10000000::bigint + minute)), 'avc1.64001f', 'closed', 'local'
  from unnest(%s::bigint[]) camera, generate_series(0, 1439) minute,
       lateral (select '{since}'::timestamptz + minute * interval '1 minute'
                       + camera * 7919 %% 60000 * interval '1 ms') start(began);
alter table {part} add primary key (camera_id, started_at);
analyze {part};
"""


def run() -> list[dict]:
    days, cameras = fitting(DAYS, CAMERAS), the_cameras(CAMERAS)
    scale = f"{days} days of {len(cameras)} cameras"
    yesterday = datetime.now(UTC).date() - DAY
    fill([yesterday], cameras)
    with Questions(cameras) as questions:
        one_day = questions.asked([yesterday])
        month = [yesterday - n * DAY for n in range(days)]
        fill(month[1:], cameras)
        all_days = questions.asked(month)
    return [
        row(f"{scale}: {case}, {name}", at(all_days[case]), at(one_day[case]), len(all_days[case]))
        for case in one_day
        for name, at in (("p50", statistics.median), ("p99", p99))
    ]


def fitting(days: int, cameras: int) -> int:
    """As many of the days as the disk has room for."""
    room = shutil.disk_usage(os.environ["VAR_DIR"]).free - ROOM_LEFT
    fit = min(days, room // (BYTES_PER_SEGMENT * 1_440 * cameras))
    if fit < 2:
        raise SystemExit("lookup: no room for two days on this disk: set LOOKUP_CAMERAS")
    say(f"{fit} days of {cameras} cameras, {fit * cameras * 1_440 / 1e6:.0f} million segments")
    return fit


def the_cameras(count: int) -> list[int]:
    """Those of the sample city, so that its doors open, and others that only the index knows."""
    known = list(Camera.objects.filter(is_virtual=False).order_by("pk").values_list("pk", flat=True)[:count])
    return known + [10_000_000 + n for n in range(count - len(known))]


def fill(days: list[date], cameras: list[int]) -> None:
    done = 0
    with ThreadPoolExecutor(WORKERS) as workers:
        for seconds in workers.map(lambda day: make(day, cameras), days):
            done += 1
            say(f"{done} of {len(days)} days made, the last in {seconds:.0f} s")


def make(day: date, cameras: list[int]) -> float:
    began = time.monotonic()
    part = f"video_segment_{day:%Y%m%d}"
    since, until = (f"{at} 00:00:00+00" for at in (day, day + DAY))
    with closing(connect()) as database, database.cursor() as cursor:
        cursor.execute(MAKE.format(part=part, since=since, until=until), [cameras])
        cursor.execute(f"comment on table {part} is 'arranged'")
        cursor.execute(f"alter table video_segment attach partition {part} for values from ('{since}') to ('{until}')")
        database.commit()
    return time.monotonic() - began


class Questions:
    """What is asked of the index, and by the front door."""

    def __init__(self, cameras: list[int]):
        self.cameras = cameras
        self.known = [camera for camera in cameras if camera < 10_000_000]

    def __enter__(self):
        self.operator = sign_in("operator")
        return self

    def __exit__(self, *_):
        self.operator.close()

    def asked(self, days: list[date]) -> dict[str, list[float]]:
        """Milliseconds of each question of a kind, asked of random cameras and times."""
        chance = random.Random(11)
        begins = [datetime(day.year, day.month, day.day, tzinfo=UTC) for day in days]

        def at(length: timedelta) -> datetime:
            return chance.choice(begins) + (DAY - length) * chance.random()

        kinds: dict[str, tuple[int, Callable[[], object]]] = {
            "a moment": (2_000, lambda: found(chance.choice(self.cameras), at(MINUTE), timedelta(microseconds=1))),
            "ten minutes": (2_000, lambda: found(chance.choice(self.cameras), at(10 * MINUTE), 10 * MINUTE)),
            "playlist of a day": (300, lambda: listed(chance.choice(self.cameras), at(DAY))),
            "playlist of 6 hours by the front door": (
                100,
                lambda: self.by_the_door(chance.choice(self.known), at(6 * HOUR), 6 * HOUR),
            ),
        }
        times = {}
        for kind, (count, ask) in kinds.items():
            for _ in range(min(WARM_UP, count // 10)):
                ask()
            times[kind] = [milliseconds(ask) for _ in range(count)]
            say(f"{len(days)} days: {kind}: p50 {statistics.median(times[kind]):.2f} p99 {p99(times[kind]):.2f} ms")
        return times

    def by_the_door(self, camera: int, start: datetime, length: timedelta) -> None:
        asked = {"from": start.isoformat(), "to": (start + length).isoformat(), "reason": "benchmark"}
        answer = self.operator.get(f"/api/v1/cameras/{camera}/playback.m3u8", params=asked)
        assert answer.status_code == 200 and answer.text.count("#EXTINF") >= length / MINUTE - 2, answer.text[:300]


def found(camera: int, start: datetime, length: timedelta) -> None:
    assert list(Segment.objects.covering(camera, start, start + length))


def listed(camera: int, start: datetime) -> None:
    text = playlist(camera, start, start + DAY, lambda segment: f"/{segment.start_ms}.mp4")
    assert text.count("#EXTINF") > 1_400


def sign_in(role: str) -> httpx.Client:
    city = RunningCity(os.environ["BASE_URL"], Path(os.environ["VAR_DIR"]), None)
    user = next(user for user in city.demo["users"] if user["role"] == role)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    client = httpx.Client(base_url=city.base_url, timeout=60, follow_redirects=True)
    client.get("/sign-in/")
    form = {"username": user["username"], "password": user["password"]}
    headers = {"X-CSRFToken": client.cookies["csrftoken"], "Referer": city.base_url}
    assert client.post("/sign-in/", data=form, headers=headers).status_code == 200
    return client


def milliseconds(ask: Callable[[], object]) -> float:
    began = time.perf_counter()
    ask()
    return (time.perf_counter() - began) * 1e3


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


def row(case: str, ours: float, reference: float, count: int) -> dict:
    return {
        "name": "lookup",
        "case": case,
        "ratio": round(ours / reference, 2),
        "ours": round(ours, 2),
        "reference": round(reference, 2),
        "unit": "ms",
        "n": count,
    }


def say(words: str) -> None:
    print(f"lookup: {words}", file=sys.stderr, flush=True)
