import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.cameras.directions import POINTS, Looking, parse

POINTS_8 = ["북", "북동", "동", "남동", "남", "남서", "서", "북서"]


@pytest.mark.parametrize(
    "text", ["360도 전방면", "360°", "360 도", "３６０도", "전방위", "회전형", "사방", "360도전방면"]
)
def test_all_round(text):
    assert parse(text) == Looking(fov_deg=360.0, all_round=True)


@pytest.mark.parametrize("angle", [361, 379, 405, 412])
def test_a_column_filled_by_dragging_is_all_round(angle):
    assert parse(f"{angle}도 전방면").all_round


@pytest.mark.parametrize("suffix", ["", "쪽", "측", "향", "방향", "쪽 방향", "방면", " 방면"])
@pytest.mark.parametrize("turn", range(8))
def test_eight_points(turn, suffix):
    assert parse(POINTS_8[turn] + suffix).bearings == (turn * 45.0,)


@pytest.mark.parametrize(
    ("text", "bearing"),
    [("북북동", 22.5), ("동북동", 67.5), ("서남서", 247.5), ("북북서쪽", 337.5), ("동남", 135), ("서북쪽", 315)],
)
def test_sixteen_points_and_the_other_order(text, bearing):
    assert parse(text).bearings == (bearing,)


@pytest.mark.parametrize(
    ("text", "bearings"),
    [
        ("동→서", (270,)),
        ("동 -> 서", (270,)),
        ("북쪽⇒남동쪽", (135,)),
        ("동서", (90, 270)),
        ("동서 방향", (90, 270)),
        ("남북방향", (0, 180)),
        ("동쪽, 서쪽", (90, 270)),
        ("동과 서", (90, 270)),
        ("동/서/남/북", (90, 270, 180, 0)),
        ("동, 동", (90,)),
        ("방위각 120", (120,)),
        ("방위각: 120도", (120,)),
        ("120도 방향", (120,)),
        ("NE", (45,)),
        ("nnw", (337.5,)),
    ],
)
def test_aims(text, bearings):
    assert parse(text).bearings == bearings


def test_a_point_with_an_angle_of_view():
    assert parse("남동쪽 90도") == Looking(bearings=(135.0,), fov_deg=90.0)


@pytest.mark.parametrize("text", ["45°", "120도", "화각 90도"])
def test_an_angle_alone_is_how_wide_not_where(text):
    looking = parse(text)
    assert looking.fov_deg in (45, 90, 120)
    assert not looking.is_known


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "정문 방향",
        "동문 방향",
        "서대전역 방향",
        "서쪽정자",
        "와동",
        "101동",
        "현대아파트 101동 앞",
        "A동 방향",
        "특정방면",
        "좌우양방향",
        "반경 2~3m",
        "남대전고 뒤 삼거리",
        "사거리 동서남북",
        "쪽",
        "방향",
        "9999도",
        "0도",
        "-5도",
        "대덕(동)",
        "동동동동",
    ],
)
def test_places_and_nonsense_are_unknown(text):
    assert not parse(text).is_known
    assert not parse(text).bearings


def test_cameras_share_out_the_bearings():
    looking = parse("동, 서")
    assert [looking.of_camera(turn, 3) for turn in range(3)] == [90, 270, 90]


def test_one_camera_cannot_look_both_ways():
    assert parse("동, 서").of_camera(0, 1) is None


@given(st.text(max_size=300))
def test_anything_gives_sane_numbers(text):
    looking = parse(text)
    assert all(0 <= bearing < 360 for bearing in looking.bearings)
    assert looking.fov_deg is None or 0 < looking.fov_deg <= 360


@given(st.sampled_from(sorted(POINTS)), st.sampled_from(["", "쪽", " 방향"]), st.sampled_from(["", " ", "\t"]))
def test_blanks_around_a_point_do_not_matter(point, suffix, blank):
    assert parse(f"{blank}{point}{suffix}{blank}").bearings == (POINTS[point],)
