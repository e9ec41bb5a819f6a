"""Where a camera looks, read from the free Korean text of the public list.

Real lists hold mostly places ("정문 앞"), and names full of compass letters (서대전, 남문, 101동), so a letter
counts as a direction only where the text leaves no other reading. What is not understood is unknown: such a
camera is taken to see the whole circle of its range.
"""

import re
import unicodedata
from dataclasses import dataclass

POINTS = {
    name: index * 22.5
    for index, names in enumerate(
        [
            "북 N", "북북동 NNE", "북동 동북 NE", "동북동 ENE", "동 E", "동남동 ESE", "남동 동남 SE", "남남동 SSE",
            "남 S", "남남서 SSW", "남서 서남 SW", "서남서 WSW", "서 W", "서북서 WNW", "북서 서북 NW", "북북서 NNW",
        ]
    )
    for name in names.split()
}  # fmt: skip
WAYS = {"동서": (90.0, 270.0), "서동": (90.0, 270.0), "남북": (0.0, 180.0), "북남": (0.0, 180.0)}
ROUND_WORDS = re.compile(r"전방면|전방향|전방위|사방|사면|회전|파노라마|전체방면|360")
NUMBER = r"(\d{1,4}(?:\.\d{1,3})?)"
DEGREES = re.compile(NUMBER + r"(?:도|°|º|˚|DEG)")
BEARING = re.compile(rf"방위각?:?{NUMBER}(?:도|°|º|˚)?|{NUMBER}(?:도|°|º|˚)(?:방향|방면)")
ANGLE_ONLY = re.compile(rf"(?:화각:?)?{NUMBER}(?:도|°|º|˚)")
# 와 and 과 join only points: 와동 is a dong.
SEPARATORS = re.compile(r"[,/·・;&+~()\[\]\s]|및|(?<=[동서남북쪽측향면])[와과]\s*(?=[동서남북])|↔|<->|-(?!>)")
ARROW = re.compile(r"\s*(?:→|->|⇒|▶|=>)\s*")
SUFFIX = re.compile(r"(?:쪽|측|향|편|방)?(?:방향|방면|쪽)?$")


@dataclass(frozen=True)
class Looking:
    """`bearings` in degrees from north, one or more when known; `fov_deg` where the text gives the angle."""

    bearings: tuple[float, ...] = ()
    fov_deg: float | None = None
    all_round: bool = False

    @property
    def is_known(self) -> bool:
        return self.all_round or bool(self.bearings)

    def of_camera(self, index: int, count: int) -> float | None:
        """The bearing of one of a site's `count` cameras: they share out the bearings in turn.

        Fewer cameras than bearings leave open which of them is meant: unknown.
        """
        return self.bearings[index % len(self.bearings)] if 0 < len(self.bearings) <= count else None


UNKNOWN = Looking()


def parse(text: str) -> Looking:
    plain = unicodedata.normalize("NFKC", text).upper().strip()[:200]
    return _all_round(plain) or _by_number(plain) or _by_compass(plain) or UNKNOWN


def _all_round(text: str) -> Looking | None:
    angles = [float(angle) for angle in DEGREES.findall(text)]
    # A column filled by dragging counts on: 361도 전방면, 362도 전방면, … all mean 360.
    if any(360 <= angle < 1000 for angle in angles):
        return Looking(fov_deg=360.0, all_round=True)
    if not angles and ROUND_WORDS.search(re.sub(r"\s", "", text)):
        return Looking(fov_deg=360.0, all_round=True)
    return None


def _by_number(text: str) -> Looking | None:
    joined = re.sub(r"\s", "", text)
    if found := BEARING.fullmatch(joined):
        return Looking(bearings=(float(found[1] or found[2]) % 360,))
    # An angle alone ("45°", beside "360°" in the same lists) says how wide it sees, not where to.
    if (found := ANGLE_ONLY.fullmatch(joined)) and 0 < float(found[1]) < 360:
        return Looking(fov_deg=float(found[1]))
    return None


def _by_compass(text: str) -> Looking | None:
    """The text must be compass points and nothing else, but for an angle of view."""
    angles = [float(angle) for angle in DEGREES.findall(text)]
    words = SEPARATORS.sub(" ", ARROW.sub("→", DEGREES.sub(" ", text))).split()
    bearings: list[float] = []
    for word in words:
        # "동→서" looks from the east to the west.
        aim = SUFFIX.sub("", word.rpartition("→")[2])
        if aim in WAYS:
            bearings += WAYS[aim]
        elif aim in POINTS:
            bearings.append(POINTS[aim])
        elif SUFFIX.sub("", word):
            return None
    fov = angles[0] if angles and 0 < angles[0] < 360 else None
    return Looking(bearings=tuple(dict.fromkeys(bearings)), fov_deg=fov) if bearings else None
