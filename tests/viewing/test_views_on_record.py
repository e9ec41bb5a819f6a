"""Who saw what stays as it was written: a view is completed, never changed, shortened or taken away."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection, transaction
from django.db.utils import DatabaseError
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.mous.gate import decide
from apps.viewing import actions
from apps.viewing.models import ViewLog
from tests.database import append_only_lifted

pytestmark = pytest.mark.django_db
GROWS = {"closed_at", "closed_because", "period_from", "period_until", "pictures"}
LATER = timedelta(minutes=1)


@pytest.fixture
def view(operator, camera):
    """Somebody looked back on ten minutes, and has gone on."""
    who = Principal.of(operator)
    end = timezone.now()
    view = actions.log_looking_back(who, decide(who, camera.pk), "playback", period=(end - 10 * LATER, end))
    ViewLog.objects.update(pictures=3, closed_because="left")
    view.refresh_from_db()
    return view


def sql(statement: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def refused(statement: str) -> None:
    with pytest.raises(DatabaseError, match="viewing_viewlog is append-only"):
        sql(statement)


@pytest.mark.parametrize("statement", ["delete from viewing_viewlog", "truncate viewing_viewlog"])
def test_no_view_is_taken_away(statement):
    refused(statement)


def test_nothing_else_of_a_view_changes(view):
    columns = {field.column for field in ViewLog._meta.concrete_fields}
    assert columns > GROWS
    for column in columns - GROWS:
        refused(f"update viewing_viewlog set {column} = {column}")


@pytest.mark.parametrize(
    "change",
    [
        "closed_at = closed_at - interval '1 second'",
        "closed_at = null",
        "closed_because = ''",
        "closed_because = 'not at all'",
        "period_from = period_from + interval '1 second'",
        "period_from = null",
        "period_until = period_until - interval '1 second'",
        "period_until = null",
        "pictures = pictures - 1",
    ],
)
def test_nothing_is_made_less(change, view):
    refused(f"update viewing_viewlog set {change}")


def test_a_live_view_is_given_no_period_later(operator, camera):
    who = Principal.of(operator)
    actions.log_view(who, decide(who, camera.pk), "live")
    refused("update viewing_viewlog set period_from = now(), period_until = now()")
    actions.close_view(ViewLog.objects.get(), because="left")
    assert ViewLog.objects.get().closed_because == "left"


def test_a_sitting_still_grows_and_its_end_is_never_taken_back(view, operator, camera, monkeypatch):
    """A request that is a moment behind another of the sitting comes through, and shortens nothing."""
    who = Principal.of(operator)
    begun = view.period_from - LATER, view.period_from
    behind = view.closed_at - timedelta(seconds=2)
    monkeypatch.setattr(timezone, "now", lambda: behind)
    actions.log_looking_back(who, decide(who, camera.pk), "playback", period=begun)
    actions.log_thumbnail(who, decide(who, camera.pk), view.period_from)
    grown = ViewLog.objects.get()
    assert (grown.period_from, grown.period_until) == (begun[0], view.period_until)
    assert (grown.pictures, grown.closed_at) == (4, view.closed_at)


def test_the_application_may_write_what_grows_and_nothing_else():
    """The rights themselves, behind the triggers: of a role that could do everything before."""
    step = import_module("apps.viewing.migrations.0006_views_only_grow").Migration.operations[0]
    sql("grant select, insert, update, delete on viewing_viewlog to soc_app")
    sql(step.reverse_sql)
    sql(step.sql)
    columns = {field.column for field in ViewLog._meta.concrete_fields}
    with connection.cursor() as cursor:
        for right, may in (("update", GROWS), ("select", columns), ("insert", columns)):
            cursor.execute(
                "select name from unnest(%s) name where has_column_privilege('soc_app', 'viewing_viewlog', name, %s)",
                [sorted(columns), right],
            )
            assert {name for (name,) in cursor.fetchall()} == may
        cursor.execute("select has_table_privilege('soc_app', 'viewing_viewlog', 'delete, truncate')")
        assert cursor.fetchone() == (False,)


def test_tests_may_empty_it():
    with append_only_lifted():
        sql("truncate viewing_viewlog cascade")
