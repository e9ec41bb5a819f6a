"""Choosing cameras: does it take longer in a city of 100,000 cameras than in one of 8,609 sites?

The same query over the same city area, once with as many cameras as Daejeon's public list has sites, once with
100,000. `ratio` is the larger city's median over the smaller's; the query alone, without Django, is in the
third and fourth case.
"""

import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from django.contrib.gis.geos import Point
from django.db import connection, transaction

from apps.cameras.choosing import choose, chosen_queryset
from apps.cameras.models import Camera
from tests.cameras.crowd import crowd, scattered

SMALL, LARGE = 8_609, 100_000
ROUNDS = 300


class Undo(Exception):
    """Ends the transaction that held the crowd."""


def run() -> list[dict]:
    """Rows of the benchmark. The crowd stands within a transaction that is undone: the city stays as it was."""
    rows: list[dict] = []
    with connection.cursor() as cursor:
        # What an earlier run undid would still stand in the indexes.
        cursor.execute(f"VACUUM {Camera._meta.db_table}")
    try:
        with transaction.atomic():
            crowd(SMALL)
            small = measured()
            crowd(LARGE - SMALL, seed=2, first=SMALL)
            large = measured()
            for ways, before, after in zip(("", ", query alone"), small, large, strict=True):
                rows.append(_row(f"daejeon {SMALL} sites{ways}", before, before))
                rows.append(_row(f"{LARGE} cameras{ways}", after, before))
            raise Undo
    except Undo:
        return rows


def measured() -> list[float]:
    """Median milliseconds of choosing, and of its query alone."""
    return [_median(_choose), _median(_query)]


def _choose(point: Point) -> Callable[[], object]:
    return lambda: choose(point, among=_among(), limit=5, radius_m=500, outer_radius_m=1000)


def _query(point: Point) -> Callable[[], object]:
    sql, params = chosen_queryset(point, among=_among(), limit=5, outer_radius_m=1000).query.sql_with_params()

    def ask():
        with connection.cursor() as cursor:
            cursor.execute(sql, params)
            cursor.fetchall()

    return ask


def _among():
    return Camera.objects.exclude(purpose="plate")


def _median(prepare: Callable[[Point], Callable[[], object]]) -> float:
    return statistics.median(_times(prepare))


def _times(prepare: Callable[[Point], Callable[[], object]]) -> Iterator[float]:
    for lon, lat in zip(*scattered(np.random.default_rng(7), ROUNDS), strict=True):
        act = prepare(Point(lon, lat, srid=4326))
        began = time.perf_counter()
        act()
        yield (time.perf_counter() - began) * 1000


def _row(case: str, ours: float, reference: float) -> dict:
    return {
        "name": "choose",
        "case": case,
        "ratio": round(ours / reference, 3),
        "ours": round(ours, 3),
        "reference": round(reference, 3),
        "unit": "ms",
        "n": ROUNDS,
    }
