"""Tables with a row a minute of every camera are kept in one partition a day (UTC), so that a day goes at once.

The application's role owns nothing and can neither make nor drop a table. It may call two functions that belong
to the owner, for each such table:

    TABLE_make_day(day) -> bool       makes the partition, and moves there what the net had caught of that day
    TABLE_drop_day(day) -> bool       drops it, unless a row in it is still wanted: then nothing, and false

Neither takes more than a day, a day too far ahead is refused, and no lock is waited for longer than 2 s: readers
come first, and the next run tries again. What finds no partition falls into TABLE_default, the net.
"""

from datetime import UTC, date, datetime, timedelta

from django.db import connection, migrations

# Every table kept this way, with the time it goes by.
DAILY = {"video_segment": "started_at"}
DAYS_AHEAD = 3
# A clock that is years wrong makes no partitions: what it wrote stays in the net.
OLDEST = timedelta(days=3660)

FUNCTIONS = """
create table {table}_default partition of {table} default;

create function {table}_make_day(day date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    part text := '{table}_' || to_char(day, 'YYYYMMDD');
    since timestamptz := day::timestamp at time zone 'utc';
    until timestamptz := (day + 1)::timestamp at time zone 'utc';
    today date := (now() at time zone 'utc')::date;
begin
    if to_regclass(part) is not null then
        return false;
    end if;
    if day not between today - 3660 and today + 8 then
        raise exception '% is no day to be recorded', day using errcode = 'invalid_parameter_value';
    end if;
    perform pg_advisory_xact_lock(hashtext('{table}'));
    if to_regclass(part) is not null then
        return false;
    end if;
    execute format('create table %I (like {table} including all)', part);
    -- Whoever writes to the net waits until the day it wants is there.
    lock table {table}_default in access exclusive mode;
    execute format(
        'with caught as (delete from {table}_default where {key} >= $1 and {key} < $2 returning *)
         insert into %I select * from caught', part) using since, until;
    execute format('alter table {table} attach partition %I for values from (%L) to (%L)', part, since, until);
    return true;
end $$;

create function {table}_drop_day(day date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    part text := '{table}_' || to_char(day, 'YYYYMMDD');
    wanted boolean;
begin
    if to_regclass(part) is null then
        return false;
    end if;
    execute format('lock table %I in share row exclusive mode', part);
    execute format(
        'select exists (select from %I r left join video_purgemark m using (camera_id) where ({over}) is not true)',
        part) into wanted;
    if wanted then
        return false;
    end if;
    execute format('alter table {table} detach partition %I', part);
    execute format('drop table %I', part);
    return true;
end $$;

revoke execute on function {table}_make_day, {table}_drop_day from public;
do $$ declare other text; begin
    for other in select distinct grantee from information_schema.role_table_grants
                 where table_name = '{table}' and privilege_type = 'INSERT' and grantee <> current_user loop
        execute format('grant execute on function {table}_make_day, {table}_drop_day to %I', other);
    end loop;
end $$;
"""


def kept_by_day(table: str, *, key: str, over: str) -> migrations.RunSQL:
    """The migration step after `table` was made, partitioned by range of `key`, a time.

    `over` is the SQL condition under which a row `r`, with its camera's purge mark `m`, is not wanted any more.
    """
    return migrations.RunSQL(FUNCTIONS.format(table=table, key=key, over=over.replace("'", "''")))


def make_ready(now: datetime) -> None:
    """Make the partitions of today and the days to come."""
    for table in DAILY:
        there = days(table)
        for ahead in range(DAYS_AHEAD + 1):
            day = (now.astimezone(UTC) + timedelta(days=ahead)).date()
            if day not in there:
                call(f"{table}_make_day", day)


def empty_the_net(now: datetime) -> None:
    """Give a partition to every past day of which the net holds something."""
    today = now.astimezone(UTC).date()
    for table, key in DAILY.items():
        with connection.cursor() as cursor:
            cursor.execute(f"select distinct ({key} at time zone 'utc')::date from {table}_default")  # noqa: S608
            caught = [day for (day,) in cursor.fetchall()]
        for day in caught:
            if today - OLDEST < day <= today:
                call(f"{table}_make_day", day)


def days(table: str) -> set[date]:
    """The days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') from pg_inherits "
            "where inhparent = %s::regclass and inhrelid <> %s::regclass",
            [table, f"{table}_default"],
        )
        return {day for (day,) in cursor.fetchall()}


def call(function: str, day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.callproc(function, [day])
        return cursor.fetchone()[0]
