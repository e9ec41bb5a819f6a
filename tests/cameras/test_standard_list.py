import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.cameras import standard_list
from apps.cameras.models import Purpose
from apps.cameras.standard_list import NotAList, read, write
from tests.cameras.lists import ROW, listed


def only(text: str, **options):
    rows, notes = read(text.encode(), **options)
    assert not notes
    (row,) = rows
    return row


def reasons(text: str | bytes, severity: str, **options) -> list[tuple[int, str]]:
    _rows, notes = read(text.encode() if isinstance(text, str) else text, **options)
    return [(note.line, note.reason) for note in notes if note.severity == severity]


@pytest.fixture(autouse=True)
def in_english(settings):
    settings.LANGUAGE_CODE = "en"


# --- files ---------------------------------------------------------------------


@pytest.mark.parametrize("columns", [13, 18])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949", "euc-kr", "utf-16"])
def test_both_forms_in_every_encoding(columns, encoding):
    rows, notes = read(listed({}, columns=columns).encode(encoding))
    assert not notes
    assert (rows[0].owner, rows[0].count, rows[0].lon, rows[0].lat) == ("대전광역시 서구청", 2, 127.3845, 36.3504)
    assert (rows[0].purpose, rows[0].direction, rows[0].retention_days) == (Purpose.SECURITY, "남동쪽", 30)


def test_cp949_beyond_euc_kr():
    rows, _notes = read(listed({"road_address": "서구 뷁길 1"}).encode("cp949"))
    assert rows[0].road_address == "서구 뷁길 1"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters(delimiter):
    assert only(listed({}, delimiter=delimiter)).management_no == "A-1"


@pytest.mark.parametrize("ending", ["\n", "\r", "\r\n"])
def test_line_endings(ending):
    assert only(listed({}).replace("\r\n", ending)).line == 2


def test_fourteen_columns_in_another_order():
    header = "경도,위도,관리번호,관리기관명,설치목적구분,카메라대수,비고"
    assert only(f"{header}\n127.3,36.3,7,서구청,교통,1,x\n").purpose == Purpose.TRAFFIC


def test_titles_above_the_header_and_blank_lines_below():
    assert only("CCTV 설치 현황,,\n\n" + listed({}).replace("\r\n", "\r\n\r\n,,,\r\n")).line == 6


def test_nul_bytes_are_dropped():
    assert only(listed({"management_no": "A\0-1"})).management_no == "A-1"


def test_a_line_break_within_quotes_belongs_to_the_cell():
    rows, notes = read(listed({"direction": '"정문\n앞"'}, {"management_no": "A-2"}).encode())
    assert not notes
    assert [(row.line, row.direction) for row in rows] == [(2, "정문 앞"), (4, "남동쪽")]


def test_an_open_quote_does_not_swallow_the_rest():
    rows, notes = read(listed({"direction": '"정문'}, *({"management_no": f"B-{n}"} for n in range(30))).encode())
    assert len(rows) == 31
    assert rows[0].direction == "정문"
    assert not notes


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n\n\n",
        b"\xef\xbb\xbf",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20,
        b"PK\x03\x04" + b"\0" * 500,
        b"<html><body>404</body></html>",
        b'{"a": 1}',
        "이름,나이\n김,3\n".encode(),
        "관리번호,관리기관명,설치목적구분,카메라대수\n1,서구청,방범,1\n".encode(),
        b"," * 100_000,
        b'"' * 100_001,
    ],
    ids=[
        "empty",
        "blank",
        "bom",
        "picture",
        "zip",
        "html",
        "json",
        "another list",
        "no coordinates",
        "commas",
        "quotes",
    ],
)
def test_what_is_not_a_list_is_refused_whole(content):
    with pytest.raises(NotAList):
        read(content)


def test_a_header_alone_is_an_empty_list():
    assert read(listed().encode()) == ([], [])


def test_a_file_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(standard_list, "LARGEST_FILE", 10)
    with pytest.raises(NotAList, match="larger"):
        read(listed({}).encode())


