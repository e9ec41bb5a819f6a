"""The product's main job, seen in a real browser: a call comes in, the right people see the right cameras."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.city.client import CITY_HALL, move_on, post_call, send, sign_in, signed_in, sql
from tests.waiting import until

pytestmark = [pytest.mark.city, pytest.mark.slow]

PLAYING = """() => [...document.querySelectorAll("camera-tile")].filter(
    tile => tile.dataset.state === "live" && tile.shown > 0
).map(tile => Number(tile.dataset.camera))"""
TIMES = """() => [...document.querySelectorAll("camera-tile")].map(
    tile => [Number(tile.dataset.camera), tile.shown])"""
ON_MAP = """async () => {
    const answer = await fetch(document.querySelector("city-map").dataset.cameras);
    return (await answer.json()).features.map(feature => feature.properties.id);
}"""
LOUD = """words => document.getElementById("announcements").textContent.includes(words)
    && [...document.querySelectorAll("[data-break-glass]")].some(line => line.dataset.words.includes(words))"""
TILES = """() => [...document.querySelectorAll("camera-tile")].map(tile => Number(tile.dataset.camera))"""


@pytest.fixture
def page_of(city, browser):
    contexts = []

    def sign(role):
        context = browser.new_context(viewport={"width": 1920, "height": 1080}, locale="ko-KR")
        contexts.append(context)
        page = context.new_page()
        sign_in(page, city, role)
        return page

    yield sign
    for context in contexts:
        context.close()


def close_all(city):
    """Nothing of an earlier test is open, and every virtual camera is being recorded."""
    dark = "select count(*) from cameras_camera where is_virtual and status <> 'normal'"
    until(lambda: sql(city, dark) == [(0,)])
    sql(city, "update incidents_incident set state = 'closed', closed_at = now() where closed_at is null")


def test_the_whole_chain(city, page_of):
    close_all(city)
    operator, police, fire = page_of("operator"), page_of("police"), page_of("fire")
    incident = post_call(city)
    provided = [camera["id"] for camera in incident["cameras"]]
    assert len(provided) >= 4
    assert all(camera["covers"] for camera in incident["cameras"][:4])

    first = until(lambda: operator.evaluate(PLAYING), within=10)
    assert set(first) <= set(provided)
    times = dict(operator.evaluate(TIMES))
    until(lambda: any(now > times.get(pk, 0) + 0.5 for pk, now in operator.evaluate(TIMES)))
    assert incident["number"] in operator.content()
    centre = operator.evaluate("() => document.querySelector('city-map, .map')?.dataset.centre ?? ''")
    assert centre == "" or str(CITY_HALL["lon"])[:6] in centre

    until(lambda: len(police.evaluate(PLAYING)) >= 3, within=20)
    assert sorted(police.evaluate(TILES)) == sorted(provided)
    assert sorted(police.evaluate(ON_MAP)) == sorted(provided)
    assert fire.evaluate(TILES) == []

    move_on(city, incident, "close")
    until(lambda: not police.evaluate(PLAYING), within=5)


def test_exercise_is_written_across_every_page_that_shows_it(city, page_of):
    close_all(city)
    operator, police = page_of("operator"), page_of("police")
    incident = post_call(city, exercise=True)
    for page in (operator, police):
        page.wait_for_selector(".exercise-band", timeout=30_000)
    move_on(city, incident, "cancel")


def test_signing_out_ends_the_video_of_every_tab(city, page_of):
    close_all(city)
    police = page_of("police")
    incident = post_call(city)
    until(lambda: police.evaluate(PLAYING))
    other = police.context.new_page()
    other.goto(f"{city.base_url}/agency/")
    token = other.evaluate("() => document.querySelector('[name=csrfmiddlewaretoken]').value")
    other.request.post(
        f"{city.base_url}/sign-out/", form={"csrfmiddlewaretoken": token}, headers={"Referer": city.base_url}
    )
    # The page itself leaves for the sign-in, perhaps while it is asked.
    police.wait_for_function(f"() => !({PLAYING})().length", timeout=5_000)
    move_on(city, incident, "close")


def test_a_supervisor_is_told_at_once_when_glass_is_broken(city, page_of):
    supervisor = page_of("supervisor")
    ((agency, name),) = sql(
        city, "select id, name_ko from agencies_agency where kind not in ('centre', 'police', 'fire') limit 1"
    )
    ((camera,),) = sql(city, "select number from cameras_camera where is_virtual limit 1")
    assert not supervisor.evaluate(LOUD, name)
    ends_at = datetime.now(ZoneInfo("Asia/Seoul")) + timedelta(minutes=2)
    wish = {"way": "urgent", "agency": agency, "numbers": camera, "kinds": "live", "reason": "강에 사람이 빠졌다"}
    with signed_in(city, "operator") as operator:
        send(operator, "/console/provisions/new/", {**wish, "until": f"{ends_at:%Y-%m-%dT%H:%M:%S}"})
    until(lambda: supervisor.evaluate(LOUD, name), within=10)
    ((opened,),) = sql(city, "select count(*) from mous_urgentreview where reviewed_at is null")
    assert opened == 1
