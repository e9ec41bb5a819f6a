from django.conf import settings
from django.utils.functional import SimpleLazyObject
from django.utils.translation import get_language

from apps.agencies.models import Membership
from apps.console.texts import script_texts


def city(request):
    """What every page says: whose city this is, who is looking, and the words the scripts use."""
    return {
        "city_name": _city_name(),
        "city_zone": settings.TIME_ZONE,
        "city_phone": settings.CITY["phone"],
        "demo": settings.DEMO,
        "live_by": settings.LIVE_BY,
        "idle_lock_minutes": settings.IDLE_LOCK_MINUTES,
        "duty": SimpleLazyObject(lambda: _duty(request)),
        "map_settings": {
            "centre": settings.CITY["centre"],
            "tiles": settings.MAP_TILES_URL,
            "attribution": settings.MAP_ATTRIBUTION,
        },
        "script_texts": script_texts,
    }


def _city_name() -> str:
    return settings.CITY["name_ko"] if (get_language() or "ko").startswith("ko") else settings.CITY["name_en"]


def _duty(request) -> Membership | None:
    """The membership that the signed-in person's pages speak for."""
    if not getattr(request, "user", None) or not request.user.is_authenticated:
        return None
    return request.user.memberships.select_related("agency").order_by("pk").first()
