import asyncio
import threading

import pytest
from asgiref.sync import sync_to_async
from channels.testing import WebsocketCommunicator
from django.contrib.sessions.backends.db import SessionStore
from django.db import connection, transaction
from django.test import Client

from apps.agencies.models import Agency
from apps.incidents.actions import advance, publish
from apps.incidents.consumers import SIGNED_OUT
from apps.incidents.models import Event, Incident
from apps.incidents.states import NotAllowed
from apps.linked_services.actions import receive
from daejeon_soc.asgi import application
from tests.linked_services.calls import checked


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def socket(client: Client | None = None, token: str = "", path="/ws/events/", **headers) -> WebsocketCommunicator:
    given = [(name.encode(), value.encode()) for name, value in headers.items()]
    if client:
        given.append((b"cookie", "; ".join(f"{m.key}={m.value}" for m in client.cookies.values()).encode()))
    if token:
        given.append((b"authorization", f"Bearer {token}".encode()))
    return WebsocketCommunicator(application, path, headers=given)


async def next_news(communicator) -> dict:
    """The next message that is no tick."""
    while (message := await communicator.receive_json_from(timeout=5))["kind"] == "tick":
        pass
    return message


@pytest.mark.django_db
class TestAdvance:
    @pytest.fixture
    def incident(self, police, camera):
        return receive(police.agency, checked(), by=police.user).incident

    def test_two_operators_at_once(self, incident, operator):
        copy = Incident.objects.get(pk=incident.pk)
        advance(incident, "acknowledge", by=operator)
        with pytest.raises(NotAllowed, match="someone else"):
            advance(copy, "acknowledge", by=operator)
        assert incident.events.filter(kind="incident.advanced").count() == 1

    def test_sequence_numbers_grow(self, incident, operator):
        first = incident.events.get().seq
        assert advance(incident, "acknowledge", by=operator).seq > first


@pytest.mark.django_db
class TestCatchUp:
    def events(self, client, after) -> dict:
        return client.get("/api/v1/events/", {"after": after}).json()

    def test_what_came_after(self, police, camera, operator):
        first = receive(police.agency, checked(), by=police.user)
        second = receive(police.agency, checked(), by=police.user)
        answer = self.events(signed_in(operator), first.seq)
        assert [(event["seq"], event["incident"]) for event in answer["events"]] == [
            (second.seq, second.incident.number)
        ]
        assert answer["latest"] == second.seq
        assert answer["more"] is False

    def test_only_what_concerns_the_agency(self, police, fire, camera):
        receive(police.agency, checked(), by=police.user)
        assert len(self.events(signed_in(police.user), 0)["events"]) == 1
        assert self.events(signed_in(fire.user), 0)["events"] == []

    def test_long_absences_come_in_pages(self, operator):
        publish([Event(kind="tested", object_id=number) for number in range(1_001)])
        client, after, seen = signed_in(operator), 0, 0
        while True:
            answer = self.events(client, after)
            seen, after = seen + len(answer["events"]), answer["latest"]
            if not answer["more"]:
                break
        assert seen == 1_001

    @pytest.mark.parametrize("after", ["-1", "x", "9" * 40, "1.5", "\x00"])
    def test_bad_numbers_are_named(self, after, operator):
        answer = signed_in(operator).get("/api/v1/events/", {"after": after})
        assert answer.status_code == 400
        assert "after" in answer.json()

    def test_nobody(self):
        assert Client().get("/api/v1/events/").status_code == 401


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_later_number_never_shows_before_an_earlier_one(db):
    """One writer is held just before its commit; a second one must wait behind it."""
    Agency.objects.create(code="a", name_ko="a", name_en="a", kind="police")
    holding, release, seen = threading.Event(), threading.Event(), []

    def first():
        with transaction.atomic():
            seen.append(publish([Event(kind="first", object_id=1)])[0].seq)
            holding.set()
            release.wait(5)
        connection.close()

    def second():
        seen.append(publish_alone(Event(kind="second", object_id=2)))
        connection.close()

    def publish_alone(event):
        with transaction.atomic():
            return publish([event])[0].seq

    writers = [threading.Thread(target=first), threading.Thread(target=second)]
    writers[0].start()
    assert holding.wait(5)
    writers[1].start()
    writers[1].join(0.3)
    assert writers[1].is_alive()
    assert not Event.objects.exists()
    release.set()
    for writer in writers:
        writer.join(5)
    assert seen == sorted(seen)
    assert Event.objects.count() == 2


@pytest.mark.slow
@pytest.mark.usefixtures("database_thread")
@pytest.mark.django_db(transaction=True)
class TestSocket:
    async def test_carries_ids_and_numbers_only(self, police, camera, operator):
        screen = socket(await sync_to_async(signed_in)(operator))
        assert (await screen.connect())[0]
        received = await sync_to_async(receive)(police.agency, await sync_to_async(checked)(), by=police.user)
        assert await next_news(screen) == {
            "kind": "incident.opened",
            "id": received.incident.pk,
            "seq": received.seq,
        }
        await screen.disconnect()

    async def test_another_agency_is_told_nothing(self, police, fire, camera):
        theirs, own = socket(token=fire.token), socket(token=police.token)
        await theirs.connect()
        await own.connect()
        await sync_to_async(receive)(police.agency, await sync_to_async(checked)(), by=police.user)
        assert (await next_news(own))["kind"] == "incident.opened"
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(next_news(theirs), 0.5)
        await own.disconnect()

    async def test_nobody_is_closed(self, db):
        for screen in (socket(), socket(token="nonsense")):
            assert (await screen.connect())[0]
            assert (await screen.receive_output(timeout=5))["code"] == SIGNED_OUT
            await screen.disconnect()

    async def test_dies_with_its_session(self, operator):
        screen = socket(client := await sync_to_async(signed_in)(operator))
        await screen.connect()
        assert (await screen.receive_json_from(timeout=5))["kind"] == "tick"
        await sync_to_async(SessionStore(client.session.session_key).delete)()
        output = await screen.receive_output(timeout=5)
        while output["type"] != "websocket.close":
            output = await screen.receive_output(timeout=5)
        assert output["code"] == SIGNED_OUT
