"""What a camera can see, as a polygon: a sector of its range, or the whole circle."""

import math

import numpy as np
from django.contrib.gis.geos import GEOSGeometry, Point

METRES_PER_DEGREE = 111_195.0
ARC_STEPS = 24
# A gap that is narrower would be lost in rounding, and the ring cross itself.
WHOLE_FROM_DEG = 359.9
_HEADER = np.frombuffer(b"\x01\x03\x00\x00\x20\xe6\x10\x00\x00\x01\x00\x00\x00", np.uint8)  # EWKB polygon, 4326


def polygon(lon: float, lat: float, bearing_deg: float | None, fov_deg: float, range_m: float) -> GEOSGeometry:
    """The coverage of one camera; the whole circle without a bearing or with a view all around."""
    bearing = np.nan if bearing_deg is None else bearing_deg
    (ewkb,) = polygons(*(np.array([value], float) for value in (lon, lat, bearing, fov_deg, range_m)))
    return GEOSGeometry(memoryview(ewkb))


def polygons(lon, lat, bearing_deg, fov_deg, range_m) -> list[bytes]:
    """EWKB of many coverages at once. Arrays of equal length; a bearing of NaN is the whole circle."""
    rings = np.empty((len(lon), ARC_STEPS + 3, 2))
    whole = np.isnan(bearing_deg) | (fov_deg >= WHOLE_FROM_DEG)
    start = np.where(whole, 0.0, bearing_deg - fov_deg / 2)
    sweep = np.where(whole, 360.0, fov_deg)
    angles = np.radians(start[:, None] + sweep[:, None] * np.linspace(0, 1, ARC_STEPS + 1))
    north = range_m[:, None] / METRES_PER_DEGREE
    rings[:, 1:-1, 0] = lon[:, None] + north * np.sin(angles) / np.cos(np.radians(lat))[:, None]
    rings[:, 1:-1, 1] = lat[:, None] + north * np.cos(angles)
    apex = np.stack([lon, lat], axis=1)
    # A whole circle has no apex: its ring repeats the first point of the arc, which is legal.
    rings[:, 0] = np.where(whole[:, None], rings[:, 1], apex)
    rings[whole, -2] = rings[whole, 1]
    rings[:, -1] = rings[:, 0]
    return [_ewkb(ring) for ring in rings]


def metres(a: Point, b: Point) -> float:
    """How far two positions in one city lie apart; within a thousandth of what the database says."""
    north, east = b.y - a.y, (b.x - a.x) * math.cos(math.radians((a.y + b.y) / 2))
    return math.hypot(north, east) * METRES_PER_DEGREE


def _ewkb(ring: np.ndarray) -> bytes:
    return _HEADER.tobytes() + len(ring).to_bytes(4, "little") + ring.astype("<f8").tobytes()
