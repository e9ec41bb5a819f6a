"""In which district and dong points lie: one query for a whole list."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from apps.cameras.models import District, Dong

# The outlines are generalised by some tens of metres: a camera at the border may seem to stand outside.
BORDER_M = 100.0
METRES_OUTSIDE = "CASE WHEN ST_Covers({0}.shape, at) THEN 0 ELSE ST_Distance({0}.shape::geography, at::geography) END"


@dataclass(frozen=True)
class Place:
    """`outside_m` is how far the point lies from the nearest district; 0 inside, or without boundaries."""

    district_id: int | None
    dong_id: int | None
    outside_m: float


def place(lon: Sequence[float], lat: Sequence[float]) -> list[Place]:
    """Where each of the points lies. The nearest dong and district count up to the width of a border."""
    query = f"""
        SELECT district.id, {METRES_OUTSIDE.format("district")}, dong.id, {METRES_OUTSIDE.format("dong")}
        FROM unnest(%s::float8[], %s::float8[]) WITH ORDINALITY AS listed(lon, lat, turn)
        CROSS JOIN LATERAL (SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS at) AS point
        LEFT JOIN LATERAL (
            SELECT id, shape FROM {District._meta.db_table} ORDER BY shape <-> at, id LIMIT 1
        ) AS district ON true
        LEFT JOIN LATERAL (
            SELECT id, shape FROM {Dong._meta.db_table} WHERE district_id = district.id
            ORDER BY shape <-> at, id LIMIT 1
        ) AS dong ON true
        ORDER BY turn
    """  # noqa: S608  the table names are ours
    with connection.cursor() as cursor:
        cursor.execute(query, [list(lon), list(lat)])
        return [_place(*row) for row in cursor.fetchall()]


def _place(district_id, district_m, dong_id, dong_m) -> Place:
    outside = district_m or 0.0
    return Place(
        district_id=district_id if outside <= BORDER_M else None,
        dong_id=dong_id if dong_id and dong_m <= BORDER_M and outside <= BORDER_M else None,
        outside_m=outside,
    )
