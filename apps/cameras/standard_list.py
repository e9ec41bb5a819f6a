"""Reading and writing the national standard CCTV list, whatever a city's spreadsheet did to it.

Nothing here touches the database: bytes in, rows and notes out. Columns go by name, so the forms of 13, 14 and
18 columns are all one form with some columns missing.
"""

import csv
import io
import math
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.utils.translation import gettext as _

from apps.cameras.models import Purpose

LARGEST_FILE = 200 * 2**20
LONGEST_LINE = 20_000
LINES_IN_ONE_RECORD = 10
MOST_CAMERAS_AT_A_SITE = 100
LONGEST_NUMBER = 60
TEXT_LENGTH = {"purpose_text": 60, "phone": 40, "region_code": 10}

# name of ours: (national name of the 18-column form, other names met in real lists)
COLUMNS = {
    "region_code": ("개방자치단체코드",),
    "management_no": ("관리번호", "관리 번호", "CCTV관리번호"),
    "owner": ("관리기관명", "관리기관", "운영기관", "운영기관명"),
    "road_address": ("소재지도로명주소", "도로명주소"),
    "lot_address": ("소재지지번주소", "지번주소"),
    "purpose": ("설치목적구분", "설치목적"),
    "count": ("카메라대수", "카메라수"),
    "pixels": ("카메라화소수", "카메라화소"),
    "direction": ("촬영방면정보", "촬영방면"),
    "retention": ("보관일수", "보관기간"),
    "installed": ("설치연월", "설치년월", "설치년도", "설치일자"),
    "phone": ("관리기관전화번호", "전화번호"),
    "lat": ("WGS84위도", "위도"),
    "lon": ("WGS84경도", "경도"),
    "as_of": ("데이터기준일자", "데이터기준일"),
    "change": ("데이터갱신구분",),
    "changed_at": ("데이터갱신시점",),
    "modified_at": ("최종수정시점",),
}
OLD_NAMES = {"installed": "설치년월", "lat": "위도", "lon": "경도"}
NOT_IN_OLD_FORM = {"region_code", "management_no", "change", "changed_at", "modified_at"}
REQUIRED = ("lat", "lon")

PURPOSES = {
    # Longer and narrower words first: 차량방범 holds 방범, 주정차단속 holds 단속.
    "차량방범": Purpose.PLATE, "차번": Purpose.PLATE, "번호인식": Purpose.PLATE, "번호판": Purpose.PLATE,
    "어린이": Purpose.CHILDREN, "초등학교": Purpose.CHILDREN, "학교": Purpose.CHILDREN, "아동": Purpose.CHILDREN,
    "주정차": Purpose.PARKING, "주차": Purpose.PARKING,
    "쓰레기": Purpose.DUMPING, "투기": Purpose.DUMPING,
    "재난": Purpose.DISASTER, "재해": Purpose.DISASTER, "산불": Purpose.DISASTER, "하천": Purpose.DISASTER,
    "침수": Purpose.DISASTER, "수위": Purpose.DISASTER,
    "교통": Purpose.TRAFFIC,
    "시설": Purpose.FACILITY, "화재": Purpose.FACILITY, "문화재": Purpose.FACILITY,
    "방범": Purpose.SECURITY, "다목적": Purpose.SECURITY, "범죄": Purpose.SECURITY, "치안": Purpose.SECURITY,
    "기타": Purpose.OTHER,
}  # fmt: skip
NATIONAL_PURPOSE = {
    Purpose.SECURITY: "생활방범", Purpose.CHILDREN: "어린이보호", Purpose.TRAFFIC: "교통정보수집",
    Purpose.PARKING: "교통단속", Purpose.DUMPING: "쓰레기단속", Purpose.FACILITY: "시설물관리",
    Purpose.PLATE: "차량방범", Purpose.DISASTER: "재난재해", Purpose.OTHER: "기타",
}  # fmt: skip
GONE = {"D", "삭제", "폐기"}


class NotAList(Exception):
    """The file as a whole is not a CCTV list."""


@dataclass(frozen=True)
class Note:
    """What happened to one line: `rejected`, or kept with a `warning`."""

    line: int
    severity: str
    management_no: str
    reason: str
    text: str = ""


