"""The live door with the recorder's end played by a generator: what the door does, not what video looks like."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.utils import translation

from apps.audit.models import Entry
from apps.audit.words import on_record
from apps.cameras.models import Camera
from apps.linked_services.actions import advance, receive
from apps.mous import owners
from apps.mous.actions import narrow, revoke
from apps.mous.agreements import advance as advance_agreement
from apps.mous.models import Mou
from apps.video.reasons import NO_ANSWER, NotAvailable
from apps.viewing import consumers
from apps.viewing.models import ViewLog
from tests.cast import Role, allow, make_user
from tests.incidents.test_events import signed_in, socket
from tests.linked_services.calls import checked

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("database_thread"),
]

MIME = '{"mime": "video/mp4; codecs=\\"avc1.42c01e\\""}'


@pytest.fixture(autouse=True)
def frames(monkeypatch):
    async def watch(camera_id, pace, *, converted):
        yield MIME
        while True:
            yield b"frame"
            await asyncio.sleep(0.05)

    monkeypatch.setattr(consumers, "watch", watch)


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


def live(camera, client=None, token="", query="", **headers):
    return socket(client, token, path=f"/api/v1/cameras/{camera.pk}/live{query}", **headers)


async def close_of(view, within=5) -> tuple[int, str]:
    async with asyncio.timeout(within):
        while (output := await view.receive_output(timeout=within))["type"] != "websocket.close":
            pass
    return output["code"], output["reason"]


async def test_frames_for_the_agency_of_the_call(police, camera, incident):
    view = live(camera, await sync_to_async(signed_in)(police.user))
    assert (await view.connect())[0]
    assert await view.receive_from() == MIME
    assert await view.receive_from() == b"frame"
    await view.disconnect()
    row = await ViewLog.objects.select_related("user").aget()
    assert (row.incident_number, row.user, row.closed_because) == (incident.number, police.user, "left")
    assert await Entry.objects.filter(verb="view.opened").acount() == 1


async def test_frames_for_the_agencys_own_system(police, camera, incident):
    view = live(camera, token=police.token)
    await view.connect()
    assert await view.receive_from() == MIME
    await view.disconnect()
    assert (await ViewLog.objects.aget()).key_id == police.key.pk


async def test_a_standing_view_says_for_what(operator, police, camera, incident):
    with translation.override(settings.LANGUAGE_CODE):
        duty = on_record("standing monitoring duty")
    client = await sync_to_async(signed_in)(operator)
    for query, expected in {
        f"?incident={incident.number}": (incident.number, ""),
        "?reason=lost+child": ("none", "lost child"),
        "?incident=999999-000001": ("none", duty),
        "": ("none", duty),
    }.items():
        view = live(camera, client, query=query)
        await view.connect()
        assert await view.receive_from() == MIME
        await view.disconnect()
        row = await ViewLog.objects.order_by("-pk").afirst()
        assert (row.incident_number, row.reason) == expected


async def test_refusals_close_with_4403_and_no_frame(police, fire, camera, far_camera, incident):
    views = [
        live(camera),
        live(camera, token="nonsense"),
        live(camera, token=fire.token),
        live(camera, await sync_to_async(signed_in)(fire.user)),
        live(far_camera, token=police.token),
    ]
    for view in views:
        await view.connect()
        output = await view.receive_output(timeout=5)
        assert (output["type"], output["code"]) == ("websocket.close", 4403)
        assert output["reason"]
        await view.disconnect()
    assert not await ViewLog.objects.aexists()
    assert await Entry.objects.filter(verb="view.refused").acount() == len(views)


async def test_a_stranger_cannot_tell_mine_from_none(fire, camera, incident):
    said = []
    for camera_id in (camera.pk, 999_999_999):
        view = socket(token=fire.token, path=f"/api/v1/cameras/{camera_id}/live")
        await view.connect()
        said.append(await close_of(view))
    assert said[0] == said[1]


async def test_reasons_are_in_the_pages_language_and_fit_a_close_frame(fire, camera, incident):
    for language, word in (("en", "agency"), ("ko", "")):
        view = live(camera, token=fire.token, **{"accept-language": language})
        await view.connect()
        _code, reason = await close_of(view)
        assert word in reason
        assert 0 < len(reason.encode()) <= 123


async def end_session(police, operator, supervisor, incident, client):
    await sync_to_async(client.logout)()


async def disable(police, operator, supervisor, incident, client):
    await get_user_model().objects.filter(pk=police.user.pk).aupdate(is_active=False)


async def close(police, operator, supervisor, incident, client):
    await sync_to_async(advance)(incident, "close", by=operator)


async def suspend(police, operator, supervisor, incident, client):
    await sync_to_async(advance_agreement)(police.mou, "suspend", by=supervisor)


async def expire(police, operator, supervisor, incident, client):
    await Mou.objects.filter(pk=police.mou.pk).aupdate(ends_at=incident.received_at)


async def take_back(police, operator, supervisor, incident, client):
    boss = await sync_to_async(allow)(supervisor, "revoke_provision")
    provision = await incident.provisions.select_related("incident").aget()
    await sync_to_async(revoke)(provision, by=boss, reason="wrong place")


async def disable_agency(police, operator, supervisor, incident, client):
    await type(police.agency).objects.filter(pk=police.agency.pk).aupdate(is_active=False)


async def keep_back(police, operator, supervisor, incident, client):
    camera = await Camera.objects.select_related("owner").aget()
    keeper = await sync_to_async(make_user)("keeper", camera.owner, Role.OWNER)
    await sync_to_async(owners.keep_back)(camera, by=keeper, reason="inside a school")


async def narrow_kinds(police, operator, supervisor, incident, client):
    provision = await incident.provisions.aget()
    await sync_to_async(narrow)(provision, by=supervisor, reason="stills are enough", kinds=["live"])


async def put_a_new_version_in_its_place(police, operator, supervisor, incident, client):
    await Mou.objects.filter(pk=police.mou.pk).aupdate(superseded_at=incident.received_at)


CUTS = [
    end_session,
    disable,
    close,
    suspend,
    expire,
    take_back,
    disable_agency,
    keep_back,
    narrow_kinds,
    put_a_new_version_in_its_place,
]


@pytest.mark.parametrize("event", CUTS)
async def test_an_open_view_is_cut_within_two_seconds(event, police, operator, supervisor, camera, incident):
    client = await sync_to_async(signed_in)(police.user)
    view = live(camera, client)
    await view.connect()
    assert await view.receive_from() == MIME
    await event(police, operator, supervisor, incident, client)
    code, reason = await close_of(view, within=2)
    assert code == 4403
    assert reason
    assert (await ViewLog.objects.aget()).closed_at


async def test_a_view_that_nothing_ends_goes_on(police, camera, incident):
    view = live(camera, token=police.token)
    await view.connect()
    with pytest.raises(TimeoutError):
        await close_of(view, within=2.5)
    await view.disconnect()


async def test_a_camera_without_picture_says_why(police, camera, incident, monkeypatch):
    async def watch(camera_id, pace, *, converted):
        raise NotAvailable(NO_ANSWER)
        yield

    monkeypatch.setattr(consumers, "watch", watch)
    view = live(camera, token=police.token, **{"accept-language": "en"})
    await view.connect()
    assert await close_of(view) == (4503, NO_ANSWER)
    assert not await ViewLog.objects.aexists()


async def test_no_frame_leaves_when_the_view_cannot_be_put_on_record(police, camera, incident, monkeypatch):
    def fail(*_args, **_named):
        raise OperationalError("the disk of the database is full")

    monkeypatch.setattr(consumers, "log_view", fail)
    view = live(camera, token=police.token)
    await view.connect()
    output = await view.receive_output(timeout=5)
    assert (output["type"], output["code"]) == ("websocket.close", 4403)


async def test_a_viewer_says_how_far_it_has_come_and_nothing_else(police, camera, incident, monkeypatch):
    heard = []
    monkeypatch.setattr(consumers.Pace, "got", lambda _pace, count: heard.append(count))
    view = live(camera, token=police.token)
    await view.connect()
    for said in ("3", "-1", "1e9", "٣", "9" * 16, "x" * 60_000, '{"seen": 4}', "12"):
        await view.send_to(text_data=said)
    await view.send_to(bytes_data=b"7")
    while heard[-1:] != [12]:
        await view.receive_from()
    await view.disconnect()
    assert heard == [3, 12]
