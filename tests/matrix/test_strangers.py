"""What is not yours is not there: neither by its number, nor by the words of the answer, nor by the time it takes."""

import gc
import logging
import re
import time
import uuid
from random import Random
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from django.conf import settings
from django.core.cache import cache
from django.urls import Resolver404, resolve
from django.utils.html import escape

from tests.doors import knock
from tests.matrix.rows import LIST_ADDRESSES, ROWS, Row

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

STRANGERS = ("fire", "far", "key_fire")
OF_EVERYBODY = {"uid", "token", "year"}
# Made anew for each answer, and as long in each.
PASSING = re.compile(rb'(nonce="|value="|X-CSRFToken": ")[\w+/=-]{16,}"|data-now="\d{10}\.\d{6}"')


def real(city) -> SimpleNamespace:
    """What the police have."""
    return city.names("police")


def absent(city) -> SimpleNamespace:
    """The same names, of things that nobody has."""
    return SimpleNamespace(**{name: nothing_like(name, it) for name, it in vars(real(city)).items()})


def nothing_like(name: str, it):
    if name in OF_EVERYBODY:
        return it
    if name in ("clip", "waiting_clip"):
        return str(uuid.UUID(int=4))
    return "261121-999999" if name == "incident" else 987_654_321


def asks_by_name(row: Row) -> bool:
    """Does the row speak of one thing, in its address or in what is sent?"""
    return row.method not in LIST_ADDRESSES and (
        re.search(r"\{(?!uid|year|app)", row.path) is not None or row.key in BY_FORM
    )


BY_FORM = {
    "GET /playback/",
    "GET /playback/ provision",
    "POST /api/v1/clips/",
    "POST /api/v1/bookmarks/",
}
ASKED = [(row, role) for row in ROWS for role in STRANGERS if asks_by_name(row) and row.expected[role] in ("0", "-")]


@pytest.mark.parametrize(("row", "role"), ASKED, ids=lambda it: getattr(it, "key", it))
def test_the_answer_is_that_of_what_does_not_exist(row, role, city, asker):
    cache.clear()
    there, nowhere = (told(row, role, city, asker, names) for names in (real(city), absent(city)))
    assert there == nowhere


def told(row: Row, role: str, city, asker, names):
    if row.method == "SOCKET":
        who = {"session": city.cookies.get(role, ""), "token": city.tokens.get(role, "")}
        return knock(row.path.format(**vars(names)), **who)
    answer = asker.ask(city, role, row, names)
    headers = {name for name, _value in answer.response.items()}
    # The page itself says by which address it was asked for.
    asked = answer.response.wsgi_request
    body = answer.body
    for address in (asked.get_full_path(), asked.path):
        body = body.replace(escape(address).encode(), b"").replace(quote(address).encode(), b"")
    return answer.response.status_code, headers, PASSING.sub(b"", body)


def test_every_kind_of_thing_is_tried():
    """Those that only the centre's staff may name are refused to everybody else before they are looked for."""
    named = {name for row, _role in ASKED for name in re.findall(r"\{(\w+)\}", row.path)}
    assert {"camera", "segment", "clip", "incident", "provision", "request", "copy", "mou", "joining"} <= named
    assert {"certificate", "membership", "sign_in", "review", "finding"} <= named


# --- the time that it takes ----------------------------------------------------------------

TIMES = 100
ALIKE = 5.0  # standard deviations of the rank sum; chance alone goes beyond once in a million and a half


def compare(ask, times: int = TIMES) -> float:
    """How many standard deviations the ranks of the times of the one lie from those of the other, asked by turns."""
    taken = []
    gc.collect()
    gc.disable()
    try:
        for turn in range(2 * times):
            began = time.perf_counter()
            ask(turn % 2)
            taken.append((time.perf_counter() - began, turn % 2))
    finally:
        gc.enable()
    return rank_sum(taken)


