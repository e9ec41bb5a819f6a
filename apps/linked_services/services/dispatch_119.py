"""119 dispatch: live video of the scene and the way there, to the fire and EMS control room and the engine."""

from django.utils.translation import gettext_lazy as _

from apps.linked_services.services.base import Service

SERVICE = Service(
    code="119-dispatch",
    name=_("119 dispatch"),
    types={"fire": _("Fire"), "rescue": _("Rescue"), "ems": _("Medical emergency"), "other_fire": _("Other")},
    steps=(
        _("Acknowledge the call."),
        _("Check smoke, flames and people in the first picture; tell the control room."),
        _("Watch the way there: blocked lanes, parked cars at the hydrant."),
        _("Follow how the fire or the rescue develops until the units are on scene."),
        _("Close with the outcome when the control room reports the end."),
    ),
)