@dataclass
class Listed:
    """One usable row of the list. None and "" stand for what the row leaves open."""

    line: int
    management_no: str
    owner: str
    purpose: str
    purpose_text: str
    count: int
    lon: float
    lat: float
    road_address: str = ""
    lot_address: str = ""
    direction: str = ""
    installed: str = ""
    phone: str = ""
    region_code: str = ""
    pixels_10k: int | None = None
    retention_days: int | None = None
    as_of: date | None = None
    text: str = field(default="", repr=False)


class Unusable(Exception):
    """Why a row cannot go in."""


# --- from bytes to records ---------------------------------------------------


def decode(content: bytes) -> str:
    """Text of the file: UTF-8 or CP949 (which holds EUC-KR), with or without BOM, whichever damages it least."""
    if len(content) > LARGEST_FILE:
        raise NotAList(_("the file is larger than 200 MB"))
    for bom, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be")):
        if content.startswith(bom):
            return content.decode(encoding, errors="replace")[1:]
    readings = [content.decode(encoding, errors="replace") for encoding in ("utf-8-sig", "cp949")]
    return min(readings, key=lambda text: text.count("\ufffd")).replace("\0", "")


def records(content: bytes) -> Iterator[tuple[int, dict[str, str] | None, str]]:
    """(line number, values by our column names or None where the line does not fit the header, its text)."""
    lines = re.split(r"\r\n|\r|\n", decode(content))
    start, delimiter, names = _header(lines)
    index = start + 1
    while index < len(lines):
        taken, values = _record(lines, index, delimiter, len(names))
        text = "\n".join(lines[index : index + taken])[:1000]
        if values is None:
            yield index + 1, None, text
        elif any(value.strip() for value in values):
            yield index + 1, {name: value for name, value in zip(names, values, strict=False) if name}, text
        index += taken


def _header(lines: list[str]) -> tuple[int, str, list[str | None]]:
    """Where the header stands (titles may precede it), what separates its columns, and our names for them."""
    known = {_plain(alias): name for name, aliases in COLUMNS.items() for alias in aliases}
    best: tuple[int, int, str, list[str | None]] = (0, 0, ",", [])
    for index, line in enumerate(lines[:10]):
        for delimiter in ",;\t|":
            names = [known.get(_plain(cell)) for cell in _split(line[:LONGEST_LINE], delimiter)]
            hits = len({name for name in names if name})
            if hits > best[0]:
                best = (hits, index, delimiter, names)
    hits, index, delimiter, names = best
    missing = [COLUMNS[name][0] for name in REQUIRED if name not in names]
    if hits < 4 or missing:
        detail = _("no column named %s") % ", ".join(missing) if hits >= 4 else _("its columns were not found")
        raise NotAList(_("this is not a CCTV list in the national standard form: %s") % detail)
    return index, delimiter, [name if names.index(name) == place else None for place, name in enumerate(names)]


def _record(lines: list[str], index: int, delimiter: str, width: int) -> tuple[int, list[str] | None]:
    """How many lines the record at `index` takes, and its values; None where they do not fit.

    A quote left open must not swallow the rest of the file: a record that does not close within a few lines, or
    closes with another number of columns, is this one line, its quotes taken as dirt.
    """
    line = lines[index]
    if len(line) > LONGEST_LINE:
        return 1, None
    if line.count('"') % 2:
        joined = line
        for taken in range(2, LINES_IN_ONE_RECORD + 1):
            if index + taken > len(lines) or len(joined) > LONGEST_LINE:
                break
            joined += "\n" + lines[index + taken - 1]
            if joined.count('"') % 2 == 0:
                values = _split(joined, delimiter)
                if len(values) == width:
                    return taken, values
                break
        line = line.replace('"', "")
    values = _split(line, delimiter)
    # Spreadsheets leave off, or add, empty cells at the end of a line.
    while len(values) > width and not values[-1].strip():
        values.pop()
    return 1, values if len(values) == width or not any(map(str.strip, values)) else None


def _split(text: str, delimiter: str) -> list[str]:
    return next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True), [])


