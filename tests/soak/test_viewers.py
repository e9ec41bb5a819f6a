"""Two hundred screens show one camera: what it costs, and how fast the gate darkens them."""

import asyncio
import time

from asgiref.sync import sync_to_async

from tests.city.client import move_on, post_call, sql
from tests.city.test_gate import with_key
from tests.soak.rig import cpu_seconds
from tests.soak.viewers import (
    Viewer,
    connections_to,
    high,
    megabytes,
    narrow_way,
    process_of,
    watching,
)
from tests.waiting import until

PEOPLE, STUCK, SECONDS = 200, 10, 20


async def test_two_hundred_viewers_of_one_camera(city, capsys):
    incident = await sync_to_async(post_call)(city)
    camera = incident["cameras"][0]["id"]
    ports = {int(address.rpartition(":")[2]) for (address,) in sql(city, "select address from video_recorder")}
    viewers = [Viewer(city, camera, with_key(city)) for _ in range(PEOPLE)]
    stuck = [Viewer(city, camera, with_key(city), takes=False) for _ in range(STUCK)]
    server = process_of(city, "uvicorn")
    before = megabytes(server)
    async with watching([*stuck, *viewers]):
        await sync_to_async(until)(lambda: all(viewer.first for viewer in viewers), within=30)
        first = [viewer.first for viewer in viewers]
        await asyncio.sleep(5)
        assert sum(map(connections_to, ports)) == 1
        for viewer in viewers:
            viewer.ages.clear()
            viewer.skipped.clear()
        used = cpu_seconds(server)
        await asyncio.sleep(SECONDS)
        used = cpu_seconds(server) - used
        ages = [age * 1000 for viewer in viewers for age in viewer.ages]
        grown = megabytes(server) - before
        began = time.monotonic()
        await sync_to_async(move_on)(city, incident, "close")
        await sync_to_async(until)(lambda: all(viewer.ended for viewer in viewers), within=5)
        cut = sorted(at - began for at, _code in (viewer.ended for viewer in viewers))
    with capsys.disabled():
        print(
            f"\n{PEOPLE} viewers of one camera, {STUCK} more that take nothing, all at once: first picture "
            f"after {high(first, 50):.1f} s at p50, {max(first):.1f} s at most; {len(ages) / SECONDS:.0f} pictures/s; "
            f"age at the client p50 {high(ages, 50):.0f} ms, p95 {high(ages, 95):.0f} ms, p99 {high(ages, 99):.0f} ms "
            f"(n = {len(ages)}); left out {sum(len(viewer.skipped) for viewer in viewers)} times; socket process "
            f"{used / SECONDS * 100:.0f}% of a core, {grown:.0f} MB more; cut after {cut[0]:.2f} to {cut[-1]:.2f} s"
        )
    assert {code for _at, code in (viewer.ended for viewer in viewers)} == {4403}
    assert cut[-1] < 2
    assert high(ages, 95) < 1000 and grown < 150


async def test_a_way_too_narrow_for_the_camera(city, capsys):
    """What a page sees stays a few seconds old, however much the way would hold; without its word it falls behind."""
    incident = await sync_to_async(post_call)(city)
    camera = incident["cameras"][0]["id"]
    ends = {}
    for speaks in (True, False):
        async with narrow_way(city, 20_000) as port:
            viewer = Viewer(city, camera, with_key(city), speaks=speaks, port=port)
            async with watching([viewer]):
                await asyncio.sleep(25)
                ends[speaks] = viewer.ages[-1], len(viewer.skipped)
    with capsys.disabled():
        said, silent = ends[True], ends[False]
        print(f"\n20 kB/s: {said[0]:.1f} s old after 25 s, left out {said[1]} times; unsaid {silent[0]:.1f} s old")
    assert ends[True][0] < 6 and ends[True][1]
    assert ends[False][0] > 2 * ends[True][0]
