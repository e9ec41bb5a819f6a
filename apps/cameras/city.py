from django.contrib.gis.db.models import Union
from django.contrib.gis.geos import Point
from django.contrib.gis.geos.prepared import PreparedGeometry

from apps.cameras.models import District


def in_city(lon: float, lat: float) -> bool:
    """Does the point lie in one of the city's districts? True everywhere until boundaries are loaded."""
    outline = _outline()
    return outline is None or outline.intersects(Point(lon, lat, srid=4326))


_kept: list[PreparedGeometry] = []


def _outline() -> PreparedGeometry | None:
    """The city's outline, kept for the life of the process once there is one: boundaries change with a restart."""
    if not _kept and (outline := District.objects.aggregate(outline=Union("shape"))["outline"]):
        _kept.append(outline.prepared)
    return _kept[0] if _kept else None


def forget_outline() -> None:
    _kept.clear()
