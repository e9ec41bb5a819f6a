"""Finding recordings: in a month of 5,000 cameras (216 million segments), and in one day of them.

Both are in the same database, the day in a schema of its own, filled as the product leaves a day that is over:
arranged by camera. Questions to the one and to the other take turns, so that a busy machine slows both; `ratio` is
the month's time over the day's. The month takes 39 GB and some ten minutes to make: LOOKUP_DAYS and LOOKUP_CAMERAS
choose less, and a disk without room for it does so by itself; each case says what there was.
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
from datetime import time as clock
from functools import partial
from pathlib import Path

import httpx
from django.db import connection, connections

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
# Numbers from here on are no camera's of the sample city.
MADE_UP = 10_000_000
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ONE_DAY = "one_day"
MAKE = """
create unlogged table {part} (like video_segment including constraints) with (autovacuum_enabled = off);
alter table {part} add constraint of_day check (started_at >= '{since}' and started_at < '{until}');
insert into {part} (camera_id, started_at, ended_at, session, bytes, init_bytes, width, height, sha256, codec, state,
                    store)
select camera, began, began + interval '60 s', 1767225600000 + camera, 3000000 + minute * camera %% 1000000, 730, 1280,
       720, sha256(int8send(camera * 10000000::bigint + minute)), 'avc1.64001f', 'closed', 'local'
  from unnest(%s::bigint[]) camera,
       lateral (select minute, '{since}'::timestamptz + minute * interval '1 minute'
                               + camera * 7919 %% 60000 * interval '1 ms'
                  from generate_series(0, 1439) minute offset 0) minutes(minute, began);
alter table {part} add primary key (camera_id, started_at);
analyze {part};
comment on table {part} is 'arranged';
alter table video_segment attach partition {part} for values from ('{since}') to ('{until}');
"""
A_SCHEMA = f"""
create schema {ONE_DAY};
create table {ONE_DAY}.video_segment (like public.video_segment including all) partition by range (started_at);
create table {ONE_DAY}.video_segment_default partition of {ONE_DAY}.video_segment default;
create table {ONE_DAY}.video_purgemark (like public.video_purgemark including all);
"""


def run() -> list[dict]:
    days, cameras = fitting(DAYS, CAMERAS), the_cameras(CAMERAS)
    scale = f"{days} days of {len(cameras)} cameras"
    yesterday = datetime.now(UTC).date() - DAY
    month = [yesterday - n * DAY for n in range(days)]
    with connection.cursor() as cursor:
        cursor.execute(A_SCHEMA)
    fill([yesterday], cameras, schema=ONE_DAY)
    fill(month, cameras)
    return [
        row(f"{scale}: {case}, {name}", at(ours), at(reference), len(ours))
        for case, (ours, reference) in asked(cameras, month).items()
        for name, at in (("p50", statistics.median), ("p99", p99))
    ]


def fitting(days: int, cameras: int) -> int:
    """As many of the days as the disk has room for, beside the one that is there twice."""
    room = shutil.disk_usage(os.environ["VAR_DIR"]).free - ROOM_LEFT
    fit = min(days, room // (BYTES_PER_SEGMENT * 1_440 * cameras) - 1)
    if fit < 2:
        raise SystemExit("lookup: no room for two days on this disk: set LOOKUP_CAMERAS")
    say(f"{fit} days of {cameras} cameras, {fit * cameras * 1_440 / 1e6:.0f} million segments")
    return fit


def the_cameras(count: int) -> list[int]:
    """Those of the sample city, so that its doors open, and others that only the index knows."""
    known = list(Camera.objects.filter(is_virtual=False).order_by("pk").values_list("pk", flat=True)[:count])
    return known + [MADE_UP + n for n in range(count - len(known))]


def fill(days: list[date], cameras: list[int], *, schema: str = "public") -> None:
    with ThreadPoolExecutor(WORKERS) as workers:
        for done, seconds in enumerate(workers.map(lambda day: make(day, cameras, schema), days), 1):
            say(f"{schema}: {done} of {len(days)} days made, the last in {seconds:.0f} s")


def make(day: date, cameras: list[int], schema: str) -> float:
    began = time.monotonic()
    since, until = (f"{at} 00:00:00+00" for at in (day, day + DAY))
    with closing(connect()) as database, database.cursor() as cursor:
        cursor.execute(f"set search_path = {schema}; set timezone = 'UTC'")
        cursor.execute(MAKE.format(part=f"video_segment_{day:%Y%m%d}", since=since, until=until), [cameras])
        database.commit()
    return time.monotonic() - began


def asked(cameras: list[int], month: list[date]) -> dict[str, tuple[list[float], list[float]]]:
    """(of the month, of the day): milliseconds of each question of a kind, of random cameras and times."""
    only_a_day = connection.copy(ONE_DAY)
    only_a_day.settings_dict = connection.settings_dict | {"OPTIONS": {"options": f"-c search_path={ONE_DAY},public"}}
    connections[ONE_DAY] = only_a_day
    known = [camera for camera in cameras if camera < MADE_UP]
    operator = sign_in("operator")
    kinds = {
        "a moment": (2_000, timedelta(microseconds=1), cameras, found),
        "ten minutes": (2_000, 10 * MINUTE, cameras, found),
        "a day": (300, DAY, cameras, found),
        "playlist of a day": (200, DAY, cameras, listed),
        "playlist of 6 hours by the front door": (100, 6 * HOUR, known, partial(by_the_door, operator)),
    }
    times = {}
    for kind, (count, length, among, ask) in kinds.items():
        chance = random.Random(11)
        times[kind] = ([], [])
        for turn in range(-WARM_UP, count):
            for place, days in enumerate((month, month[:1])):
                start = moment(chance, days, length)
                passed = milliseconds(partial(ask, chance.choice(among), start, length, (None, ONE_DAY)[place]))
                if turn >= 0:
                    times[kind][place].append(passed)
        said = (f"p50 {statistics.median(some):.2f} p99 {p99(some):.2f} ms" for some in times[kind])
        say(f"{kind}: {', one day '.join(said)}")
    operator.close()
    connections[ONE_DAY].close()
    return times


def moment(chance: random.Random, days: list[date], length: timedelta) -> datetime:
    """When to begin: any time of a day, but its first minute, which cameras begin one after the other."""
    midnight = datetime.combine(chance.choice(days), clock(), UTC)
    return midnight if length == DAY else midnight + MINUTE + (DAY - MINUTE - length) * chance.random()


def found(camera: int, start: datetime, length: timedelta, database: str | None) -> None:
    assert list(Segment.objects.using(database).covering(camera, start, start + length))


def listed(camera: int, start: datetime, length: timedelta, _database) -> None:
    """Of the month or of one of its days: the playlist is always asked of the whole index."""
    text = playlist(camera, start, start + length, lambda segment: f"/{segment.start_ms}.mp4")
    assert text.count("#EXTINF") >= length / MINUTE - 2


def by_the_door(operator: httpx.Client, camera: int, start: datetime, length: timedelta, _database) -> None:
    period = {"from": start.isoformat(), "to": (start + length).isoformat(), "reason": "benchmark"}
    answer = operator.get(f"/api/v1/cameras/{camera}/playback.m3u8", params=period)
    assert answer.status_code == 200 and answer.text.count("#EXTINF") >= length / MINUTE - 2, answer.text[:300]


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
