"""What is left in the database by tests that commit, and cleared away after each."""

from contextlib import contextmanager

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection, connections, transaction
from django.test import TransactionTestCase

# Rows of migrations that no test touches. Writing them anew after each test is most of what Django's flush costs.
WRITTEN_ONCE = ("django_content_type", "auth_permission")
MANY = 1000  # rows


@contextmanager
def append_only_lifted():
    """Tables that only grow can be emptied."""
    with connection.cursor() as cursor:
        cursor.execute("select tgrelid::regclass::text from pg_trigger where tgname = 'append_only'")
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f"alter table {table} disable trigger append_only")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for table in tables:
                cursor.execute(f"alter table {table} enable trigger append_only")


def written_once() -> list[tuple]:
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(f"select count(*), max(id) from {table}" for table in WRITTEN_ONCE))
        return cursor.fetchall()


def empty_tables() -> None:
    """A few rows are deleted sooner than their tables and all that refer to them are made anew."""
    tables = sorted({*connection.introspection.django_table_names(only_existing=True)} - {*WRITTEN_ONCE})
    with transaction.atomic(), connection.cursor() as cursor:
        counted = (f'(select count(*) from (select from "{table}" limit {MANY}) as few)' for table in tables)
        cursor.execute("select " + ", ".join(counted))
        rows = {table: count for table, count in zip(tables, cursor.fetchone(), strict=True) if count}
        if MANY in rows.values():
            cursor.execute("truncate {} cascade".format(", ".join(f'"{table}"' for table in rows)))
            return
        for table in rows:
            cursor.execute(f'delete from "{table}"')


@pytest.fixture(autouse=True, scope="session")
def only_what_was_written_is_cleared_away():
    flush, at_first = TransactionTestCase._fixture_teardown, []

    def tear_down(case):
        with append_only_lifted():
            if at_first == written_once():
                return empty_tables()
            flush(case)
            at_first[:] = written_once()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", tear_down)
        yield


@pytest_asyncio.fixture
async def database_thread():
    """Closes the connection that socket code opened in its own thread, so that the test database can go."""
    yield
    await sync_to_async(connections.close_all)()
