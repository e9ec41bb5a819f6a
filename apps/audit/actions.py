import hashlib
import json
from collections.abc import Iterator
from contextvars import ContextVar

from django.db import connection, models, transaction

from apps.audit.models import Entry, Link

GENESIS = bytes(32)
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


def record(verb: str, *, actor=None, target: models.Model | None = None, **detail) -> Entry:
    """Write down that `actor` (a user, an agency's system, or None for the centre itself) did `verb`.

    Joins the caller's transaction: what is rolled back was not done, and is not on record.
    """
    written = entry(verb, actor=actor, target=target, **detail)
    written.save(force_insert=True)
    return written


def text_of(row: Entry) -> bytes:
    """The entry as the chain reads it; any change to any column changes it."""
    return json.dumps(
        [
            row.pk,
            row.at.timestamp(),
            row.verb,
            row.actor_id,
            row.actor_name,
            row.target,
            row.address,
            row.detail,
        ],
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


def next_hash(previous: bytes, row: Entry) -> bytes:
    return hashlib.sha256(previous + text_of(row)).digest()


@transaction.atomic
def seal(limit: int = 10_000) -> int:
    """Append entries that are not in the chain yet; return how many.

    Writers only insert, so they never wait for each other; one sealer at a time, by advisory lock,
    gives the order. Entries committed late simply take a later place.
    """
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_xact_lock(%s)", [SEAL_LOCK])
    last = Link.objects.order_by("-position").first()
    position, previous = (last.position, bytes(last.hash)) if last else (0, GENESIS)
    links = []
    for row in Entry.objects.filter(link=None).order_by("pk")[:limit]:
        position, previous = position + 1, next_hash(previous, row)
        links.append(Link(position=position, entry=row, hash=previous))
    Link.objects.bulk_create(links, batch_size=2_000)
    return len(links)


def breaks() -> Iterator[str]:
    """Walk the chain from the start; yield a sentence for the first place where it does not hold."""
    previous, expected = GENESIS, 1
    for link in Link.objects.order_by("position").select_related("entry").iterator(chunk_size=5_000):
        if link.position != expected:
            yield missing(expected)
            return
        if bytes(link.hash) != next_hash(previous, link.entry):
            yield f"link {link.position}: entry {link.entry_id} ({link.entry}) is not what was sealed"
            return
        previous, expected = bytes(link.hash), expected + 1
    if Link.objects.filter(position__gte=expected).exists():
        yield missing(expected)


def missing(position: int) -> str:
    link = Link.objects.filter(position=position).first()
    return f"link {position}: entry {link.entry_id} has been removed" if link else f"link {position} has been removed"
