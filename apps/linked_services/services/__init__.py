"""The services a city links: one module each. A sixth is one more module, named in `ALL`."""

from apps.agencies.services import NAMES
from apps.linked_services.services import disaster, dispatch_119, onsite_112, patrol_112, protection
from apps.linked_services.services.base import Service

ALL: dict[str, Service] = {
    module.SERVICE.code: module.SERVICE for module in (onsite_112, patrol_112, dispatch_119, disaster, protection)
}
NAMES.update((code, service.name) for code, service in ALL.items())

__all__ = ["ALL", "Service"]
