from django.db import migrations

FUNCTION = """
create or replace function append_only() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end $$;
"""

TABLE = """
create trigger append_only before update or delete or truncate on {table}
    for each statement execute function append_only();
do $$ declare other text; begin
    for other in select distinct grantee from information_schema.role_table_grants
                 where table_name = '{table}' and grantee <> current_user loop
        execute format('revoke update, delete, truncate on {table} from %I', other);
    end loop;
end $$;
"""

GROWING = """
do $$ declare other text; fixed text; begin
    select string_agg(format('%I', column_name), ', ') into fixed from information_schema.columns
        where table_schema = current_schema and table_name = '{table}' and column_name not in ({names});
    execute format('create trigger append_only before update of %s or delete or truncate on {table} '
                   'for each statement execute function append_only()', fixed);
    for other in select distinct grantee from information_schema.role_table_grants
                 where table_name = '{table}' and grantee <> current_user loop
        execute format('revoke update, delete, truncate on {table} from %I', other);
        execute format('grant update ({columns}) on {table} to %I', other);
    end loop;
end $$;
create trigger only_grows before update on {table}
    for each row when (not ({grown})) execute function append_only();
"""


def append_only(table: str) -> migrations.RunSQL:
    """The migration step that lets rows of `table` be written once and never changed.

    A trigger stops the owner's slips; taking the right away stops the application's role, which owns
    nothing and so cannot drop the trigger. (A library's trigger that a session setting switches off
    would not do.)
    """
    return migrations.RunSQL(FUNCTION + TABLE.format(table=table), f"drop trigger append_only on {table}")


def grows_only(table: str, columns: dict[str, str]) -> migrations.RunSQL:
    """The step for a table whose rows are completed later: `columns` alone may change, each only so that what it
    names holds of the `old` row and the `new` one. A migration that adds a column to the table makes both anew.
    """
    words = {
        "names": ", ".join(f"'{name}'" for name in columns),
        "columns": ", ".join(columns),
        "grown": " and ".join(f"({condition}) is true" for condition in columns.values()),
    }
    back = f"drop trigger append_only on {table}; drop trigger only_grows on {table}"
    return migrations.RunSQL(FUNCTION + GROWING.format(table=table, **words), back)
