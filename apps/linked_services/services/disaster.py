"""Disaster: live video of threatened places, to the situation room."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.linked_services.services.base import Service

SERVICE = Service(
    code="disaster",
    name=pgettext_lazy("service", "Disaster"),
    types={
        "typhoon": _("Typhoon"),
        "heavy_rain": _("Heavy rain"),
        "flood": _("Flood"),
        "forest_fire": _("Forest fire"),
        "heavy_snow": _("Heavy snow"),
        "earthquake": _("Earthquake"),
        "landslide": _("Landslide"),
        "accident": _("Large accident"),
    },
    outer_radius_m=2_000,
)
