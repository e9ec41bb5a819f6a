"""Advisory locks of Postgres: work that one process of the city does at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection


@contextmanager
def only_one(lock: int) -> Iterator[bool]:
    """Whether nobody else holds `lock`; if so it is ours until the end of the block. Waits for nobody."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_try_advisory_lock(%s)", [lock])
        (is_ours,) = cursor.fetchone()
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("select pg_advisory_unlock(%s)", [lock])
