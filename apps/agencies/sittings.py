"""A person at a screen: signed in, pledged, locked while away, signed out here or everywhere."""

import time
from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.models import Pledge, SignIn, User, untouched_since
from apps.audit.actions import record, source_address

PLEDGED_UNTIL = "pledged_until"
PROVED_AT = "proved_at"
LONGEST_BROWSER = 200
# Kept right to so much, so that who turns many pages does not write the row with each.
TOUCHED_TO_WITHIN = timedelta(seconds=5)


def pledge_text() -> str:
    return _(
        "I see and hear things here that concern people who do not know me. I use them for my duty only, tell "
        "nobody who need not know, make no copy or picture of my own, and pass nothing on. This holds after I "
        "leave my post. I know that breaking it is punishable (Personal Information Protection Act, Art. 59, 60, 71)."
    )


@transaction.atomic
def begin(request, user: User) -> None:
    """Note a new session; beyond SESSIONS_PER_PERSON the oldest ones end."""
    if not request.session.session_key:
        request.session.create()  # somebody else was signed in here just before
    browser = request.headers.get("User-Agent", "")[:LONGEST_BROWSER].replace("\0", "")
    SignIn.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={
            "user": user,
            "address": source_address.get(),
            "browser": browser,
            "locked_at": None,
            "touched_at": timezone.now(),
            "ended_at": None,
        },
    )
    for sitting in SignIn.objects.open().filter(user=user).order_by("-at")[settings.SESSIONS_PER_PERSON :]:
        end(sitting, because="too_many", by=None)
    note_proof(request, at=getattr(request, "shown_at", None))
    pledged(user, request.session)


def note_proof(request, *, at: float | None = None) -> None:
    """The person has shown who they are, just now or when their own provider says: at signing in, or since."""
    request.session[PROVED_AT] = time.time() if at is None else at


def proved_lately(request) -> bool:
    return time.time() - request.session.get(PROVED_AT, 0) < settings.ASK_AGAIN_MINUTES * 60


@transaction.atomic
def end(sitting: SignIn, *, because: str, by) -> None:
    """Sign out: pages turn to the sign-in at their next request, open sockets close within two seconds."""
    Session.objects.filter(pk=sitting.session_key).delete()
    if SignIn.objects.open().filter(pk=sitting.pk).update(ended_at=timezone.now()):
        record("person.session_ended", actor=by, target=sitting.user, because=because)


@transaction.atomic
def end_all(user: User, *, because: str, by, but: str | None = None) -> None:
    """Sign `user` out everywhere, except from the session `but`."""
    for sitting in SignIn.objects.open().filter(user=user).exclude(session_key=but):
        end(sitting, because=because, by=by)


@transaction.atomic
def lock(request, *, because: str) -> None:
    """Close the screen until its person proves to be there. Pictures end at once, on every page of the session."""
    if SignIn.objects.filter(session_key=request.session.session_key, locked_at=None).update(locked_at=timezone.now()):
        record("person.locked", actor=request.user, target=request.user, because=because)


def locked_since(request) -> datetime | None:
    """By hand, or by now: the centre counts for itself how long nobody has touched a screen, whatever the page does."""
    request.sitting = sitting = _sittings(request).values("locked_at", "touched_at").first()
    if sitting and sitting["locked_at"] is None and sitting["touched_at"] < untouched_since():
        lock(request, because="idle")
        return timezone.now()
    return sitting and sitting["locked_at"]


def is_locked(request) -> bool:
    return locked_since(request) is not None


def touch(request) -> None:
    """The person at the screen, which is known not to be locked, did something by themselves. A column, not the
    session: what else is being written into the session at the same moment would be lost, or bring this to nothing.
    """
    now = timezone.now()
    if request.sitting and request.sitting["touched_at"] < now - TOUCHED_TO_WITHIN:
        _sittings(request).filter(locked_at=None).update(touched_at=now)


def _sittings(request) -> QuerySet[SignIn]:
    return SignIn.objects.open().filter(session_key=request.session.session_key)


@transaction.atomic
def unlock(request) -> None:
    _sittings(request).update(locked_at=None, touched_at=timezone.now())
    record("person.unlocked", actor=request.user, target=request.user)


@transaction.atomic
def give_pledge(user: User, *, text: str) -> Pledge:
    now = timezone.now()
    pledge = Pledge.objects.create(
        user=user, text=text, given_at=now, valid_until=now + Pledge.LASTS, address=source_address.get()
    )
    record("person.pledged", actor=user, target=user, until=pledge.valid_until.date().isoformat())
    return pledge


def pledged(user: User, session) -> bool:
    """Asked at each request, so the answer is kept in the session until the pledge runs out."""
    now = timezone.now()
    if session.get(PLEDGED_UNTIL, "") > now.isoformat():
        return True
    pledge = Pledge.objects.valid(now).filter(user=user).order_by("-valid_until").first()
    if pledge:
        session[PLEDGED_UNTIL] = pledge.valid_until.isoformat()
    return pledge is not None
