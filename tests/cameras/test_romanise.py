import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.cameras.romanise import place_name, romanise


@pytest.mark.parametrize(
    ("korean", "latin"),
    [
        ("동구", "Dong-gu"), ("중구", "Jung-gu"), ("서구", "Seo-gu"), ("유성구", "Yuseong-gu"),
        ("대덕구", "Daedeok-gu"),
        ("둔산동", "Dunsan-dong"), ("신탄진동", "Sintanjin-dong"), ("읍내동", "Eumnae-dong"), ("탑립동", "Tamnip-dong"),
        ("덕명동", "Deongmyeong-dong"), ("월평동", "Wolpyeong-dong"), ("학하동", "Hakha-dong"),
        ("덕암동", "Deogam-dong"),
        ("법동", "Beop-dong"), ("대동", "Dae-dong"), ("외삼동", "Oesam-dong"), ("둔산대로", "Dunsan-daero"),
    ],
)  # fmt: skip
def test_place_names(korean, latin):
    assert place_name(korean) == latin


@pytest.mark.parametrize(
    ("korean", "latin"),
    [("신라", "Silla"), ("별내", "Byeollae"), ("독립문", "Dongnimmun"), ("설악", "Seorak"), ("종로", "Jongno")],
)
def test_sounds_assimilate(korean, latin):
    assert romanise(korean) == latin


def test_what_is_not_hangul_stays():
    assert place_name("태평1동 GS25, 3F") == "Taepyeong1Dong GS25, 3F"
    assert place_name("") == ""


@given(st.text(alphabet=st.characters(min_codepoint=ord("가"), max_codepoint=ord("힣")), min_size=1, max_size=8))
def test_every_syllable_is_spelt(word):
    assert re.fullmatch(r"[A-Za-z-]+", place_name(word))
