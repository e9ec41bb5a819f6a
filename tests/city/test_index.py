"""The index of recordings, as the application's role finds it: days are made and forgotten by it, owned by another."""

from datetime import UTC, datetime, timedelta

import psycopg2
import pytest

pytestmark = pytest.mark.city


def asked(cursor, statement: str, *values):
    cursor.execute(statement, values)
    return cursor.fetchone()[0]


def test_it_makes_days_but_cannot_drop_one(application):
    day = (datetime.now(UTC) + timedelta(days=6)).date()
    assert asked(application, "select video_segment_make_day(%s)", day)
    for forbidden in (
        f"drop table video_segment_{day:%Y%m%d}",
        "truncate video_segment",
        f"alter table video_segment detach partition video_segment_{day:%Y%m%d}",
        f"select video_segment_write_anew('{day}')",
    ):
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            application.execute(forbidden)
    assert asked(application, "select video_segment_forget_day(%s)", day)


def test_what_is_wanted_is_not_forgotten_whoever_asks(application):
    today = datetime.now(UTC).date()
    count = "select count(*) from video_segment where started_at >= %s and state = 'closed'"
    before = asked(application, count, today)
    assert asked(application, "select video_segment_forget_day(%s)", today)
    assert asked(application, count, today) >= before
