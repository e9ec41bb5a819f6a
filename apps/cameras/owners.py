"""Which agency a name in a list means: "대전광역시 서구청", "서구청" and "서구 청" are one body."""

import re

from django.conf import settings
from django.utils.text import slugify

from apps.agencies.models import Agency
from apps.cameras.romanise import place_name

KINDS = {
    "경찰": Agency.Kind.POLICE,
    "파출소": Agency.Kind.POLICE,
    "소방": Agency.Kind.FIRE,
    "119": Agency.Kind.FIRE,
    "교육": Agency.Kind.EDUCATION,
    "학교": Agency.Kind.EDUCATION,
    "구청": Agency.Kind.DISTRICT,
    "군청": Agency.Kind.DISTRICT,
}
# Longer first. What is not here is spelt in Latin letters.
ENGLISH = {
    "교육청": "Office of Education", "경찰청": "Police Agency", "경찰서": "Police Station", "소방본부": "Fire HQ",
    "소방서": "Fire Station", "시청": "City Hall", "구청": "-gu Office", "군청": "-gun Office",
}  # fmt: skip


class Owners:
    """The agencies named in a list, read once and made where they are missing."""

    def __init__(self):
        self.by_name = {_key(agency.name_ko): agency for agency in Agency.objects.order_by("-pk")}
        self.made: list[Agency] = []

    def named(self, name: str, english: str = "") -> Agency:
        key = _key(name)
        if key not in self.by_name:
            self.by_name[key] = self._make(name, english)
        return self.by_name[key]

    def _make(self, name: str, english: str) -> Agency:
        plain = " ".join(_without_city(name).split())
        english = english or english_name(plain)
        agency = Agency.objects.create(
            code=_free_code(english), name_ko=plain[:100], name_en=english[:100], kind=_kind(plain)
        )
        self.made.append(agency)
        return agency


def english_name(name: str) -> str:
    """`서구청` -> `Seo-gu Office`, `교육청` -> `Office of Education`."""
    for korean, english in ENGLISH.items():
        if name.endswith(korean):
            return f"{_spelt(name.removesuffix(korean))}{'' if english[0] == '-' else ' '}{english}".strip()
    return _spelt(name)


def _spelt(name: str) -> str:
    words = [
        english_name(word) if word.endswith(("구청", "군청")) and " " in name.strip() else place_name(word)
        for word in name.split()
    ]
    return " ".join(words)


def _key(name: str) -> str:
    return re.sub(r"\s|청$", "", _without_city(name))


def _without_city(name: str) -> str:
    city = settings.CITY["name_ko"]
    short = city[:2]
    stripped = re.sub(rf"^\s*(?:{re.escape(city)}|{re.escape(short)}시)\s*(?=\S)", "", name)
    # "대전광역시청" must not become "청".
    return name.strip() if stripped in {"", "청"} else stripped


def _kind(name: str) -> str:
    for word, kind in KINDS.items():
        if word in name:
            return kind
    return Agency.Kind.CITY


def _free_code(english: str) -> str:
    # A district office is known by its district: seo-gu, not seo-gu-office.
    stem = slugify(english.removesuffix(" Office"))[:34] or "agency"
    code, turn = stem, 1
    while Agency.objects.filter(code=code).exists():
        turn += 1
        code = f"{stem}-{turn}"
    return code
