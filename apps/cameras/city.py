from functools import lru_cache

from django.contrib.gis.db.models import Union
from django.contrib.gis.geos import Point
from django.contrib.gis.geos.prepared import PreparedGeometry

from apps.cameras.models import District


def in_city(lon: float, lat: float) -> bool:
    """Does the point lie in one of the city's districts? True everywhere until boundaries are loaded."""
    outline = _outline() if District.objects.exists() else None
    return outline is None or outline.intersects(Point(lon, lat, srid=4326))


@lru_cache(maxsize=1)
def _outline() -> PreparedGeometry:
    """The city's outline, kept for the life of the process: boundaries change with a restart."""
    return District.objects.aggregate(outline=Union("shape"))["outline"].prepared
