"""What would happen if this call came: which agreement opens which cameras, and why the others stay closed.

Asks the same questions as the intake, of the same code, and opens nothing.
"""

from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.contrib.gis.db.models.functions import Distance
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.agencies.models import Agency
from apps.audit.actions import record
from apps.cameras.choosing import Chosen
from apps.cameras.models import Camera
from apps.linked_services.actions import cameras_for, point_of, reach_of
from apps.mous.models import Mou

LOOKED_AT = 60

WHY_NOT = {
    "service_not_covered": lambda: _("It does not speak of this service."),
    "type_not_covered": lambda: _("It does not cover this type of incident."),
    "outside_area": lambda: _("The place lies outside its area."),
    "purpose": lambda: _("It does not open cameras for this purpose."),
    "owner": lambda: _("It does not open cameras of this owner."),
    "camera_outside_area": lambda: _("The camera stands outside its area."),
    "virtual": lambda: _("Exercises use virtual cameras only, real calls none of them."),
    "disabled": lambda: _("The camera is switched off."),
    "others_first": lambda: _("Other cameras see the place better or stand nearer."),
}


@dataclass(frozen=True)
class LeftOut:
    """A camera near the place that stays closed."""

    camera: Camera
    distance_m: float
    code: str

    @property
    def reason(self) -> str:
        return WHY_NOT[self.code]()


@dataclass(frozen=True)
class Verdict:
    """What one agreement would do. `code` is empty when it opens `chosen`."""

    mou: Mou
    code: str
    chosen: list[Chosen]
    left_out: list[LeftOut]


def simulate(agency: Agency, call: dict, at: datetime, *, near: QuerySet[Camera], by) -> list[Verdict]:
    """The verdict of every agreement of `agency` on `call` (as validated for the intake) at `at`.

    `near` are the cameras that the asker may know of: what is kept from the asker is not explained either.
    """
    mous = agency.mous.exclude(state__in=Mou.UNSIGNED).select_related("agency").order_by("document_number", "-version")
    verdicts = [_verdict(mou, call, at, near) for mou in mous]
    place = {"lon": round(call["location"]["lon"], 6), "lat": round(call["location"]["lat"], 6)}
    asked = {"service": call["service"], "type": call["type"], "moment": at.isoformat(), **place}
    record("simulation.run", actor=by, target=agency, **asked)
    return verdicts


def _verdict(mou: Mou, call: dict, at: datetime, near: QuerySet[Camera]) -> Verdict:
    if code := why_closed(mou, call, at):
        return Verdict(mou, code, [], [])
    chosen = cameras_for(mou, call)
    return Verdict(mou, "", chosen, _left_out(mou, call, near, {one.camera.pk for one in chosen}))


def why_closed(mou: Mou, call: dict, at: datetime) -> str:
    """The first rule of the agreement that keeps the call out; empty when it opens."""
    if code := mou.why_not_in_force(at):
        return code
    if not mou.agency.is_active:
        return "disabled"
    if call["service"] not in mou.services:
        return "service_not_covered"
    if not mou.covers_type(call["type"]):
        return "type_not_covered"
    return "" if mou.covers_place(point_of(call)) else "outside_area"


def _left_out(mou: Mou, call: dict, near: QuerySet[Camera], chosen: set[int]) -> list[LeftOut]:
    place = point_of(call)
    within = near.annotate(distance=Distance("location", place)).exclude(pk__in=chosen)
    within = within.filter(distance__lte=reach_of(mou, call)["outer_radius_m"])
    nearest = list(within.select_related("owner", "site").order_by("distance")[:LOOKED_AT])
    allowed = set(mou.cameras().filter(pk__in=[camera.pk for camera in nearest]).values_list("pk", flat=True))
    left_out = set(mou.excluded_owners.values_list("pk", flat=True))
    return [
        LeftOut(camera, round(camera.distance.m, 1), _why_left_out(mou, call, camera, allowed, left_out))
        for camera in nearest
    ]


def _why_left_out(mou: Mou, call: dict, camera: Camera, allowed: set[int], excluded_owners: set[int]) -> str:
    if camera.pk in allowed:
        mixes = camera.is_virtual != call["exercise"] and (call["exercise"] or not settings.DEMO)
        return "virtual" if mixes else "others_first"
    if not camera.is_enabled:
        return "disabled"
    if (mou.purposes and camera.purpose not in mou.purposes) or camera.purpose in mou.excluded_purposes:
        return "purpose"
    if (mou.only_owners and camera.owner_id not in mou.only_owners) or camera.owner_id in excluded_owners:
        return "owner"
    return "camera_outside_area"
