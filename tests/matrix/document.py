"""docs/access-matrix.md, made from the table."""

from pathlib import Path

from tests.matrix.roles import ANSWERS, NEAR_MISSES, PEOPLE, Role
from tests.matrix.rows import SECTIONS, Row, Section

FILE = Path(__file__).resolve().parents[2] / "docs" / "access-matrix.md"
HEAD = """\
# Who may do what

Every page, every address of the interface, every socket and every step of the administration, and what each
kind of reader gets there. The table is not a description: `tests/matrix` asks every cell of it of the product, and
a new address without a row here fails the tests. Made from `tests/matrix/table.txt` by `python -m tests.matrix`.

The sign in a cell says what happens. Of whatever is not for a reader, the answer is the same as if it did not exist.

{answers}

## The readers

{people}

**Near misses**: people and systems who almost have the right. Those with an agreement have a provision of the very
same camera, which ought to give them nothing; where an address names a thing (a provision, a clip, an incident), they
ask for their own. What a list shows, is in every case what its reader has a right to.

Where the words end in "asked again", whoever has not shown for ten minutes (`ASK_AGAIN_MINUTES`) who they are, by
password, code, passkey or their agency's provider, is asked for it first. Nothing that closes is among these, nor
anything that an urgent call needs.

{near_misses}
"""
VERBS = {"SOCKET": "socket", "ACTION": "choose", "LOOK": "read", "ADD": "add", "CHANGE": "change", "REMOVE": "delete"}


def document() -> str:
    head = HEAD.format(
        answers="\n".join(f"- **{sign}** {words}" for sign, words in ANSWERS.values()),
        people=listed(PEOPLE),
        near_misses=listed(NEAR_MISSES),
    )
    return "\n".join([head, *map(chapter, SECTIONS)])


def listed(roles: list[Role]) -> str:
    return "\n".join(f"- **{role.name}**: {role.words}" for role in roles)


def chapter(section: Section) -> str:
    at = len(PEOPLE)
    return "\n".join(
        [
            f"## {section.title}\n",
            f"{section.words}\n",
            grid(section.rows, PEOPLE, slice(0, at)),
            f"\n### {section.title}: near misses\n",
            grid(section.rows, NEAR_MISSES, slice(at, None)),
            "",
        ]
    )


def grid(rows: list[Row], roles: list[Role], part: slice) -> str:
    head = ["| What | Address |" + "".join(f" {role.name} |" for role in roles), "|" + " --- |" * (len(roles) + 2)]
    return "\n".join([*head, *(line(row, row.cells[part]) for row in rows)])


def line(row: Row, cells: str) -> str:
    address = f"{VERBS.get(row.method, row.method)} `{row.path}`{f' *{row.step}*' if row.step else ''}"
    return f"| {row.words} | {address} |" + "".join(f" {ANSWERS[cell][0]} |" for cell in cells)
