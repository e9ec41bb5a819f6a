import asyncio
import logging
from collections import defaultdict

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from apps.agencies.principals import Principal
from apps.mous.gate import Decision, decide, visible_cameras

logger = logging.getLogger(__name__)

# With the query and the close frame this keeps every cut well inside the promised two seconds.
ROUND_S = 0.8


class Warden:
    """Asks the gate again, round after round, for every live socket that is open in this process.

    One query per party and round, however many cameras it watches. When the gate cannot be asked,
    the doors close: an agency may not go on watching because a database is down.
    """

    def __init__(self):
        self.watched: dict[object, tuple[Principal, int]] = {}
        self.rounds: asyncio.Task | None = None

    def watch(self, socket, principal: Principal, camera_id: int) -> None:
        """`socket` has a coroutine `shut(decision)`; it is called at most once."""
        self.watched[socket] = (principal, camera_id)
        if self.rounds is None or self.rounds.done():
            self.rounds = asyncio.get_running_loop().create_task(self.walk())

    def forget(self, socket) -> None:
        self.watched.pop(socket, None)

    async def walk(self) -> None:
        while self.watched:
            await asyncio.sleep(ROUND_S)
            for socket, decision in await self.closed_now():
                if self.watched.pop(socket, None):
                    await socket.shut(decision)

    async def closed_now(self) -> list[tuple[object, Decision]]:
        watched = dict(self.watched)
        try:
            closed = await database_sync_to_async(closed_among)(set(watched.values()))
        except DatabaseError:
            logger.exception("the gate cannot be asked: closing %s live views", len(watched))
            closed = {pair: Decision(None, code="cannot_ask") for pair in watched.values()}
        return [(socket, closed[pair]) for socket, pair in watched.items() if pair in closed]


def closed_among(pairs: set[tuple[Principal, int]]) -> dict[tuple[Principal, int], Decision]:
    """Which of these (party, camera) the gate no longer opens, each with its decision."""
    cameras_of = defaultdict(set)
    for principal, camera_id in pairs:
        cameras_of[principal].add(camera_id)
    closed = {}
    for principal, camera_ids in cameras_of.items():
        now = principal.again()
        visible = set(visible_cameras(now).filter(pk__in=camera_ids).values_list("pk", flat=True))
        closed |= {(principal, camera_id): decide(now, camera_id) for camera_id in camera_ids - visible}
    return {pair: decision for pair, decision in closed.items() if not decision.is_open}


warden = Warden()
