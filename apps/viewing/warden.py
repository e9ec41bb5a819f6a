import asyncio
import logging
from collections import defaultdict

from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from apps.agencies.principals import Principal, living_sessions
from apps.mous.gate import Decision, answers_alike, decide, visible_cameras

logger = logging.getLogger(__name__)

# With the query and the close frame this keeps every cut well inside the promised two seconds.
ROUND_S = 0.8


class Warden:
    """Asks the gate again, round after round, for every live socket that is open in this process.

    A few questions a round, however many watch on however many screens. When the gate cannot be asked,
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
            closed = [pair for pair in await self.closed_now() if self.watched.pop(pair[0], None)]
            # All at once: each waits for its view to be put on record, and nobody may look on meanwhile.
            shutting = (socket.shut(decision) for socket, decision in closed)
            for trouble in await asyncio.gather(*shutting, return_exceptions=True):
                if trouble:
                    logger.error("a live view could not be closed in order", exc_info=trouble)

    async def closed_now(self) -> list[tuple[object, Decision]]:
        watched = dict(self.watched)
        try:
            closed = await database_sync_to_async(closed_among)(set(watched.values()))
        except DatabaseError:
            logger.exception("the gate cannot be asked: closing %s live views", len(watched))
            closed = {pair: Decision(None, code="cannot_ask") for pair in watched.values()}
        return [(socket, closed[pair]) for socket, pair in watched.items() if pair in closed]


def closed_among(pairs: set[tuple[Principal, int]]) -> dict[tuple[Principal, int], Decision]:
    """Which of these (party, camera) the gate no longer opens, each with its decision.

    A crowd is asked for in a few questions: all sessions at once, and one of those whose rights are the same.
    """
    sessions = living_sessions({principal.session_key for principal, _camera_id in pairs if principal.session_key})
    alike = answers_alike({principal.user_id for principal, _camera_id in pairs if principal.user_id})
    groups = defaultdict(set)
    for principal, camera_id in pairs:
        signed_out = principal.session_key and principal.session_key not in sessions
        rights = alike.get(principal.user_id, principal)
        groups[principal if signed_out else rights].add((principal, camera_id))
    closed = {}
    for group in groups.values():
        closed |= closed_in(group)
    return closed


def closed_in(group: set[tuple[Principal, int]]) -> dict[tuple[Principal, int], Decision]:
    """The same among parties whose rights are the same, so that one may ask for all."""
    someone = next(iter(group))[0]
    asking = someone.again()
    if asking.party is None:  # gone since the groups were made: that is no news of the others
        group = {pair for pair in group if pair[0] == someone}
    camera_ids = {camera_id for _principal, camera_id in group}
    visible = set(visible_cameras(asking).filter(pk__in=camera_ids).values_list("pk", flat=True))
    decisions = {camera_id: decide(asking, camera_id) for camera_id in camera_ids - visible}
    return {
        (principal, camera_id): decisions[camera_id]
        for principal, camera_id in group
        if camera_id in decisions and not decisions[camera_id].is_open
    }


warden = Warden()
