import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.utils import DatabaseError

from apps.audit.actions import breaks, record, seal
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
