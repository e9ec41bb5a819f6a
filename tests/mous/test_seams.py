"""A city that had its boundaries before their seams were closed, and its agreements."""

from importlib import import_module

import pytest
from django.contrib.gis.geos import MultiPolygon, Point
from django.db import connection

from apps.cameras.models import District
from tests.cast import CITY_HALL, ELSEWHERE, make_mou, square

pytestmark = pytest.mark.django_db
close = import_module("apps.mous.migrations.0008_seams_closed").close
LON, LAT = CITY_HALL
SEAM = Point(LON + 0.01005, LAT, srid=4326)


@pytest.fixture
def published():
    """Two districts, each 0.02 degrees wide: 9 m between them are nobody's."""
    shapes = {"1": square(LON, LAT), "2": square(LON + 0.0201, LAT)}
    for code, shape in shapes.items():
        District.objects.create(code=code, name_ko=code, name_en=code, shape=shape)
    return MultiPolygon(shapes["1"][0], shapes["2"][0], srid=4326)


def after_closing(mou):
    with connection.schema_editor() as editor:
        close(None, editor)
    mou.refresh_from_db()
    return mou


def test_an_agreement_of_two_districts_covers_the_seam_between_them(police, published):
    mou = make_mou(police.agency, districts=["1", "2"], area=published)
    assert not mou.covers_place(SEAM)
    assert after_closing(mou).covers_place(SEAM)


def test_what_was_drawn_beside_the_districts_stays(police, published):
    drawn = square(*ELSEWHERE)
    mou = make_mou(police.agency, districts=["1"], drawn=drawn, area=MultiPolygon(published[0], drawn[0], srid=4326))
    assert after_closing(mou).covers_place(drawn.centroid)
    assert mou.covers_place(SEAM)
    assert not mou.covers_place(Point(LON + 0.0201, LAT, srid=4326))


@pytest.mark.parametrize("districts", [[], ["1"], ["1", "2"]])
def test_an_area_signed_under_other_boundaries_stays_as_signed(districts, police, published):
    signed = square(LON, LAT, 0.005)
    mou = make_mou(police.agency, districts=districts, area=signed)
    assert after_closing(mou).area.equals(signed)