@pytest.mark.parametrize("encoding", ["utf-8", "cp949"])
def test_cut_off_in_the_middle_of_a_character(encoding):
    content = listed({}, {"management_no": "A-2"}).encode(encoding)
    cut = content[: content.rindex("남".encode(encoding)) + 1]
    rows, notes = read(cut)
    assert [row.management_no for row in rows] == ["A-1"]
    assert [(note.line, note.severity) for note in notes] == [(3, "rejected")]


def test_a_huge_cell_costs_its_line_only():
    text = listed({"direction": "가" * 200_000}, {"management_no": "A-2"})
    rows, notes = read(text.encode())
    assert [row.management_no for row in rows] == ["A-2"]
    assert (notes[0].line, notes[0].severity, len(notes[0].text)) == (2, "rejected", 1000)


@pytest.mark.parametrize("change", [lambda line: line + ",x", lambda line: line.split(",", 3)[0]])
def test_a_line_with_other_columns_is_rejected(change):
    header, row, *_rest = listed({}).split("\r\n")
    assert reasons(f"{header}\n{change(row)}\n", "rejected") == [
        (2, "the line does not have the columns of the header")
    ]


def test_empty_cells_too_many_do_no_harm():
    header, row, *_rest = listed({}).split("\r\n")
    assert only(f"{header}\n{row},,,\n").line == 2


# --- rows ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"management_no": ""}, "no management number"),
        ({"management_no": "x" * 61}, "the management number is longer than 60 characters"),
        ({"owner": " "}, "no managing body"),
        ({"lat": ""}, "no usable coordinates"),
        ({"lon": ""}, "no usable coordinates"),
        ({"lon": "0"}, "no usable coordinates"),
        ({"lat": "nan"}, "no usable coordinates"),
        ({"lat": "1e999"}, "no usable coordinates"),
        ({"lat": "북위 36도"}, "no usable coordinates"),
        ({"lat": "363504"}, "no usable coordinates"),
        ({"count": "0"}, "the number of cameras, 0, is not 1 to 100"),
        ({"count": "-2"}, "the number of cameras, -2, is not 1 to 100"),
        ({"count": "101"}, "the number of cameras, 101, is not 1 to 100"),
        ({"count": "1.5"}, "the number of cameras, 1.5, is not 1 to 100"),
        ({"count": "많음"}, "the number of cameras, 많음, is not 1 to 100"),
    ],
)
def test_unusable_rows(row, reason):
    assert reasons(listed({"management_no": "A-0"}, row), "rejected") == [(3, reason)]


def test_the_default_owner_fills_a_blank():
    assert only(listed({"owner": ""}), default_owner="서구청").owner == "서구청"


def test_unreadable_characters_in_the_number():
    content = listed({}).encode().replace(b"A-1", b"A-\xff\xfe")
    assert reasons(content, "rejected") == [(2, "the number or the managing body holds unreadable characters")]


def test_a_number_stands_once_for_each_body():
    rows, notes = read(listed({}, {"count": "3"}, {"owner": "중구청"}).encode())
    assert [(row.line, row.count) for row in rows] == [(2, 2), (4, 2)]
    assert [(note.line, note.reason) for note in notes] == [(3, "the management number already stands in line 2")]


def test_the_old_form_names_rows_by_owner_place_and_purpose():
    text = listed({}, {}, {"lat": "36.36"}, {"purpose": "교통"}, columns=13)
    names = [row.management_no for row in read(text.encode())[0]]
    assert len(set(names)) == 4
    assert names == [row.management_no for row in read(text.encode())[0]]


@pytest.mark.parametrize(
    ("text", "purpose"),
    [
        ("생활방범", "security"), ("방범", "security"), ("다목적", "security"), ("차량방범", "plate"),
        ("차번인식", "plate"),
        ("어린이보호", "children"), ("어린이 보호", "children"), ("초등학교", "children"), ("교통단속", "traffic"),
        ("교통정보수집", "traffic"), ("교통", "traffic"), ("불법주정차단속", "parking"), ("쓰레기단속", "dumping"),
        ("무단투기", "dumping"), ("시설물관리", "facility"), ("시설안전", "facility"), ("화재예방", "facility"),
        ("재난재해", "disaster"), ("산불감시", "disaster"), ("기타", "other"),
    ],
)  # fmt: skip
def test_purposes(text, purpose):
    assert only(listed({"purpose": text})).purpose == purpose


