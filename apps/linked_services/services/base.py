from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

POLICE_TYPES: dict[str, Promise] = {
    "murder": _("Murder"),
    "robbery": _("Robbery"),
    "kidnap": _("Kidnapping"),
    "assault": _("Assault"),
    "theft": _("Theft"),
    "snatching": _("Snatching"),
    "sexual_violence": _("Sexual violence"),
    "domestic_violence": _("Domestic violence"),
    "child_abuse": _("Child abuse"),
    "other_crime": _("Other crime"),
    "public_order": _("Public order"),
    "traffic_accident": _("Traffic accident"),
    "missing_person": _("Missing person"),
    "suicide_risk": _("Person at risk of suicide"),
    "emergency_bell": _("Emergency bell"),
    "other_police": _("Other police work"),
}


@dataclass(frozen=True)
class Service:
    """What a linked service asks of the centre.

    `cameras`, `radius_m` and `outer_radius_m` are the service's own limits; an MOU may only narrow them.
    `steps` is the operator's procedure (SOP), in order.
    """

    code: str
    name: Promise
    types: dict[str, Promise]
    cameras: int = 9
    radius_m: float = 500
    outer_radius_m: float = 1_000
    steps: tuple[Promise, ...] = field(default=())
