import threading
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.utils import DatabaseError
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.audit.actions import breaks, entry, record, seal
from apps.audit.actions import write as write_entries
from apps.audit.models import Entry, Link
from tests.database import append_only_lifted

pytestmark = pytest.mark.django_db


def write(number: int) -> None:
    for index in range(number):
        record("tested", index=index, words="한글")


def test_entries_wait_unsealed_and_are_sealed_once():
    write(3)
    assert seal() == 3
    assert seal() == 0
    assert list(Link.objects.order_by("position").values_list("position", flat=True)) == [1, 2, 3]
    assert list(breaks()) == []


def test_sealing_in_parts_gives_one_chain():
    write(5)
    while seal(limit=2):
        pass
    assert Link.objects.count() == 5
    assert list(breaks()) == []


@pytest.mark.parametrize(
    "statement",
    ["update audit_entry set verb = 'x'", "delete from audit_entry", "truncate audit_entry", "delete from audit_link"],
)
def test_rows_cannot_be_rewritten(statement):
    write(1)
    seal()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("update audit_entry set actor_name = 'nobody' where id = {entry}", "is not what was sealed"),
        ("update audit_entry set detail = '{{}}' where id = {entry}", "is not what was sealed"),
        ("update audit_entry set at = at + interval '1 microsecond' where id = {entry}", "is not what was sealed"),
        ("delete from audit_entry where id = {entry}", "has been removed"),
        ("delete from audit_link where position = 2", "link 2 has been removed"),
    ],
)
def test_verification_names_the_first_broken_row(statement, words):
    write(4)
    seal()
    entry = Link.objects.get(position=2).entry_id
    with append_only_lifted(), connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute(statement.format(entry=entry))
    (problem,) = breaks()
    assert words in problem
    assert "2" in problem or str(entry) in problem
    with pytest.raises(CommandError, match=words):
        call_command("verify_audit")


def test_verification_says_ok(capsys):
    write(2)
    seal()
    write(1)
    call_command("verify_audit")
    assert "ok: 2 entries in the chain, 1 waiting" in capsys.readouterr().out


def test_what_is_rolled_back_is_not_on_record():
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        write(1)
        raise ZeroDivisionError
    assert not Entry.objects.exists()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_many_who_write_and_seal_at_once_make_one_chain():
    def work(step):
        try:
            for _ in range(40):
                step()
        finally:
            connections.close_all()

    steps = [lambda: write(1)] * 6 + [lambda: seal(limit=7)] * 3
    workers = [threading.Thread(target=work, args=[step]) for step in steps]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    sealed_meanwhile = Link.objects.count()
    while seal():
        pass
    assert sealed_meanwhile > 7
    assert list(Link.objects.order_by("position").values_list("position", flat=True)) == list(range(1, 241))
    assert list(breaks()) == []


@pytest.mark.slow
def test_nothing_that_runs_by_itself_removes_an_entry_of_two_years_ago():
    old = entry("tested")
    old.at = timezone.now() - timedelta(days=2 * 366)
    write_entries([old])
    for task in {planned["task"] for planned in settings.CELERY_BEAT_SCHEDULE.values()}:
        import_string(task)()
    assert Entry.objects.get(verb="tested").link
    assert list(breaks()) == []
