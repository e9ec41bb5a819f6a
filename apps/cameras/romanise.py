"""Korean names in Latin letters: Revised Romanization, with the sound changes that place names show."""

import re

INITIALS = [
    "g", "kk", "n", "d", "tt", "r", "m", "b", "pp", "s", "ss", "-", "j", "jj", "ch", "k", "t", "p", "h",
]  # fmt: skip
MEDIALS = [
    "a", "ae", "ya", "yae", "eo", "e", "yeo", "ye", "o", "wa", "wae", "oe", "yo", "u", "wo", "we", "wi",
    "yu", "eu", "ui", "i",
]  # fmt: skip
# Twenty-eight finals by the seven sounds they close with.
FINALS = [
    "-", "k", "k", "k", "n", "n", "n", "t", "l", "k", "m", "l", "l", "l", "p", "l", "m", "p", "p", "t",
    "t", "ng", "t", "t", "k", "t", "p", "t",
]  # fmt: skip
# A final that stays its own sound when a vowel follows (값 and the like do not occur in names).
LINKING = {1: "g", 7: "d", 8: "r", 16: "m", 17: "b", 19: "s", 22: "j", 23: "ch", 24: "k", 25: "t", 26: "p"}
# (final, initial) -> both as they are spoken
ASSIMILATIONS = {
    ("k", "n"): ("ng", "n"), ("k", "r"): ("ng", "n"), ("k", "m"): ("ng", "m"),
    ("t", "n"): ("n", "n"), ("t", "r"): ("n", "n"), ("t", "m"): ("n", "m"),
    ("p", "n"): ("m", "n"), ("p", "r"): ("m", "n"), ("p", "m"): ("m", "m"),
    ("ng", "r"): ("ng", "n"), ("m", "r"): ("m", "n"),
    ("n", "r"): ("l", "l"), ("l", "n"): ("l", "l"), ("l", "r"): ("l", "l"),
}  # fmt: skip
# Units that follow a name after a hyphen, across which nothing assimilates.
UNITS = {
    "대로": "daero", "시": "si", "군": "gun", "구": "gu", "읍": "eup", "면": "myeon", "동": "dong", "리": "ri",
    "로": "ro", "길": "gil",
}  # fmt: skip
_WORD = re.compile(r"[가-힣]+")


def place_name(name: str) -> str:
    """`둔산동` -> `Dunsan-dong`. What is not Hangul stays as it is."""
    return _WORD.sub(lambda found: _place_word(found[0]), name)


def romanise(word: str) -> str:
    """`신탄진` -> `Sintanjin`."""
    return _WORD.sub(lambda found: _spell(found[0]).capitalize(), word)


def _place_word(word: str) -> str:
    for unit, spelt in UNITS.items():
        if word.endswith(unit) and word != unit:
            return f"{_spell(word.removesuffix(unit)).capitalize()}-{spelt}"
    return _spell(word).capitalize()


def _spell(word: str) -> str:
    spelt, final = "", 0
    for character in word:
        initial, medial, next_final = _jamo(character)
        spelt += _joint(final, INITIALS[initial]) + MEDIALS[medial]
        final = next_final
    return spelt + FINALS[final].strip("-")


def _jamo(character: str) -> tuple[int, int, int]:
    index = ord(character) - ord("가")
    return index // 588, index % 588 // 28, index % 28


def _joint(final: int, initial: str) -> str:
    """What stands between two vowels."""
    closing = FINALS[final]
    if initial == "-":
        return LINKING.get(final, closing).strip("-")
    return "".join(ASSIMILATIONS.get((closing, initial), (closing, initial))).strip("-")
