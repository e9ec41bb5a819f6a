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


def append_only(table: str) -> migrations.RunSQL:
    """The migration step that lets rows of `table` be written once and never changed.

    A trigger stops the owner's slips; taking the right away stops the application's role, which owns
    nothing and so cannot drop the trigger. (A library's trigger that a session setting switches off
    would not do.)
    """
    return migrations.RunSQL(FUNCTION + TABLE.format(table=table), f"drop trigger append_only on {table}")