def rank_sum(taken: list[tuple[float, int]]) -> float:
    """Mann and Whitney's test, by the normal distribution that it has for many values."""
    many = sum(1 for _time, group in taken if group)
    few = len(taken) - many
    ranks = sum(rank for rank, (_time, group) in enumerate(sorted(taken), 1) if group)
    expected = many * (len(taken) + 1) / 2
    return (ranks - expected) / (many * few * (len(taken) + 1) / 12) ** 0.5


TIMED = [
    ("key_fire", "GET /api/v1/cameras/{camera}/still.jpg"),
    ("key_fire", "GET /api/v1/incidents/{incident}/"),
    ("key_fire", "GET /api/v1/clips/{clip}/file"),
    ("key_fire", "GET /api/v1/cameras/{camera}/segments/{segment}.mp4"),
    ("fire", "GET /api/v1/cameras/{camera}/playback.m3u8"),
    ("fire", "GET /api/v1/clips/{clip}/file"),
    ("fire", "SOCKET /api/v1/cameras/{camera}/live"),
]


@pytest.mark.parametrize(("role", "key"), TIMED)
def test_the_time_tells_nothing(role, key, city, asker):
    (row,) = (row for row in ROWS if row.key == key)
    names = [real(city), absent(city)]

    def ask(which):
        if row.method == "SOCKET":
            assert knock(row.path.format(**vars(names[which])), session=city.cookies[role]) == 4403
        else:
            assert asker.send(city, role, row, names[which]).status_code == 404

    for turn in range(10):
        ask(turn % 2)
    # A socket takes ten times as long to open and close.
    assert abs(compare(ask, TIMES // 2 if row.method == "SOCKET" else TIMES)) < ALIKE


@pytest.mark.parametrize(("longer_ms", "seen"), [(0.0, False), (0.1, True)])
def test_a_tenth_of_a_millisecond_is_seen(longer_ms, seen):
    """Among questions that take five, give or take two tenths, now and then much more."""
    chance = Random(4)
    took = [5 + abs(chance.gauss(0, 0.2)) + longer_ms * (turn % 2) for turn in range(2 * TIMES)]
    taken = [(each + 50 * (chance.random() < 0.02), turn % 2) for turn, each in enumerate(took)]
    assert (abs(rank_sum(taken)) > ALIKE) is seen


# --- where video lies ------------------------------------------------------------------------


def test_no_video_lies_where_files_are_served_from():
    served = [settings.STATIC_ROOT, *(folder for each in settings.STATICFILES_DIRS for folder in folders(each))]
    for root in (settings.VIDEO_ROOT, settings.CLIP_ROOT):
        for folder in served:
            assert not root.is_relative_to(folder)
            assert not folder.is_relative_to(root)


def folders(entry):
    return [entry[1] if isinstance(entry, tuple) else entry]


@pytest.mark.parametrize("path", ["/protected/video/1/x.mp4", "/protected/clips/x.mp4", "/media/x.mp4", "/video/1/"])
def test_no_address_leads_to_a_file(path):
    with pytest.raises(Resolver404):
        resolve(path)


@pytest.mark.parametrize(
    "key", ["GET /api/v1/cameras/{camera}/segments/{segment}.mp4", "GET /api/v1/clips/{clip}/file"]
)
def test_where_a_file_lies_is_said_to_the_front_server_alone(key, city, asker, caplog):
    (row,) = (row for row in ROWS if row.key == key)
    logging.disable(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        answer = asker.ask(city, "police", row)
    logging.disable(logging.CRITICAL)
    place = answer.response["X-Accel-Redirect"].removeprefix(settings.PROTECTED_URL)
    assert place.endswith(".mp4") and answer.body == b""
    said = [record.getMessage() for record in caplog.records if record.name != "django.db.backends"]
    assert not [line for line in said if place.rpartition("/")[2] in line]
    others = {name: value for name, value in answer.response.items() if name != "X-Accel-Redirect"}
    assert place not in str(others)
