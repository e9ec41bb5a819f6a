import asyncio
import time

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer

from apps.agencies.models import ApiKey
from apps.agencies.sockets import principal_of_scope
from apps.incidents.models import Event
from apps.incidents.news import CENTRE, agency_group

TICK_S = 2.0
SIGNED_OUT = 4401


class EventsConsumer(AsyncJsonWebsocketConsumer):
    """Says that something changed; the screen asks for it over HTTP, through the gate.

    Every two seconds a tick carries the newest sequence number, so that a screen notices news that
    Redis lost, and the socket dies with its session.
    """

    ticking = None

    async def connect(self):
        self.principal = await database_sync_to_async(principal_of_scope)(self.scope, ApiKey.Scope.EVENTS)
        await self.accept()
        if self.principal is None:
            await self.close(SIGNED_OUT)
            return
        for group in await self.groups_now():
            await self.channel_layer.group_add(group, self.channel_name)
            self.groups.append(group)
        self.ticking = asyncio.create_task(self.tick())

    async def disconnect(self, code):
        if self.ticking:
            self.ticking.cancel()

    @database_sync_to_async
    def groups_now(self) -> list[str]:
        return [CENTRE] if self.principal.is_centre_staff else [agency_group(pk) for pk in self.principal.agency_ids]

    async def news(self, message):
        await self.send_json({"kind": message["kind"], "id": message["id"], "seq": message["seq"]})

    async def tick(self):
        while await self.still_signed_in():
            await self.send_json({"kind": "tick", "id": 0, "seq": await newest_seq()})
            await asyncio.sleep(TICK_S)
        await self.close(SIGNED_OUT)

    @database_sync_to_async
    def still_signed_in(self) -> bool:
        return self.principal.again().party is not None


_newest = (0.0, 0)


async def newest_seq() -> int:
    """The newest sequence number, asked of the database once a second per process, however many sockets."""
    global _newest
    asked, seq = _newest
    if time.monotonic() - asked >= 1:
        seq = await database_sync_to_async(Event.objects.latest_seq)()
        _newest = (time.monotonic(), seq)
    return seq
