"""112 on-site video: live and recorded video around the scene, to the police control room."""

from django.utils.translation import gettext_lazy as _

from apps.linked_services.services.base import POLICE_TYPES, Service

SERVICE = Service(
    code="112-onsite",
    name=_("112 on-site video"),
    types=POLICE_TYPES,
    steps=(
        _("Acknowledge the call."),
        _("Check that the first picture shows the place; replace cameras 2 to 5 if another sees it better."),
        _("Look for the persons and vehicles described; note direction of escape."),
        _("Tell the police control room what you see."),
        _("Close with the outcome when the police report the end."),
    ),
)
