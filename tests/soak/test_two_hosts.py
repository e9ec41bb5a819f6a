"""The recorder on another host than the web, 20 ms away: pictures, another secret, and strangers at its door."""

import asyncio
import statistics
import time
from contextlib import ExitStack

import pytest
from asgiref.sync import sync_to_async

from apps.video.live_server import MOST_STRANGERS
from tests.city.client import move_on, post_call, sql
from tests.city.test_gate import with_key
from tests.running_city import running_city
from tests.soak import hosts
from tests.soak.viewers import Viewer, high, watching
from tests.waiting import until

SILENT, HALF = b"", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"
STRANGERS = 300
VIEWS, SECONDS = 10, 10


@pytest.fixture(scope="module")
def city():
    """The recorder of this machine holds nothing."""
    hosts.skip_without()
    with hosts.wire(), running_city(VIRTUAL_CAMERAS="2", VIRTUAL_RTSP_HOST=hosts.HERE, RECORDER_CAPACITY="0") as city:
        names = ("POSTGRES_PORT", "REDIS_PORT")
        values = hosts.city_env.read(city.var_dir / "city.env")
        with ExitStack() as stack:
            for name in names:
                stack.enter_context(hosts.reachable(int(values[name])))
            yield city


def held_there(city) -> list[tuple[int, str]]:
    """Cameras that somebody there holds, with the address of their live picture."""
    return sql(
        city,
        "select l.camera_id, r.address from video_lease l join video_recorder r on r.id = l.recorder_id"
        " join cameras_camera c on c.id = l.camera_id where r.address like %s and c.status = 'normal'",
        f"{hosts.THERE}:%",
    )


async def first_picture(city, camera: int) -> float:
    viewer = Viewer(city, camera, with_key(city))
    async with watching([viewer]):
        await sync_to_async(until)(lambda: viewer.first, within=10, every=0.01)
    return viewer.first


async def test_live_over_the_network(city, folder, capsys):
    with hosts.recorder(city, folder / "there", RECORDER_CAPACITY="10") as recorder:
        held = await sync_to_async(until)(lambda: len(held_there(city)) == 2 and held_there(city), within=60)
        incident = await sync_to_async(post_call)(city)
        camera, address = held[0]
        firsts = [await first_picture(city, camera) for _ in range(VIEWS)]
        viewer = Viewer(city, camera, with_key(city))
        async with watching([viewer]):
            await sync_to_async(until)(lambda: viewer.got, within=5)
            await asyncio.sleep(1)
            viewer.ages.clear()  # it began with pictures since the last keyframe
            before, threads = viewer.got, recorder.threads
            await asyncio.sleep(SECONDS)
            undisturbed, ages = (viewer.got - before) / SECONDS, [1000 * age for age in viewer.ages]
            crowd, meanwhile = await besieged(address, city, held[1][0], viewer, recorder)
            assert recorder.threads == threads
            await sync_to_async(move_on)(city, incident, "close")
        with capsys.disabled():
            print(
                f"\n{hosts.DELAY_SECONDS * 1000:.0f} ms each way, TLS 1.3: first picture after "
                f"{statistics.median(firsts):.2f} s, {max(firsts):.2f} s at most (n = {VIEWS}); "
                f"{undisturbed:.1f} pictures/s, age p95 {high(ages, 95):.0f} ms; "
                f"{STRANGERS} strangers: {crowd} let in, gone after {meanwhile['gone']:.1f} s, "
                f"first picture meanwhile {meanwhile['first']:.2f} s, {meanwhile['rate']:.1f} pictures/s"
            )
        assert max(firsts) < 1 and meanwhile["first"] < 1
        assert meanwhile["rate"] > 0.9 * undisturbed
        assert meanwhile["gone"] < 8


async def besieged(address: str, city, other: int, viewer: Viewer, recorder) -> tuple[int, dict]:
    """Half of them say nothing, half break off in their first word. How many are let in, and what others notice."""
    began, got = time.monotonic(), viewer.got
    async with hosts.strangers(address, STRANGERS, SILENT, HALF):
        # Those just turned away are a moment on their way out; and there are readers.
        await sync_to_async(until)(lambda: recorder.connections() <= MOST_STRANGERS + 3, within=2)
        crowd = recorder.connections()
        first = await first_picture(city, other)
        await sync_to_async(until)(lambda: recorder.connections() <= 1, within=10)
    gone = time.monotonic() - began
    return crowd, {"first": first, "gone": gone, "rate": (viewer.got - got) / gone}


async def test_a_recorder_with_another_secret_shows_nothing_and_is_named(city, folder):
    with hosts.recorder(city, folder / "other", RECORDER_CAPACITY="10", RECORDER_SECRET="other" * 10) as recorder:
        held = await sync_to_async(until)(lambda: held_there(city), within=60)
        incident = await sync_to_async(post_call)(city)
        viewer = Viewer(city, held[0][0], with_key(city))
        async with watching([viewer]):
            await sync_to_async(until)(lambda: viewer.ended, within=40)
        await sync_to_async(move_on)(city, incident, "close")
    assert (viewer.got, viewer.ended[1]) == (0, 4503)
    said = "".join(file.read_text(errors="replace") for file in (city.var_dir / "log").iterdir() if file.is_file())
    assert f"the recorder at {held[0][1]} is not believed" in said
    assert f"live reader at {hosts.HERE} turned away" in recorder.log.read_text()
