from django.contrib.gis.db.models import Union
from django.contrib.gis.geos import Point
from django.contrib.gis.geos.prepared import PreparedGeometry

from apps.cameras.models import District


def in_city(lon: float, lat: float) -> bool:
    """Does the point lie in the city, or on its border? True everywhere until boundaries are loaded."""
    outline = _outline()
    return outline is None or outline.intersects(Point(lon, lat, srid=4326))


# The outlines are generalised by some tens of metres: no call at the city's border is refused for that.
BORDER_DEG = 0.0003
_kept: list[PreparedGeometry] = []


def _outline() -> PreparedGeometry | None:
    """The city's outline, kept for the life of the process once there is one: boundaries change with a restart."""
    if not _kept and (outline := District.objects.aggregate(outline=Union("shape"))["outline"]):
        _kept.append(outline.buffer(BORDER_DEG).prepared)
    return _kept[0] if _kept else None


def forget_outline() -> None:
    _kept.clear()
