"""112 patrol: photo of the scene, route of escape and evidence, to the officer's phone or car."""

from django.utils.translation import gettext_lazy as _

from apps.linked_services.services.base import POLICE_TYPES, Service

SERVICE = Service(code="112-patrol", name=_("112 patrol"), types=POLICE_TYPES, cameras=5)
