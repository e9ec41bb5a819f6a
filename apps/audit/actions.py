import hashlib
import json
from collections.abc import Iterator
from contextvars import ContextVar

from django.db import connection, models, transaction
from psycopg2.extras import Json, execute_values

from apps.audit.models import Entry, Link

GENESIS = bytes(32)
INSERT = "insert into audit_entry (at, verb, actor_id, actor_name, target, address, detail) values "
ROW = "(%s, %s, %s, %s, %s, %s, %s)"
IN_CHAIN = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode
# Entry numbers that may be in use by transactions not yet committed.
LATE = 50_000
SEAL_LOCK = 4_711_001  # any constant: names the chain among Postgres' advisory locks

# Set by the middleware for the length of a request, so that no caller has to pass the address along.
source_address: ContextVar[str | None] = ContextVar("source_address", default=None)


def entry(verb: str, *, actor=None, target: models.Model | None = None, **detail) -> Entry:
    """An unsaved entry, for those who write many at once."""
    return Entry(
        verb=verb,
        actor=actor if getattr(actor, "pk", None) and hasattr(actor, "is_active") else None,
        actor_name=str(actor) if actor else "system",
        target=f"{target._meta.label_lower}:{target.pk}" if target is not None else "",
        address=source_address.get(),
        detail=detail,
    )


def record(verb: str, *, actor=None, target: models.Model | None = None, **detail) -> None:
    """Write down that `actor` (a user, an agency's system, or None for the centre itself) did `verb`.

    Joins the caller's transaction: what is rolled back was not done, and is not on record.
    """
    write([entry(verb, actor=actor, target=target, **detail)])


def _in_json(detail: dict) -> str:
    return json.dumps(detail, ensure_ascii=False)


def write(entries: list[Entry]) -> None:
    """Insert `entries`, by plain SQL: the row is written more often than any other, and the model's own way
    takes three times as long.
    """
    rows = [
        (e.at, e.verb, e.actor_id, e.actor_name, e.target, e.address, Json(e.detail, dumps=_in_json)) for e in entries
    ]
    with connection.cursor() as cursor:
        cursor.execute(INSERT + ", ".join([ROW] * len(rows)), [value for row in rows for value in row])


COLUMNS = ("id", "at", "verb", "actor_id", "actor_name", "target", "address", "detail")


def next_hash(previous: bytes, row: tuple) -> bytes:
    """The chain's next hash over the entry's `COLUMNS`: any change to any of them changes it."""
    pk, at, *rest = row
    return hashlib.sha256(previous + IN_CHAIN((pk, at.timestamp(), *rest)).encode()).digest()


@transaction.atomic
def seal(limit: int = 10_000, *, since: int = 0) -> int:
    """Append entries from the number `since` that are not in the chain yet; return how many.

    Writers only insert, so they never wait for each other; one sealer at a time, by advisory lock,
    gives the order. Entries committed late simply take a later place.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [SEAL_LOCK])
    position, previous = end_of_chain()
    links = []
    for row in Entry.objects.filter(link=None, pk__gte=since).order_by("pk").values_list(*COLUMNS)[:limit]:
        position, previous = position + 1, next_hash(previous, row)
        links.append((position, row[0], previous))
    if links:
        with connection.cursor() as cursor:
            execute_values(
                cursor, "insert into audit_link (position, entry_id, hash) values %s", links, page_size=1_000
            )
    return len(links)


def end_of_chain() -> tuple[int, bytes]:
    last = Link.objects.order_by("-position").values_list("position", "hash").first()
    return (last[0], bytes(last[1])) if last else (0, GENESIS)


def seal_newest() -> int:
    """Seal what was written lately. A look at every entry ever written would cost more with each year; numbers
    that a long transaction held back for longer than this are found by the nightly `seal`.
    """
    newest = Link.objects.order_by("-position").values_list("entry_id", flat=True).first() or 0
    return seal(since=newest - LATE)


def breaks() -> Iterator[str]:
    """Walk the chain from the start; yield a sentence for the first place where it does not hold."""
    previous, expected = GENESIS, 1
    columns = ("position", "entry_id", "hash", *(f"entry__{name}" for name in COLUMNS))
    for position, entry, found, *row in Link.objects.order_by("position").values_list(*columns).iterator(5_000):
        if position != expected:
            yield missing(expected)
            return
        previous, expected = next_hash(previous, row), expected + 1
        if previous != bytes(found):
            yield f"link {position}: entry {entry} is not what was sealed"
            return


def missing(position: int) -> str:
    link = Link.objects.filter(position=position).first()
    return f"link {position}: entry {link.entry_id} has been removed" if link else f"link {position} has been removed"
