import asyncio
import logging
from urllib.parse import parse_qs

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import Error as DatabaseError
from django.utils.translation import gettext as _

from apps.agencies.principals import Principal
from apps.agencies.sockets import address_of, fit, in_language_of, principal_of_scope
from apps.audit.actions import source_address
from apps.mous.gate import Decision, decide
from apps.video.live import NotAvailable, Pace, watch
from apps.viewing.actions import close_view, log_refusal, log_view
from apps.viewing.models import ViewLog
from apps.viewing.warden import warden

logger = logging.getLogger(__name__)

REFUSED, NOT_AVAILABLE = 4403, 4503


class LiveConsumer(AsyncWebsocketConsumer):
    """Live video of one camera: the gate, a view log, then frames until somebody or something ends it.

    A client may say now and then how many pictures have come, as a decimal number; then it is never sent more than
    it can take, and what it sees is never older than a few seconds, whatever lies in between.
    """

    view: ViewLog | None = None
    frames: asyncio.Task | None = None

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.pace = Pace()

    async def connect(self):
        await self.accept()
        source_address.set(address_of(self.scope))
        self.camera_id = self.scope["url_route"]["kwargs"]["camera_id"]
        principal, decision = await self.ask()
        if not decision.is_open:
            await self.shut(decision)
            return
        warden.watch(self, principal, self.camera_id)
        self.frames = asyncio.create_task(self.pass_frames(principal, decision))

    @database_sync_to_async
    def ask(self) -> tuple[Principal, Decision]:
        """Who it is and what the gate says, in one go: each costs a connection to the database."""
        principal = principal_of_scope(self.scope) or Principal()
        decision = decide(principal, self.camera_id)
        if not decision.is_open:
            log_refusal(principal, self.camera_id, ViewLog.Door.LIVE, decision.code)
        return principal, decision

    @database_sync_to_async
    def log_begin(self, principal: Principal, decision: Decision) -> None:
        named = {name: self.asked(name)[:300].replace("\0", "") for name in ("incident", "reason")}
        self.view = log_view(principal, decision, ViewLog.Door.LIVE, **named)

    def asked(self, name: str) -> str:
        query = parse_qs(self.scope["query_string"].decode("utf-8", errors="replace"))
        return query.get(name, [""])[0]

    async def receive(self, text_data=None, bytes_data=None):
        if text_data and len(text_data) < 16 and text_data.isascii() and text_data.isdecimal():
            self.pace.got(int(text_data))

    async def pass_frames(self, principal: Principal, decision: Decision):
        """Frames, once it is on record that they are seen. A camera without a picture leaves no view."""
        try:
            async for part in watch(self.camera_id, self.pace, converted=self.asked("codec") == "h264"):
                if self.view is None:
                    await self.log_begin(principal, decision)
                await (self.send(text_data=part) if isinstance(part, str) else self.send(bytes_data=part))
        except NotAvailable as trouble:
            with in_language_of(self.scope):
                await self.end("not_available", NOT_AVAILABLE, _(trouble.reason))
        except DatabaseError:
            logger.exception("a live view cannot be put on record")
            with in_language_of(self.scope):
                await self.end("not_recorded", REFUSED, Decision(None, code="cannot_ask").reason)

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
