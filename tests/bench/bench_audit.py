"""Does the chain slow its writers? Eight write to the audit while the sealer seals, against a plain insert.

The reference is the same row, by plain psycopg2, into a table of the same columns and indexes that has no
trigger and no chain; each row is a transaction of its own, as in life. Both take turns, round by round. The chain that
came of it is verified: it has every row once, and holds.

The second case is the verification of a million rows, against reading the same columns by plain psycopg2.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable

from django.db import connection, transaction
from psycopg2.extras import Json

from apps.audit import actions
from apps.audit.models import Entry, Link

WRITERS, ROWS, ROUNDS, MILLION = 8, 400, 5, 1_000_000
PLAIN = "create table audit_plain (like audit_entry including identity including indexes)"
INSERT = "insert into audit_plain (at, verb, actor_name, target, detail) values (now(), %s, %s, %s, %s)"
MANY = """
insert into audit_entry (at, verb, actor_name, target, detail)
select now(), 'view.opened', 'liaison', 'cameras.camera:' || n %% 5000, jsonb_build_object('door', 'live', 'n', n)
from generate_series(1, %s) n
"""
READ = """
select l.position, l.hash, e.id, e.at, e.verb, e.actor_id, e.actor_name, e.target, e.address, e.detail
from audit_link l join audit_entry e on e.id = l.entry_id order by l.position
"""
ROW = ("view.opened", "liaison", "cameras.camera:1", {"door": "live", "incident": "261121-000001"})


def run() -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute(PLAIN)
    try:
        turns = [(seconds(_entry, sealing=True), seconds(_plain)) for _ in range(ROUNDS)]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("drop table audit_plain")
    ours, reference = (statistics.median(side) for side in zip(*turns, strict=True))
    verify()
    per_second = [round(WRITERS * ROWS / took) for took in (ours, reference)]
    rows = WRITERS * ROWS * ROUNDS
    return [
        row(f"{WRITERS} writers, sealer at work", ours / reference, *per_second, "rows/s", rows),
        verification(),
    ]


def row(case: str, ratio: float, ours: float, reference: float, unit: str, n: int) -> dict:
    sides = {"ours": ours, "reference": reference}
    return {"name": "audit", "case": case, "ratio": round(ratio, 3), **sides, "unit": unit, "n": n}


def verify() -> None:
    while actions.seal():
        pass
    if broken := next(actions.breaks(), None) or Entry.objects.filter(link=None).exists():
        raise RuntimeError(f"the chain does not hold: {broken}")


def verification() -> dict:
    """Of a chain of a million rows, that is not kept."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(MANY, [MILLION - Entry.objects.count()])
        verify()
        began = time.perf_counter()
        if next(actions.breaks(), None):
            raise RuntimeError("the chain does not hold")
        ours = time.perf_counter() - began
        began = time.perf_counter()
        with connection.chunked_cursor() as cursor:
            cursor.execute(READ)
            while cursor.fetchmany(5_000):
                pass
        reference = time.perf_counter() - began
        n = Link.objects.count()
        transaction.set_rollback(True)
    return row(f"verifying {n:,} rows", ours / reference, round(ours, 1), round(reference, 1), "s", 1)


def seconds(write: Callable[[], None], *, sealing: bool = False) -> float:
    """How long the writers take for all their rows, from the same starting signal."""
    connection.close()  # a connection does not survive being shared by a fork
    context = multiprocessing.get_context("fork")
    ready = context.Barrier(WRITERS + 1, timeout=30)
    writers = [context.Process(target=_writer, args=(write, ready)) for _ in range(WRITERS)]
    for writer in writers:
        writer.start()
    ready.wait()
    began = time.perf_counter()
    while any(writer.is_alive() for writer in writers):
        if sealing:
            actions.seal_newest()
        time.sleep(0.1)
    return time.perf_counter() - began


def _writer(write: Callable[[], None], ready) -> None:
    write()
    ready.wait()
    for _ in range(ROWS):
        write()


def _entry() -> None:
    verb, actor, _target, detail = ROW
    actions.record(verb, actor=actor, **detail)


def _plain() -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, [*ROW[:3], Json(ROW[3])])
