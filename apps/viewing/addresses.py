"""Addresses of recorded video that work for whom the playlist was written, for the time on record, and for a while."""

import math
from datetime import datetime, timedelta

from django.core import signing
from django.utils import timezone

from apps.agencies.principals import Principal

# A player that never asks for its list again may still play it once from end to end, and stand still for so long.
PAUSES = timedelta(hours=1)
# Nobody looks on for longer than a shift.
LONGEST = timedelta(hours=12)
# In one quarter of an hour a list that grows names the same addresses, so that a player keeps what it has.
STEP_S = 900
SALT = "viewing.addresses"


def seal(principal: Principal, camera_id: int, start: datetime, end: datetime) -> dict[str, str]:
    """What an address of this camera's video between `start` and `end` carries, besides the two."""
    lasts = min(end - start + PAUSES, LONGEST)
    expires = math.ceil((timezone.now() + lasts).timestamp() / STEP_S) * STEP_S
    return {"expires": str(expires), "seal": _signature(principal, camera_id, start, end, str(expires))}


def is_theirs(carried, principal: Principal, camera_id: int, start: datetime, end: datetime) -> bool:
    """Was this given to the principal, for this camera and time? Asks no database."""
    words = _words(principal, camera_id, start, end, carried.get("expires", ""))
    try:
        signing.Signer(salt=SALT).unsign(f"{words}:{carried.get('seal', '')}")
    except signing.BadSignature:
        return False
    return True


def is_over(carried) -> bool:
    """Has its time passed? Of what carries a true seal."""
    return int(carried["expires"]) < timezone.now().timestamp()


def _signature(*said) -> str:
    return signing.Signer(salt=SALT).signature(_words(*said))


def _words(principal: Principal, camera_id: int, start: datetime, end: datetime, expires: str) -> str:
    """The session, not the person: who signs in again looks anew."""
    who = f"key {principal.key_id}" if principal.key_id else f"session {principal.session_key}"
    return f"{who} {camera_id} {start.timestamp()} {end.timestamp()} {expires}"
