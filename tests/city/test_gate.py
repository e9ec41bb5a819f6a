"""The gate's near misses against the running city: each gets a refusal, and not one byte of a frame."""

import json
from contextlib import contextmanager

import httpx
import pytest
import websockets.sync.client
from websockets.exceptions import ConnectionClosed

from tests.city.client import Api, call, key_of, post_call, signed_in, sql

pytestmark = [pytest.mark.city, pytest.mark.slow]


@pytest.fixture
def incident(city):
    return post_call(city)


def view_of(city, camera: int, headers: dict):
    address = f"{city.base_url.replace('http', 'ws')}/api/v1/cameras/{camera}/live"
    return websockets.sync.client.connect(address, additional_headers=headers, max_size=None)


def look(city, camera: int, headers: dict, *, seconds: float = 5) -> tuple[int | None, str, int]:
    """Open the live view; return (close code or None when still open, reason, binary messages received)."""
    frames = 0
    with view_of(city, camera, headers) as view:
        try:
            while frames < 3:
                frames += isinstance(view.recv(timeout=seconds), bytes)
        except (ConnectionClosed, TimeoutError):
            return view.close_code, view.close_reason, frames
    return None, "", frames


def with_key(city, agency="police") -> dict:
    return {"Authorization": f"Bearer {key_of(city, agency)}", "Accept-Language": "en"}


def with_session(city, role: str) -> dict:
    """A cookie of somebody who has just signed in."""
    with signed_in(city, role) as browser:
        return {"Cookie": f"sessionid={browser.cookies['sessionid']}"}


def test_the_agency_of_the_call_gets_init_then_fragments(city, incident):
    with view_of(city, incident["cameras"][0]["id"], with_key(city)) as view:
        mime, init, fragment = (view.recv(timeout=10) for _ in range(3))
    assert json.loads(mime)["mime"].startswith('video/mp4; codecs="avc1.')
    assert init[4:8] == b"ftyp"
    assert fragment[4:8] == b"moof"


def test_a_person_of_the_agency_too(city, incident):
    assert look(city, incident["cameras"][0]["id"], with_session(city, "police"))[0] is None


@contextmanager
def changed(city, statement: str, undo: str):
    sql(city, statement)
    try:
        yield
    finally:
        sql(city, undo)


POLICE = "(select id from agencies_agency where code = 'police')"
MOU = f"agency_id = {POLICE}"
NEAR_MISSES = {
    "provision not begun": (
        "update mous_provision set starts_at = now() + interval '1 day' where true",
        "update mous_provision set starts_at = now() - interval '1 minute' where true",
    ),
    "expired": (
        f"update mous_mou set ends_at = now() where {MOU}",
        f"update mous_mou set ends_at = now() + interval '1 year' where {MOU}",
    ),
    "not yet begun": (
        f"update mous_mou set starts_at = now() + interval '1 day' where {MOU}",
        f"update mous_mou set starts_at = now() - interval '1 day' where {MOU}",
    ),
    **{
        state: (
            f"update mous_mou set state = '{state}' where {MOU}",
            f"update mous_mou set state = 'signed' where {MOU}",
        )
        for state in ("draft", "suspended", "revoked")
    },
    "disabled agency": (
        "update agencies_agency set is_active = false where code = 'police'",
        "update agencies_agency set is_active = true where code = 'police'",
    ),
    "disabled person": (
        "update agencies_user set is_active = false where username = 'police'",
        "update agencies_user set is_active = true where username = 'police'",
    ),
}


@pytest.mark.parametrize("miss", NEAR_MISSES)
def test_near_misses_get_a_refusal_and_no_frame(miss, city, incident):
    camera = incident["cameras"][0]["id"]
    session = with_session(city, "police")
    with changed(city, *NEAR_MISSES[miss]):
        code, reason, frames = look(city, camera, session)
        assert (code, frames) == (4403, 0)
        assert reason
        still = httpx.get(f"{city.base_url}/api/v1/cameras/{camera}/still.jpg", headers=session)
        assert still.status_code in (401, 403, 404)
        assert not still.headers["content-type"].startswith("image")
    assert look(city, camera, session)[0] is None or miss.startswith("disabled person")


def test_another_agency_a_camera_elsewhere_and_nobody(city, incident):
    provided = {camera["id"] for camera in incident["cameras"]}
    ((elsewhere,),) = sql(
        city, "select id from cameras_camera where id not in (select camera_id from mous_provisioncamera) limit 1"
    )
    camera = next(iter(provided))
    for number, headers in [
        (camera, with_key(city, "fire")),
        (camera, with_session(city, "fire")),
        (elsewhere, with_key(city)),
        (camera, {}),
        (camera, {"Authorization": "Bearer nonsense"}),
        (camera, {"Cookie": "sessionid=nonsense"}),
    ]:
        code, reason, frames = look(city, number, headers)
        assert (code, frames) == (4403, 0)
        assert reason


def test_a_type_that_the_agreement_does_not_cover_opens_nothing(city):
    with changed(
        city,
        f"update mous_mou set incident_types = '{{theft}}' where {MOU}",
        f"update mous_mou set incident_types = '{{}}' where {MOU}",
    ):
        answer = Api(city, "police").post("/api/v1/incidents/", call(type="robbery"))
    assert answer.status_code == 403
    assert answer.json()["code"] == "type_not_covered"
    ((lines,),) = sql(city, "select count(*) from mous_ledgerentry where code = 'type_not_covered'")
    assert lines >= 1


def test_video_files_are_not_served_past_the_gate(city, incident):
    root = city.var_dir / "video"
    path = next(root.rglob("*.mp4")).relative_to(root)
    for address in (f"/protected/video/{path}", f"/static/../video/{path}", f"/video/{path}", f"/var/video/{path}"):
        assert httpx.get(city.base_url + address).status_code in (302, 400, 404)
