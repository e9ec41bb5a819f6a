import json

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from apps.audit import checkpoints
from apps.audit.actions import record, seal
from tests.database import append_only_lifted

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def file(settings, tmp_path):
    settings.VAR_DIR = tmp_path
    settings.AUDIT_CHECKPOINTS = tmp_path / "elsewhere" / "checkpoints.jsonl"
    return settings.AUDIT_CHECKPOINTS


def chain_of(number: int) -> None:
    for index in range(number):
        record("tested", index=index)
    seal()


def test_a_mark_is_made_once_for_each_stand_of_the_chain(file):
    assert checkpoints.mark() is False
    chain_of(2)
    assert checkpoints.mark() is True
    assert checkpoints.mark() is False
    chain_of(1)
    assert checkpoints.mark() is True
    assert [json.loads(line)["position"] for line in file.read_text().splitlines()] == [2, 3]
    assert list(checkpoints.disagreements()) == []


def rewrite_the_chain() -> None:
    """What the owner of the database can do: lift the triggers, change an entry, and seal all of it anew."""
    with append_only_lifted(), connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("update audit_entry set actor_name = 'nobody' where id = (select min(id) from audit_entry)")
        cursor.execute("delete from audit_link")
    seal()


def test_a_chain_written_anew_holds_in_itself_and_is_still_found_out():
    chain_of(3)
    checkpoints.mark()
    rewrite_the_chain()
    with pytest.raises(CommandError, match="link 3 is another than at that time"):
        call_command("verify_audit")


def test_a_chain_cut_short_is_found_out():
    chain_of(3)
    checkpoints.mark()
    with append_only_lifted(), connection.cursor() as cursor:
        cursor.execute("set constraints all immediate")
        cursor.execute("delete from audit_link where position > 1")
    (problem,) = checkpoints.disagreements()
    assert "link 3 has been removed" in problem


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line.replace('"position": 3', '"position": 2'),
        lambda line: line[:40],
        lambda line: "null",
        lambda line: "[]",
        lambda line: "{}",
        lambda line: '{"signature": 5}',
        lambda line: "\x00" * 5_000,
        lambda line: "한글 아닌 것",
    ],
)
def test_a_damaged_mark_is_named_and_hides_no_other(file, damage):
    chain_of(3)
    checkpoints.mark()
    whole = file.read_text()
    file.write_text(damage(whole.strip()) + "\n" + whole)
    problems = list(checkpoints.disagreements())
    assert problems[0] == "checkpoint 1 is not one that this centre signed"
    assert all("is not one that this centre signed" in problem for problem in problems)


def test_a_mark_by_another_key_is_not_ours(file, settings, tmp_path):
    chain_of(1)
    checkpoints.mark()
    settings.VAR_DIR = tmp_path / "another centre"
    (problem,) = checkpoints.disagreements()
    assert "is not one that this centre signed" in problem
