"""Cameras by the thousand, clustered as a city's are: for the plan of the choosing query and its benchmark."""

import numpy as np
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import connection

from apps.agencies.models import Agency
from apps.cameras import coverage
from apps.cameras.models import Camera, Site

CLUSTERS = 300
BATCH = 5000


def crowd(count: int, *, alive: float = 0.9, seed: int = 1, first: int = 0) -> None:
    """Add `count` cameras within the same city area, however many they are; a share of them with a picture."""
    random = np.random.default_rng(seed)
    lon, lat = scattered(random, count)
    bearing = np.where(random.random(count) < 0.5, np.nan, random.random(count) * 360)
    living = random.random(count) < alive
    plates = random.random(count) < 0.1
    shapes = coverage.polygons(lon, lat, bearing, np.full(count, 90.0), np.full(count, 50.0))
    site = _site()
    for start in range(0, count, BATCH):
        Camera.objects.bulk_create(
            Camera(
                site=site,
                number=f"crowd-{first + index}",
                owner_id=site.owner_id,
                purpose="plate" if plates[index] else "security",
                location=Point(lon[index], lat[index], srid=4326),
                bearing_deg=None if np.isnan(bearing[index]) else bearing[index],
                coverage=GEOSGeometry(memoryview(shapes[index])),
                rtsp_url="rtsp://192.0.2.1/x" if living[index] else "",
                status="normal" if living[index] else "off",
            )
            for index in range(start, min(start + BATCH, count))
        )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {Camera._meta.db_table}")


def scattered(random: np.random.Generator, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Longitudes and latitudes around the centres of one city: the same centres for every seed."""
    centres = np.random.default_rng(0).normal([127.385, 36.345], [0.05, 0.045], (CLUSTERS, 2))
    points = centres[random.integers(0, CLUSTERS, count)] + random.normal(0, [0.008, 0.006], (count, 2))
    return points[:, 0], points[:, 1]


def _site() -> Site:
    agency, _is_new = Agency.objects.get_or_create(
        code="crowd", defaults={"name_ko": "crowd", "name_en": "crowd", "kind": Agency.Kind.DISTRICT}
    )
    return Site.objects.get_or_create(
        owner=agency,
        management_no="crowd",
        defaults={"purpose": "security", "location": Point(127.385, 36.345, srid=4326)},
    )[0]