def _plain(name: str) -> str:
    return re.sub(r"[\s\"'()_\ufeff]", "", unicodedata.normalize("NFKC", name)).upper()


# --- from records to usable rows ---------------------------------------------


def read(content: bytes, *, default_owner: str = "") -> tuple[list[Listed], list[Note]]:
    """The usable rows of a list and what is to say about the others. Raises NotAList."""
    rows: list[Listed] = []
    notes: list[Note] = []
    for line, values, text in records(content):
        number = _text(values["management_no"]) if values and "management_no" in values else ""

        def note(severity: str, reason: str, line=line, number=number, text=text) -> None:
            notes.append(Note(line, severity, number[:LONGEST_NUMBER], reason, text))

        try:
            if values is None:
                raise Unusable(_("the line does not have the columns of the header"))
            rows.append(_usable(line, values, default_owner, lambda reason, note=note: note("warning", reason)))
            rows[-1].text = text
        except Unusable as refusal:
            note("rejected", str(refusal))
    return _without_repeats(_numbered(rows), notes), notes


def _usable(line: int, values: dict[str, str], default_owner: str, warn: Callable[[str], None]) -> Listed:
    cells = {name: _text(value) for name, value in values.items()}
    get = cells.get
    if "\ufffd" in get("management_no", "") + get("owner", ""):
        raise Unusable(_("the number or the managing body holds unreadable characters"))
    if "management_no" in cells and not cells["management_no"]:
        raise Unusable(_("no management number"))
    if len(get("management_no", "")) > LONGEST_NUMBER:
        raise Unusable(_("the management number is longer than %d characters") % LONGEST_NUMBER)
    owner = get("owner", "") or default_owner
    if not owner:
        raise Unusable(_("no managing body"))
    lat, lon = _coordinate(get("lat", "")), _coordinate(get("lon", ""))
    if lat is None or lon is None:
        raise Unusable(_("no usable coordinates"))
    texts = {
        ours: _cut(ours, get(listed, ""), warn)
        for ours, listed in {
            "road_address": "road_address",
            "lot_address": "lot_address",
            "direction": "direction",
            "phone": "phone",
            "region_code": "region_code",
            "purpose_text": "purpose",
        }.items()
    }
    gone = get("change", "").upper() in GONE
    return Listed(
        line=line,
        management_no=get("management_no", ""),
        owner=owner[:100],
        purpose=_purpose(texts["purpose_text"], warn),
        count=0 if gone else _count(get("count", ""), warn),
        lon=lon,
        lat=lat,
        installed=_lenient(_month, get("installed", ""), _("the month of installation"), warn) or "",
        pixels_10k=_lenient(_pixels, get("pixels", ""), _("the number of pixels"), warn),
        retention_days=_lenient(_days, get("retention", ""), _("the retention"), warn),
        as_of=_lenient(_day, get("as_of", ""), _("the date of the list"), warn),
        **texts,
    )


def _numbered(rows: list[Listed]) -> list[Listed]:
    """The old form has no numbers: owner, place and purpose name a row, and its turn among its likes."""
    turns: dict[tuple, int] = {}
    for row in rows:
        if not row.management_no:
            key = (row.owner[:20], f"{row.lon:.6f}", f"{row.lat:.6f}", row.purpose)
            turns[key] = turns.get(key, 0) + 1
            row.management_no = f"{row.lon:.6f},{row.lat:.6f}/{row.purpose}/{turns[key]}"
    return rows


def _without_repeats(rows: list[Listed], notes: list[Note]) -> list[Listed]:
    """A number may stand once for each managing body; the first line that bears it counts."""
    first: dict[tuple[str, str], int] = {}
    kept = []
    for row in rows:
        earlier = first.setdefault((row.owner, row.management_no), row.line)
        if earlier == row.line:
            kept.append(row)
        else:
            reason = _("the management number already stands in line %d") % earlier
            notes.append(Note(row.line, "rejected", row.management_no, reason, row.text))
    return kept


# --- single values -----------------------------------------------------------


