import os
from pathlib import Path

import pytest
from django.contrib.gis.geos import MultiPolygon, Point, Polygon

from apps.agencies.models import Agency
from apps.cameras.models import Camera, District, Dong, Site

CENTRE = Point(127.3845, 36.3504, srid=4326)


def metres(north: float = 0, east: float = 0, *, of: Point = CENTRE) -> Point:
    """The point so many metres north and east of another."""
    return Point(of.x + east / 89_763, of.y + north / 110_965, srid=4326)


def box(west, south, east, north) -> MultiPolygon:
    return MultiPolygon(Polygon.from_bbox((west, south, east, north)), srid=4326)


@pytest.fixture
def districts(db):
    """Two districts side by side, each with a dong that fills its southern half; the border runs at 127.40."""
    west = District.objects.create(code="30170", name_ko="서구", name_en="Seo-gu", shape=box(127.3, 36.3, 127.4, 36.4))
    east = District.objects.create(code="30110", name_ko="동구", name_en="Dong-gu", shape=box(127.4, 36.3, 127.5, 36.4))
    for district, code, name in ((west, "30170112", "둔산동"), (east, "30110101", "원동")):
        bounds = district.shape.extent
        shape = box(bounds[0], bounds[1], bounds[2], 36.36)
        Dong.objects.create(code=code, name_ko=name, name_en=name, district=district, shape=shape)
    return west, east


@pytest.fixture
def owner(db):
    return Agency.objects.create(code="seo-gu", name_ko="서구청", name_en="Seo-gu Office", kind=Agency.Kind.DISTRICT)


@pytest.fixture
def site(owner):
    return Site.objects.create(owner=owner, management_no="S-1", purpose="security", location=CENTRE)


@pytest.fixture
def camera(site):
    """Makes cameras; `status` counts, so each gets a stream unless it is off."""

    def make(number, location=CENTRE, *, status="normal", **fields):
        fields.setdefault("purpose", "security")
        if status != "off":
            fields.setdefault("rtsp_url", f"rtsp://192.0.2.1/{number}")
        return Camera.objects.create(
            site=site, owner=site.owner, number=number, location=location, status=status, **fields
        )

    return make


@pytest.fixture
def real_data():
    folder = Path(os.environ.get("SOC_REAL_DATA", "../shared/data"))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (SOC_REAL_DATA)")
    return folder
