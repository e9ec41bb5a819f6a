"""Neighbouring areas are made to meet: as published, they overlap here and leave slivers between them there."""

from django.db import connection

# Outlines are generalised each on its own, by some tens of metres. What lies between two of them and is narrower than
# 0.001 degrees (about 100 m), or smaller than 0.00001 square degrees (0.1 km²), is nobody's by that alone; what is
# larger is no part of the city: another city's enclave.
SLIVER_DEG, SLIVER_DEG2 = 0.001, 0.00001
# A centimetre. Lines that cross are cut on this grid, so that neighbours share their corners to the last bit.
GRID_DEG = 1e-7


def close_seams(table: str) -> None:
    """The outlines, and a closed one around them all, cut the city into faces; each goes to the area nearest to it."""
    query = f"""
        WITH around AS (
            SELECT ST_Buffer(ST_Buffer(ST_Union(shape), %(half)s, 2), -%(half)s, 2) AS closed FROM {table}
        ), lines AS (
            SELECT ST_Boundary(shape) AS line FROM {table} UNION ALL SELECT ST_Boundary(closed) FROM around
        ), cut AS (
            SELECT ST_Union(line, %(grid)s) AS lines FROM lines
        ), faces AS (
            SELECT face, ST_PointOnSurface(face) AS middle FROM (
                SELECT (ST_Dump(ST_Polygonize(lines))).geom AS face FROM cut
            ) AS polygonized
        ), given AS (
            SELECT code, face FROM around, faces CROSS JOIN LATERAL (
                SELECT code FROM {table} ORDER BY shape <-> middle, code LIMIT 1
            ) AS nearest WHERE ST_Covers(closed, middle) OR ST_Area(face) < %(sliver)s
        ), made AS (
            SELECT code, ST_Multi(ST_Union(face)) AS shape FROM given GROUP BY code
        )
        UPDATE {table} AS area SET shape = made.shape FROM made WHERE made.code = area.code
    """  # noqa: S608  the table's name is ours
    with connection.cursor() as cursor:
        cursor.execute(query, {"half": SLIVER_DEG / 2, "grid": GRID_DEG, "sliver": SLIVER_DEG2})
