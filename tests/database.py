"""Lets tests that commit be cleaned up after: their flush must empty tables that only grow."""

from contextlib import contextmanager

import pytest
import pytest_asyncio
from asgiref.sync import sync_to_async
from django.db import connection, connections
from django.test import TransactionTestCase


@contextmanager
def append_only_lifted():
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


@pytest.fixture(autouse=True, scope="session")
def flush_may_empty_what_only_grows():
    torn_down = TransactionTestCase._fixture_teardown

    def tear_down(case):
        with append_only_lifted():
            torn_down(case)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", tear_down)
        yield


@pytest_asyncio.fixture
async def database_thread():
    """Closes the connection that socket code opened in its own thread, so that the test database can go."""
    yield
    await sync_to_async(connections.close_all)()
