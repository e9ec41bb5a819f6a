"""Parts are killed while the city works: nothing accepted is lost, and work begun is finished."""

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from tests.city.client import Api, call, kill, move_on, post_call, sign_in, sql
from tests.city.test_gate import look, with_key
from tests.waiting import until

pytestmark = [pytest.mark.city, pytest.mark.slow]


def test_fifty_repeats_at_once_make_one_incident(city):
    body = call()

    def send(_):
        return Api(city, "police").post("/api/v1/incidents/", body)

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.text for answer in answers}) == 1
    ((rows,),) = sql(city, "select count(*) from incidents_incident where source_id = %s", body["source_id"])
    assert rows == 1


def order_clip(city, incident: dict, *, seconds: int = 5) -> str:
    """Ask for the newest recorded seconds of the first camera; return the clip's address."""
    camera = incident["cameras"][0]["id"]

    def recorded():
        rows = sql(
            city,
            "select least(now(), coalesce(ended_at, now())) from video_segment "
            "where camera_id = %s and started_at < now() - interval '%s seconds' order by started_at desc limit 1",
            camera,
            seconds + 3,
        )
        return rows and rows[0][0]

    end: datetime = until(recorded) - timedelta(seconds=2)
    order = {
        "camera": camera,
        "from": (end - timedelta(seconds=seconds)).isoformat(),
        "to": end.isoformat(),
        "provision": incident["provisions"][0]["id"],
    }
    answer = Api(city, "police").post("/api/v1/clips/", order)
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == answer.json()["status_url"]
    return answer.headers["location"]


def when_ready(city, address: str) -> dict:
    def ready():
        clip = Api(city, "police").get(address).json()
        assert clip["state"] != "failed", clip["error"]
        return clip if clip["state"] == "ready" else None

    return until(ready, within=120, every=0.5)


def test_a_clip_with_its_manifest_and_byte_ranges(city):
    incident = post_call(city)
    clip = when_ready(city, order_clip(city, incident))
    police = Api(city, "police")
    whole = police.get(clip["file_url"])
    assert whole.status_code == 200
    assert hashlib.sha256(whole.content).hexdigest() == clip["sha256"]
    manifest = police.get(clip["manifest_url"]).json()
    assert manifest["sha256"] == clip["sha256"]
    assert clip["ledger_number"] in (manifest.get("ledger_number"), manifest.get("note", {}).get("ledger_number"))
    part = police.get(clip["file_url"], headers={"Range": "bytes=100-199"})
    assert part.status_code == 206
    assert part.content == whole.content[100:200]
    for other in (Api(city, "fire"), Api(city, None)):
        for address in (clip["status_url"], clip["file_url"], clip["manifest_url"]):
            assert other.get(address).status_code in (401, 404)
    ((downloads,),) = sql(city, "select count(*) from viewing_viewlog where door = 'clip'")
    assert downloads >= 2
    move_on(city, incident, "close")
    ((due,),) = sql(city, "select destroy_by - now() from viewing_providedcopy where clip_id = %s", clip["id"])
    assert timedelta(days=4, hours=23) < due <= timedelta(days=5)


def test_a_worker_killed_mid_clip_leaves_a_clip_that_completes(city):
    incident = post_call(city)
    address = order_clip(city, incident, seconds=8)
    assert kill(city, "celery", "worker")
    assert when_ready(city, address)["bytes"] > 0


def test_redis_killed_loses_no_incident_and_the_console_catches_up(city, browser):
    sql(city, "update incidents_incident set state = 'closed', closed_at = now() where closed_at is null")
    page = browser.new_context(viewport={"width": 1920, "height": 1080}).new_page()
    sign_in(page, city, "operator")
    time.sleep(1)
    assert kill(city, "redis-server")
    numbers = [post_call(city)["number"] for _ in range(5)]
    ((kept,),) = sql(city, "select count(*) from incidents_incident where number = any(%s)", numbers)
    assert kept == 5
    rows = "() => document.querySelector('#queue, .queue, main').outerHTML"
    until(lambda: all(number in page.evaluate(rows) for number in numbers))
    later = post_call(city)["number"]
    until(lambda: later in page.evaluate(rows))
    page.context.close()


def test_a_recorder_killed_comes_back_and_live_with_it(city):
    incident = post_call(city)
    camera = incident["cameras"][0]["id"]
    assert kill(city, "manage.py", "record")
    until(lambda: look(city, camera, with_key(city))[2] >= 3, every=1)
