"""Does the chain slow its writers? Eight write to the audit while the sealer seals, against a plain insert.

The reference is the same row, by plain psycopg2, into a table of the same columns and indexes that has no
trigger and no chain; each row is a transaction of its own, as in life. Both take turns, round by round.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable

from django.db import connection
from psycopg2.extras import Json

from apps.audit import actions

WRITERS, ROWS, ROUNDS = 8, 400, 5
PLAIN = "create table audit_plain (like audit_entry including identity including indexes)"
INSERT = "insert into audit_plain (at, verb, actor_name, target, detail) values (now(), %s, %s, %s, %s)"
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
    return [
        {
            "name": "audit",
            "case": f"{WRITERS} writers, sealer at work",
            "ratio": round(ours / reference, 3),
            "ours": round(WRITERS * ROWS / ours),
            "reference": round(WRITERS * ROWS / reference),
            "unit": "rows/s",
            "n": WRITERS * ROWS * ROUNDS,
        }
    ]


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
