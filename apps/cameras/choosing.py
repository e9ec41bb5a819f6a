"""Which cameras see a place: those whose coverage holds it first, then by distance, the dead ones last.

The work must not grow with the city: a thousand cameras may stand within the radius. So the one query asks
three short, index-backed questions (which cover the point, which of the living are nearest, which of the
rest are nearest), each for no more rows than are wanted, and orders the union. See docs/adr/0005.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from typing import Literal

from django.contrib.gis.db.backends.postgis.adapter import PostGISAdapter
from django.contrib.gis.db.models import PointField
from django.contrib.gis.db.models.functions import Distance
from django.contrib.gis.geos import Point
from django.contrib.gis.measure import D
from django.core.exceptions import EmptyResultSet
from django.db.models import (
    BooleanField,
    Case,
    ExpressionWrapper,
    F,
    FloatField,
    Func,
    Q,
    QuerySet,
    Value,
    When,
)

from apps.cameras.models import Camera
from daejeon_soc.kept_queries import KeptQueries

ALIVE = Q(status__in=[str(status) for status in Camera.ALIVE])
WITHOUT_PICTURE = Q(status__in=[str(status) for status in Camera.WITHOUT_PICTURE])


class KnnDistance(Func):
    """`a <-> b`: the order a GiST index can walk, nearest first."""

    arg_joiner = " <-> "
    template = "%(expressions)s"
    output_field = FloatField()


class Around(Func):
    """The box around a circle, which ST_DWithin too looks up in the index.

    ST_DWithin itself is not asked here: the planner takes it to hold for one row in a thousand of the box,
    and then prefers to fetch and sort all of the box to walking the index from the nearest.
    """

    function = "_ST_Expand"
    output_field = PointField(geography=True, srid=4326)


class Touches(Func):
    """`a && b`: the boxes of a and b touch; answered by the GiST index."""

    arg_joiner = " && "
    template = "%(expressions)s"
    output_field = BooleanField()


class Azimuth(Func):
    function = "ST_Azimuth"
    output_field = FloatField()


@dataclass(frozen=True)
class Chosen:
    """A camera for a place. `bearing_deg` is from the camera to the place, None when it stands right there.

    `turn` is how far a turning camera pans from its home direction (from north where none is known) to
    look at the place: -180 to 180 degrees, clockwise positive; None for a fixed camera or one out of range.
    """

    camera: Camera
    distance_m: float
    covers: bool
    bearing_deg: float | None
    turn: float | None
    ring: Literal["inner", "outer"]


CHOSEN = KeptQueries(point=Point(0, 0, srid=4326))


def choose(
    point: Point,
    *,
    among: QuerySet[Camera] | Callable[[], QuerySet[Camera]],
    limit: int,
    radius_m: float,
    outer_radius_m: float,
    known_as: Hashable = None,
) -> list[Chosen]:
    """Up to `limit` of the cameras in `among` for `point` (lon/lat), none beyond `outer_radius_m`. One query.

    Who knows `among` by a name that says all it goes by spares Django writing it to find that out: `among` is then
    called for the first time only.
    """
    if limit < 1 or outer_radius_m <= 0:
        return []
    reach = {"limit": limit, "outer_radius_m": max(radius_m, outer_radius_m)}
    try:
        key = (known_as or _text(among), *reach.values())
        cameras = CHOSEN.rows(key, partial(chosen_queryset, among=among, **reach), point=point)
    except EmptyResultSet:
        return []  # nobody is among them, and Django knows it without asking
    return [_chosen(camera, radius_m) for camera in cameras]


def _text(among: QuerySet[Camera]) -> tuple:
    text, given = among.order_by().values("pk").query.sql_with_params()
    return text, tuple(map(_frozen, given))


def _frozen(parameter):
    if isinstance(parameter, PostGISAdapter):
        return parameter.ewkb
    return tuple(parameter) if isinstance(parameter, list) else parameter


def chosen_queryset(point: Point, *, among: QuerySet[Camera], limit: int, outer_radius_m: float):
    """The query of `choose`, for those who want to explain it."""
    at = Value(point, output_field=PointField(geography=True, srid=4326))
    within = D(m=outer_radius_m)
    usable = (among() if callable(among) else among).order_by().filter(is_enabled=True)
    # No second key here: the planner would sort the box rather than walk the index. Which of several cameras at
    # exactly the same distance make the cut is therefore open.
    nearest = usable.filter(Touches(F("location"), Around(at, outer_radius_m))).order_by(KnnDistance(F("location"), at))
    covers = Q(coverage__covers=point)
    covering = (
        usable.filter(covers)
        .alias(distance=Distance("location", point))
        .filter(distance__lte=within)
        .order_by(_rank(), "distance", "pk")
    )
    candidates = _ids(covering, limit).union(
        _ids(nearest.filter(ALIVE), limit), _ids(nearest.filter(WITHOUT_PICTURE), limit), all=True
    )
    return (
        Camera.objects.filter(pk__in=candidates)
        .defer("coverage")
        .annotate(
            distance=Distance("location", point),
            covers=ExpressionWrapper(covers, output_field=BooleanField()),
            azimuth=Azimuth(F("location"), at),
            rank=_rank(),
        )
        .filter(distance__lte=within)
        .order_by("rank", "-covers", "distance", "pk")[:limit]
    )


def _ids(cameras: QuerySet[Camera], limit: int) -> QuerySet:
    return cameras.values("pk")[:limit]


def _rank() -> Case:
    return Case(When(ALIVE, then=0), default=1)


def _chosen(camera: Camera, radius_m: float) -> Chosen:
    bearing = None if camera.azimuth is None else round(math.degrees(camera.azimuth), 1)
    return Chosen(
        camera=camera,
        distance_m=round(camera.distance.m, 1),
        covers=camera.covers,
        bearing_deg=bearing,
        turn=_turn(camera, bearing),
        ring="inner" if camera.distance.m <= radius_m else "outer",
    )


def _turn(camera: Camera, bearing: float | None) -> float | None:
    if camera.kind != Camera.Kind.PTZ or not camera.covers or bearing is None:
        return None
    return round((bearing - (camera.bearing_deg or 0) + 180) % 360 - 180, 1)
