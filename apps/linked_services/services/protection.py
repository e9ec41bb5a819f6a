"""Protection of the vulnerable: person card and neighbouring cameras, to police and fire."""

from django.utils.translation import gettext_lazy as _

from apps.linked_services.services.base import Service

SERVICE = Service(
    code="protection",
    name=_("Protection of the vulnerable"),
    types={"sos": _("SOS signal"), "left_safe_zone": _("Left the safe zone"), "lost": _("Lost person")},
)
