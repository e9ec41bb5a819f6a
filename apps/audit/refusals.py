"""Refusals on record. The first of its kind at once; what repeats it within a minute is counted and follows as one
entry, so that no flood of them fills the chain. Nothing distinct is lost: what was asked for stands in both.
"""

import json
from datetime import timedelta
from itertools import groupby

from django.db import connection, models, transaction

from apps.audit.actions import IN_CHAIN, entry, write
from apps.audit.models import Entry, Repeat

WITHIN = timedelta(minutes=1)
LONGEST = 300
# Of what somebody asked for over and over, so many different things are named; all of them are counted.
NAMED = 50
TAKE = """
with taken as (delete from audit_repeat returning kind, what, at)
select kind, what, count(*), min(at) from taken group by kind, what order by kind, what
"""


def record_refusal(
    verb: str, *, actor=None, target: models.Model | None = None, door: str, code: str, why: str = "", what: str = ""
) -> None:
    """Write down that `actor`, or nobody known, was refused at `door`: `code` says why to programs, `why` to people,
    `what` names what was asked for. The same of the same party from the same address is one kind.
    """
    said, what = {"door": door, "code": code, "why": _kept(why)}, _kept(what)
    refusal = entry(verb, actor=actor or "nobody", target=target, **said)
    if _is_repeat(refusal):
        _count(refusal, what)
    else:
        refusal.detail["what"] = what
        write([refusal])


def _kept(words: str) -> str:
    return words[:LONGEST].replace("\0", "")


def _is_repeat(refusal: Entry) -> bool:
    lately = Entry.objects.filter(verb=refusal.verb, at__gt=refusal.at - WITHIN)
    party = {name: getattr(refusal, name) for name in ("actor_id", "actor_name", "target", "address")}
    return lately.filter(**party, detail__contains=refusal.detail).exists()


def _count(refusal: Entry, what: str) -> None:
    kind = IN_CHAIN(
        [refusal.verb, refusal.actor_id, refusal.actor_name, refusal.target, refusal.address, refusal.detail]
    )
    # A row each: who floods one counter would hold up everybody at its lock.
    Repeat.objects.create(kind=kind, what=what, at=refusal.at)


@transaction.atomic
def record_repeats() -> int:
    """Put what was counted into the chain, one entry a kind; how many."""
    with connection.cursor() as cursor:
        cursor.execute(TAKE)
        rows = cursor.fetchall()
    entries = [_entry_of(kind, list(repeats)) for kind, repeats in groupby(rows, key=lambda row: row[0])]
    if entries:
        write(entries)
    return len(entries)


def _entry_of(kind: str, repeats: list[tuple]) -> Entry:
    verb, actor, name, target, address, said = json.loads(kind)
    asked_for = [what for _kind, what, _times, _since in repeats]
    said |= {
        "times": sum(times for *_more, times, _since in repeats),
        "since": min(since for *_more, since in repeats).isoformat(),
        "what": asked_for[:NAMED],
        "different": len(asked_for),
    }
    return Entry(verb=verb, actor_id=actor, actor_name=name, target=target, address=address, detail=said)
