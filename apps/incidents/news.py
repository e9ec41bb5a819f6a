"""Telling the screens that something changed. News may be lost; events may not: see `Event`."""

import asyncio
import logging
import threading

import redis.exceptions
from channels.layers import get_channel_layer

from apps.incidents.models import Event

logger = logging.getLogger(__name__)

CENTRE = "centre"


def agency_group(agency_id: int) -> str:
    return f"agency.{agency_id}"


def announce(events: list[Event]) -> None:
    """Tell every socket that may know, without waiting. A dead Redis costs the push, not the event."""
    asyncio.run_coroutine_threadsafe(_send(events), _Loop.running())


async def _send(events: list[Event]) -> None:
    layer = get_channel_layer()
    try:
        for event in events:
            message = {"type": "news", "kind": event.kind, "id": event.object_id, "seq": event.seq}
            groups = [CENTRE, *map(agency_group, event.agencies)]
            await asyncio.gather(*(layer.group_send(group, message) for group in groups))
    except (redis.exceptions.RedisError, OSError) as error:
        logger.warning("screens not told of %s events (%s): they will ask", len(events), error)


class _Loop:
    """One event loop in a thread of its own per process: a loop per call would open a Redis connection per call."""

    lock = threading.Lock()
    loop: asyncio.AbstractEventLoop | None = None

    @classmethod
    def running(cls) -> asyncio.AbstractEventLoop:
        with cls.lock:
            if cls.loop is None:
                cls.loop = asyncio.new_event_loop()
                threading.Thread(target=cls.loop.run_forever, name="news", daemon=True).start()
            return cls.loop
