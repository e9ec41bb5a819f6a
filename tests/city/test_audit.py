"""What only grows, as the application's role finds it: it writes rows, and can neither change nor unguard them."""

import psycopg2
import pytest

pytestmark = pytest.mark.city

GUARDED = "select tgrelid::regclass::text, tgrelid from pg_trigger where tgname = 'append_only' and tgenabled = 'O'"
COLUMN = "select attname from pg_attribute where attrelid = %s and attnum = 1"
POWERS = "select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls from pg_roles where rolname = current_user"
OWNED = "select count(*) from {} where pg_get_userbyid({}) = current_user"


def test_the_application_cannot_change_what_only_grows(application):
    application.execute(GUARDED)
    tables = dict(application.fetchall())
    assert {"audit_entry", "audit_link", "mous_ledgerentry"} <= set(tables)
    for table, oid in tables.items():
        application.execute(COLUMN, [oid])
        (column,) = application.fetchone()
        for forbidden in (
            f"update {table} set {column} = {column}",
            f"delete from {table}",
            f"truncate {table} cascade",
            f"alter table {table} disable trigger append_only",
            f"alter table {table} disable trigger all",
            f"alter table {table} rename to other",
            f"drop trigger append_only on {table}",
            f"drop table {table} cascade",
        ):
            with pytest.raises(psycopg2.errors.InsufficientPrivilege):
                application.execute(forbidden)


@pytest.mark.parametrize(
    "forbidden",
    [
        "create or replace function append_only() returns trigger language plpgsql as 'begin return old; end'",
        "drop function append_only cascade",
        "set session_replication_role = replica",
        "set role soc_owner",
        "create table mine (id int)",
    ],
)
def test_nor_what_guards_it(application, forbidden):
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        application.execute(forbidden)


def test_the_application_owns_nothing(application):
    for catalogue, owner in (("pg_class", "relowner"), ("pg_proc", "proowner"), ("pg_namespace", "nspowner")):
        application.execute(OWNED.format(catalogue, owner))
        assert application.fetchone() == (0,), catalogue
    application.execute(
        "select rolsuper or rolcreaterole or rolcreatedb or rolbypassrls from pg_roles where rolname = current_user"
    )
    assert application.fetchone() == (False,)
