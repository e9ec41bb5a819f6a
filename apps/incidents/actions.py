from functools import partial

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit.actions import record
from apps.incidents import news
from apps.incidents.models import Event, Incident
from apps.incidents.states import OPEN, NotAllowed, next_state

SEQUENCE_LOCK = 4_711_002  # any constant: names the event stream among Postgres' advisory locks


def next_number(at) -> str:
    """The city's own number of an incident: the day in the city's zone and a running number."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('incident_number')")
        (running,) = cursor.fetchone()
    return f"{timezone.localtime(at):%y%m%d}-{running:06d}"


def publish(events: list[Event]) -> list[Event]:
    """Append `events` to the stream, and tell the screens after commit.

    The lock is held until commit, so sequence numbers become visible in their order: a screen that has
    seen 7 will never be told later of a 6. Call it last in a transaction, to hold it briefly.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [SEQUENCE_LOCK])
    events = Event.objects.bulk_create(events)
    transaction.on_commit(partial(news.announce, events))
    return events


def event_of(incident: Incident, kind: str, *, by, **detail) -> Event:
    return Event(
        kind=kind,
        object_id=incident.pk,
        incident=incident,
        agencies=incident.parties,
        by=str(by or ""),
        detail=detail,
    )


@transaction.atomic
def advance(incident: Incident, event: str, *, by, note: str = "") -> Event:
    """Move on from the state that the caller saw; refuse if a colleague got there first."""
    before, after = incident.state, next_state(incident.state, event)
    closed_at = None if after in OPEN else timezone.now()
    if not Incident.objects.filter(pk=incident.pk, state=before).update(state=after, closed_at=closed_at):
        raise NotAllowed(_("This incident has just been changed by someone else."))
    incident.state, incident.closed_at = after, closed_at
    record("incident.advanced", actor=by, target=incident, event=event, before=before, after=after, note=note)
    news_row = event_of(incident, "incident.advanced", by=by, event=event, before=before, after=after, note=note)
    return publish([news_row])[0]
