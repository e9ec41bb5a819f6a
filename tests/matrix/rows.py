"""The table of `table.txt` as rows, and the addresses that each of them stands for."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from tests.matrix.roles import ANSWERS, NEAR_MISSES, PEOPLE, ROLES

TABLE = Path(__file__).with_name("table.txt")
# What it means to look at, add to, change or delete from a list: ({0}: the list, {1}: one of its lines).
LIST_ADDRESSES = {
    "LOOK": [("GET", "{0}", ""), ("GET", "{1}change/", ""), ("GET", "{1}history/", "")],
    "ADD": [("GET", "{0}add/", ""), ("POST", "{0}add/", "")],
    "CHANGE": [("POST", "{1}change/", "")],
    "REMOVE": [("GET", "{1}delete/", ""), ("POST", "{1}delete/", ""), ("ACTION", "{0}", "delete_selected")],
}
# Which of the city's things stands for a line of each list.
LINE_OF = {
    "agencies/agency": "agency",
    "agencies/user": "user",
    "agencies/apikey": "key",
    "agencies/nomination": "nomination",
    "cameras/site": "site",
    "cameras/camera": "camera",
    "cameras/district": "district_area",
    "cameras/dong": "dong",
    "mous/mou": "mou_draft",
    "mous/integration": "joining_draft",
    "mous/provision": "provision",
    "mous/provisionrequest": "request",
    "mous/urgentreview": "review",
    "mous/useresult": "result",
    "mous/ledgerentry": "line",
    "incidents/incident": "incident_pk",
    "viewing/viewlog": "view",
    "viewing/bookmark": "bookmark",
    "viewing/providedcopy": "copy",
    "retention/hold": "hold",
    "retention/certificate": "certificate",
    "retention/diskwatch": "disk",
    "retention/earlypurge": "early",
    "video/signingkey": "signing_key",
    "audit/entry": "entry",
    "auth/group": "group",
}


@dataclass(frozen=True)
class Row:
    """One thing that can be asked, and the answer each role is due."""

    method: str
    path: str
    step: str
    cells: str
    words: str

    @cached_property
    def key(self) -> str:
        return f"{self.method} {self.path} {self.step}".strip()

    @property
    def expected(self) -> dict[str, str]:
        return {role.code: sign for role, sign in zip(ROLES, self.cells, strict=True)}

    @property
    def asks_again(self) -> bool:
        """Is a reader who has not shown for some time who they are, asked it first?"""
        return self.words.endswith("; asked again")

    @property
    def line(self) -> str:
        """Of a list of the administration: which of the city's things stands for a line of it."""
        return LINE_OF["/".join(self.path.split("/")[2:4])]

    @property
    def asked(self) -> list["Row"]:
        """The addresses that are asked: of a list of the administration several, else the row's own."""
        if self.method not in LIST_ADDRESSES:
            return [self]
        one = f"{self.path}{{{self.line}}}/"
        return [
            replace(self, method=method, path=address.format(self.path, one), step=step)
            for method, address, step in LIST_ADDRESSES[self.method]
        ]


@dataclass(frozen=True)
class Section:
    title: str
    words: str
    rows: list[Row]


def sections() -> list[Section]:
    text = "\n".join(line for line in TABLE.read_text().splitlines() if not line.startswith("#"))
    return [section(part) for part in text.split("\n== ")[1:]]


def section(text: str) -> Section:
    title, *lines = (line for line in text.splitlines() if line.strip())
    rows = [row_of(line) for line in lines if "|" in line]
    return Section(title, " ".join(line for line in lines if "|" not in line), rows)


def row_of(line: str) -> Row:
    what, people, near_misses, words = (part.strip() for part in line.split("|"))
    method, path, *step = what.split()
    people, near_misses = people.replace(" ", ""), near_misses.replace(" ", "")
    if (len(people), len(near_misses)) != (len(PEOPLE), len(NEAR_MISSES)):
        raise ValueError(f"{what}: {len(people)} and {len(near_misses)} cells")
    if strange := set(people + near_misses) - set(ANSWERS):
        raise ValueError(f"{what}: what is {strange}?")
    return Row(method, path, " ".join(step), people + near_misses, words)


SECTIONS = sections()
ROWS = [row for section in SECTIONS for row in section.rows]


def rows_of(*titles: str) -> list[Row]:
    return [row for section in SECTIONS if section.title in titles for row in section.rows]
