import asyncio
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.utils.translation import gettext as _

from apps.agencies.principals import Principal
from apps.agencies.sockets import address_of, fit, in_language_of, principal_of_scope
from apps.audit.actions import source_address
from apps.mous.gate import Decision, decide
from apps.video.live import NotAvailable, watch
from apps.viewing.actions import close_view, log_refusal, log_view
from apps.viewing.models import ViewLog
from apps.viewing.warden import warden

REFUSED, NOT_AVAILABLE = 4403, 4503


class LiveConsumer(AsyncWebsocketConsumer):
    """Live video of one camera: the gate, a view log, then frames until somebody or something ends it."""

    view: ViewLog | None = None
    frames: asyncio.Task | None = None

    async def connect(self):
        await self.accept()
        source_address.set(address_of(self.scope))
        self.camera_id = self.scope["url_route"]["kwargs"]["camera_id"]
        principal = await principal_of_scope(self.scope) or Principal()
        decision = await self.ask(principal)
        if not decision.is_open:
            await self.shut(decision)
            return
        warden.watch(self, principal, self.camera_id)
        self.frames = asyncio.create_task(self.pass_frames())

    @database_sync_to_async
    def ask(self, principal: Principal) -> Decision:
        """The gate's decision, on record before the first frame."""
        decision = decide(principal, self.camera_id)
        if decision.is_open:
            query = parse_qs(self.scope["query_string"].decode("utf-8", errors="replace"))
            named = {name: query.get(name, [""])[0][:300] for name in ("incident", "reason")}
            self.view = log_view(principal, decision, ViewLog.Door.LIVE, **named)
        else:
            log_refusal(principal, self.camera_id, ViewLog.Door.LIVE, decision.code)
        return decision

    async def pass_frames(self):
        try:
            async for part in watch(self.camera_id):
                await (self.send(text_data=part) if isinstance(part, str) else self.send(bytes_data=part))
        except NotAvailable as trouble:
            with in_language_of(self.scope):
                await self.end("not_available", NOT_AVAILABLE, _(trouble.reason))
        else:
            await self.end("ended", NOT_AVAILABLE, "")

    async def shut(self, decision: Decision):
        """The gate has closed: no further frame."""
        if self.frames:
            self.frames.cancel()
        with in_language_of(self.scope):
            await self.end(decision.code, REFUSED, decision.reason)

    async def end(self, because: str, code: int, reason: str):
        await self.log_end(because)
        await self.close(code, fit(reason))

    async def disconnect(self, code):
        warden.forget(self)
        if self.frames:
            self.frames.cancel()
        await self.log_end("left")

    @database_sync_to_async
    def log_end(self, because: str) -> None:
        if self.view:
            close_view(self.view, because=because)
