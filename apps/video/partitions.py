"""Tables with a row a minute of every camera are kept in one partition a day (UTC), so that a day goes at once.

The application's role owns nothing and can neither make nor drop a table. It may call three functions that belong
to the owner, for each such table:

    TABLE_make_day(day) -> bool     makes the partition, and moves there what the net had caught of that day;
                                    false when it is there already
    TABLE_arrange_day(day) -> bool  writes a day that is over anew in the order of cameras: it was written in the
                                    order of time, a row of a camera on every page; false when that is done already
    TABLE_forget_day(day) -> bool   drops it when no row in it is wanted any more. When less than half are, it is
                                    written anew with those, else the others are deleted; false: no such day

A row is wanted until its camera's purge mark has passed it: no caller can take more. A day too far ahead is refused,
and no lock is waited for longer than 2 s: readers come first, and the next run tries again. What finds no partition
falls into TABLE_default, the net.
"""

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, migrations

# Every table kept this way, with the time it goes by.
DAILY = {"video_segment": "started_at", "video_motion": "minute"}
DAYS_AHEAD = 3
# A clock that is years wrong makes no partitions: what it wrote stays in the net.
OLDEST = timedelta(days=3660)
SETTLED = timedelta(days=1, hours=2)

NET = "create table {table}_default partition of {table} default;"
FUNCTIONS = """
create or replace function {table}_make_day(day date) returns boolean
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

-- For the two below: `part` with what is wanted of it, in the order of cameras. Readers wait for the exchange alone.
create or replace function {table}_write_anew(day date) returns void
language plpgsql set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    part text := '{table}_' || to_char(day, 'YYYYMMDD');
    fresh text := part || '_fresh';
    since timestamptz := day::timestamp at time zone 'utc';
    until timestamptz := (day + 1)::timestamp at time zone 'utc';
begin
    execute format('create table %I (like {table} including all)', fresh);
    -- Spares the attachment a look at every row.
    execute format('alter table %I add constraint of_day check ({key} >= %L and {key} < %L)', fresh, since, until);
    execute format('insert into %I select r.* from %I r left join video_purgemark m using (camera_id)
                    where ({over}) is not true order by r.camera_id, r.{key}', fresh, part);
    lock table {table}_default in access exclusive mode;
    execute format('alter table {table} detach partition %I', part);
    execute format('drop table %I', part);
    execute format('alter table %I rename to %I', fresh, part);
    execute format('alter table {table} attach partition %I for values from (%L) to (%L)', part, since, until);
    execute format('alter table %I drop constraint of_day', part);
    execute format('comment on table %I is %L', part, 'arranged');
end $$;

create or replace function {table}_arrange_day(day date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    part text := '{table}_' || to_char(day, 'YYYYMMDD');
    unfinished boolean;
begin
    perform pg_advisory_xact_lock(hashtext('{table}'));
    if to_regclass(part) is null or obj_description(to_regclass(part)) = 'arranged'
       or day >= (now() at time zone 'utc')::date then
        return false;
    end if;
    execute format('lock table %I in share row exclusive mode', part);
    execute format('select exists (select from %I r where {unfinished})', part) into unfinished;
    if unfinished then
        return false;
    end if;
    perform {table}_write_anew(day);
    return true;
end $$;

create or replace function {table}_forget_day(day date) returns boolean
language plpgsql security definer set search_path = public, pg_temp set lock_timeout = '2s' as $$
declare
    part text := '{table}_' || to_char(day, 'YYYYMMDD');
    found bigint;
    wanted bigint;
begin
    perform pg_advisory_xact_lock(hashtext('{table}'));
    if to_regclass(part) is null then
        return false;
    end if;
    execute format('lock table %I in share row exclusive mode', part);
    execute format('select count(*), count(*) filter (where ({over}) is not true)
                    from %I r left join video_purgemark m using (camera_id)', part) into found, wanted;
    if wanted > found / 2 then
        execute format('delete from %I r using video_purgemark m where m.camera_id = r.camera_id and ({over})', part);
    elsif wanted > 0 then
        perform {table}_write_anew(day);
    else
        execute format('alter table {table} detach partition %I', part);
        execute format('drop table %I', part);
    end if;
    return true;
end $$;

revoke execute on function {table}_make_day, {table}_write_anew, {table}_arrange_day, {table}_forget_day from public;
do $$ declare other text; begin
    for other in select distinct grantee from information_schema.role_table_grants
                 where table_name = '{table}' and privilege_type = 'INSERT' and grantee <> current_user loop
        execute format('grant execute on function {table}_make_day, {table}_arrange_day, {table}_forget_day
                        to %I', other);
    end loop;
end $$;
"""


def kept_by_day(table: str, *, key: str, over: str, unfinished: str = "false") -> migrations.RunSQL:
    """The migration step after `table` was made, partitioned by range of `key`, a time.

    SQL conditions of a row `r`: `over`, with its camera's purge mark `m`, says that nobody wants it any more;
    `unfinished`, that somebody has yet to write to it.
    """
    return migrations.RunSQL(NET.format(table=table) + functions(table, key=key, over=over, unfinished=unfinished))


def functions(table: str, **conditions: str) -> str:
    quoted = {name: sql.replace("'", "''") for name, sql in conditions.items()}
    return FUNCTIONS.format(table=table, **quoted)


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
    for table in DAILY:
        for day in caught(table):
            if today - OLDEST < day <= today:
                call(f"{table}_make_day", day)


def arrange(now: datetime) -> None:
    """Arrange the days that are over. Not in their first hours: what was left open is closed by then."""
    for table in DAILY:
        for day in sorted(days(table)):
            if datetime.combine(day, time(), UTC) + SETTLED < now:
                call(f"{table}_arrange_day", day)


def days(table: str) -> set[date]:
    """The days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select to_date(right(inhrelid::regclass::text, 8), 'YYYYMMDD') from pg_inherits "
            "where inhparent = %s::regclass and inhrelid <> %s::regclass",
            [table, f"{table}_default"],
        )
        return {day for (day,) in cursor.fetchall()}


def caught(table: str) -> set[date]:
    """The days of which the net holds something."""
    with connection.cursor() as cursor:
        cursor.execute(f"select distinct ({DAILY[table]} at time zone 'utc')::date from {table}_default")  # noqa: S608
        return {day for (day,) in cursor.fetchall()}


def call(function: str, day: date) -> bool:
    with connection.cursor() as cursor:
        cursor.callproc(function, [day])
        return cursor.fetchone()[0]