def _text(value: str) -> str:
    """The value without control characters and outer blanks, and without the mark that disarms a formula."""
    plain = "".join(" " if unicodedata.category(character) in {"Cc", "Cf"} else character for character in value)
    plain = re.sub(r" {2,}", " ", plain).strip() if plain != value else value.strip()
    return plain[1:] if re.match(r"'[=+\-@]", plain) else plain


def _cut(name: str, value: str, warn: Callable[[str], None]) -> str:
    length = TEXT_LENGTH.get(name, 300)
    if len(value) > length:
        warn(_("a text was cut to %d characters") % length)
    return value[:length]


def _coordinate(value: str) -> float | None:
    try:
        number = float(value.strip(" °NEne'"))
    except ValueError:
        return None
    return number if math.isfinite(number) and number != 0 and abs(number) <= 180 else None


def _purpose(value: str, warn: Callable[[str], None]) -> Purpose:
    plain = re.sub(r"\s", "", value)
    for word, purpose in PURPOSES.items():
        if word in plain:
            return purpose
    warn(_("the purpose “%s” is not one of the standard's: taken as other") % value)
    return Purpose.OTHER


def _count(value: str, warn: Callable[[str], None]) -> int:
    if not value:
        warn(_("no number of cameras: taken as one"))
        return 1
    found = re.fullmatch(r"(\d{1,6})(?:\.0+)? ?대?", value)
    if not found or not 1 <= int(found[1]) <= MOST_CAMERAS_AT_A_SITE:
        raise Unusable(_("the number of cameras, %(value)s, is not 1 to %(most)d")
                       % {"value": value[:20], "most": MOST_CAMERAS_AT_A_SITE})  # fmt: skip
    return int(found[1])


def _lenient(read_value: Callable[[str], Any], value: str, name: str, warn: Callable[[str], None]):
    """What `read_value` makes of the value; None, with a warning, where it makes nothing of it."""
    if not value or value in {"-", "없음", "미상"}:
        return None
    understood = read_value(value)
    if understood is None:
        warn(_("%(name)s was not understood: “%(value)s”") % {"name": name, "value": value[:40]})
    return understood


def _pixels(value: str) -> int | None:
    """In ten thousands (만화소), as the standard counts: 200, 200만, 2MP, 2000000."""
    found = re.match(r"(\d{1,9}(?:\.\d{1,3})?)\s*(MP|메가|M)?", value.upper().replace(",", ""))
    if not found:
        return None
    number = float(found[1]) * (100 if found[2] else 1)
    number = number / 10_000 if number >= 10_000 else number
    return round(number) if 1 <= round(number) < 10_000 else None


def _days(value: str) -> int | None:
    found = re.match(r"(\d{1,4})\s*(개월|달)?", value)
    days = int(found[1]) * (30 if found[2] else 1) if found else 0
    return days if 1 <= days <= 3650 else None


def _month(value: str) -> str | None:
    found = re.match(r"(\d{4})(?:\D{0,3}(\d{1,2}))?", value)
    if not found or not 1950 <= int(found[1]) <= 2100:
        return None
    month = int(found[2] or 1)
    if not 1 <= month <= 12:
        return None
    return f"{found[1]}-{month:02}" if found[2] else found[1]


def _day(value: str) -> date | None:
    found = re.match(r"(\d{4})\D{0,3}(\d{1,2})\D{0,3}(\d{1,2})", value)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


# --- writing -----------------------------------------------------------------


def column_names(columns: int) -> dict[str, str]:
    """Our names and the national names of the form with 18 or 13 columns, in its order."""
    if columns == 18:
        return {name: aliases[0] for name, aliases in COLUMNS.items()}
    return {name: OLD_NAMES.get(name, aliases[0]) for name, aliases in COLUMNS.items() if name not in NOT_IN_OLD_FORM}


def write(rows: Iterable[dict[str, Any]], stream, *, columns: int = 18) -> int:
    """Write rows (by our column names) as a standard list; how many. The stream decides the encoding."""
    names = column_names(columns)
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(names.values())
    written = 0
    for row in rows:
        writer.writerow(disarmed(row.get(name)) for name in names)
        written += 1
    return written


def disarmed(value: Any) -> Any:
    """A text that a spreadsheet would run as a formula, made to stay text."""
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@"} else value
