import math

import numpy as np
import pytest
from django.contrib.gis.geos import GEOSGeometry
from hypothesis import example, given
from hypothesis import strategies as st

from apps.cameras.coverage import polygon, polygons
from tests.cameras.conftest import CENTRE, metres


def around(angle_deg: float, distance_m: float):
    angle = math.radians(angle_deg)
    return metres(distance_m * math.cos(angle), distance_m * math.sin(angle))


@pytest.mark.parametrize("bearing", [0, 10, 90, 200, 350])
def test_a_sector_holds_what_lies_ahead(bearing):
    shape = polygon(CENTRE.x, CENTRE.y, bearing, 90, 50)
    for turn in (-44, 0, 44):
        assert shape.contains(around(bearing + turn, 48))
    for turn in (-46, 46, 180):
        assert not shape.contains(around(bearing + turn, 20))
    assert not shape.contains(around(bearing, 51))


@pytest.mark.parametrize(("bearing", "fov"), [(None, 90), (None, 360), (45, 360)])
def test_a_whole_circle(bearing, fov):
    shape = polygon(CENTRE.x, CENTRE.y, bearing, fov, 50)
    assert all(shape.contains(around(angle, 49)) for angle in range(0, 360, 15))
    assert not any(shape.contains(around(angle, 50.5)) for angle in range(0, 360, 15))


@example(127, 36, 0, math.nextafter(360, 0), 50)
@given(st.floats(124, 132), st.floats(33, 39), st.none() | st.floats(0, 359.9), st.floats(0.5, 360), st.floats(1, 5000))
def test_every_coverage_is_a_valid_polygon(lon, lat, bearing, fov, range_m):
    shape = polygon(lon, lat, bearing, fov, range_m)
    assert shape.valid
    assert (shape.srid, shape.geom_type) == (4326, "Polygon")


def test_many_at_once_are_the_same_as_one_by_one():
    bearings = np.array([np.nan, 0, 120])
    many = polygons(*(np.full(3, value) for value in (CENTRE.x, CENTRE.y)), bearings, np.full(3, 90), np.full(3, 50))
    single = [polygon(CENTRE.x, CENTRE.y, bearing, 90, 50) for bearing in (None, 0, 120)]
    assert [GEOSGeometry(memoryview(ewkb)) for ewkb in many] == single


def test_none_at_all():
    empty = np.array([])
    assert polygons(empty, empty, empty, empty, empty) == []