@pytest.mark.parametrize("purpose", Purpose)
def test_every_purpose_has_a_national_word_of_a_purpose(purpose):
    # Parking control goes out as the standard's traffic control, which holds it.
    taken = Purpose.TRAFFIC if purpose == Purpose.PARKING else purpose
    assert only(listed({"purpose": standard_list.NATIONAL_PURPOSE[purpose]})).purpose == taken


@pytest.mark.parametrize(
    ("cell", "text", "value"),
    [
        ("count", "2대", 2), ("count", "3.0", 3),
        ("pixels", "200만", 200), ("pixels", "2MP", 200), ("pixels", "2,000,000", 200), ("pixels", "", None),
        ("retention", "30일", 30), ("retention", "2개월", 60), ("retention", "", None), ("retention", "-", None),
        ("installed", "201905", "2019-05"), ("installed", "2019년 5월", "2019-05"),
        ("installed", "2019.5.1", "2019-05"),
        ("installed", "2019", "2019"),
        ("lat", " 36.3504 ", 36.3504), ("lat", "36.3504°N", 36.3504),
        ("owner", "대전광역시\u200b  서구청\x07", "대전광역시 서구청"),
    ],
)  # fmt: skip
def test_values_are_read_leniently(cell, text, value):
    ours = {"pixels": "pixels_10k", "retention": "retention_days"}.get(cell, cell)
    assert getattr(only(listed({cell: f'"{text}"'})), ours) == value


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"purpose": "감시"}, "the purpose “감시” is not one of the standard's: taken as other"),
        ({"count": ""}, "no number of cameras: taken as one"),
        ({"pixels": "고화질"}, "the number of pixels was not understood: “고화질”"),
        ({"retention": "영구"}, "the retention was not understood: “영구”"),
        ({"retention": "9999"}, "the retention was not understood: “9999”"),
        ({"installed": "2019-13"}, "the month of installation was not understood: “2019-13”"),
        ({"as_of": "2026-02-30"}, "the date of the list was not understood: “2026-02-30”"),
        ({"phone": "0" * 50}, "a text was cut to 40 characters"),
    ],
)
def test_warnings_keep_the_row(row, reason):
    assert reasons(listed(row), "warning") == [(2, reason)]
    assert len(read(listed(row).encode())[0]) == 1


def test_a_row_marked_deleted_has_no_cameras():
    text = listed({}).replace("2026-05-01,,,", "2026-05-01,D,,")
    assert only(text).count == 0


# --- writing -------------------------------------------------------------------


@pytest.mark.parametrize("text", ["=1+1", "+82-42", "-", "@x"])
def test_formulas_are_disarmed_and_come_back(text):
    stream = io.StringIO()
    write([{**ROW, "direction": text}], stream)
    assert f"'{text}" in next(csv.reader(stream.getvalue().splitlines()[1:]))
    assert only(stream.getvalue()).direction == text


def test_the_forms_have_their_columns():
    assert len(standard_list.column_names(18)) == 18
    assert list(standard_list.column_names(13).values()) == [
        "관리기관명", "소재지도로명주소", "소재지지번주소", "설치목적구분", "카메라대수", "카메라화소수",
        "촬영방면정보", "보관일수",
        "설치년월", "관리기관전화번호", "위도", "경도", "데이터기준일자",
    ]  # fmt: skip


cells = st.text(
    st.characters(exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"], exclude_characters="\ufeff"), max_size=60
)


@given(direction=cells, address=cells)
def test_any_text_survives_writing_and_reading(direction, address):
    stream = io.StringIO()
    write([{**ROW, "direction": direction, "road_address": address}], stream)
    rows, notes = read(stream.getvalue().encode())
    assert not notes
    expected = [standard_list._text(text) for text in (direction, address)]
    assert [rows[0].direction, rows[0].road_address] == expected


@given(st.binary(max_size=2000))
def test_any_bytes_after_the_header_are_rows_or_notes(dirt):
    rows, notes = read(listed({}).encode() + dirt)
    assert rows[0].management_no == "A-1"
    assert all(note.reason and note.line > 1 for note in notes)


@given(st.binary(max_size=2000))
def test_any_bytes_are_a_list_or_refused(content):
    try:
        read(content)
    except NotAList as refusal:
        assert str(refusal)
