"""What is done to cameras and their registry."""

from django.utils import timezone

from apps.cameras.boundaries import load_boundaries
from apps.cameras.models import Camera
from apps.cameras.registry import export_cctv, import_cctv

__all__ = ["camera_numbered", "export_cctv", "import_cctv", "load_boundaries", "set_status"]


def set_status(camera_id: int, status: str, reason: str = "") -> bool:
    """Note how a camera does; True when that was news. Says it again for free, as recorders do."""
    known = Camera.objects.filter(pk=camera_id)
    return bool(
        known.exclude(status=status, status_reason=reason[:300]).update(
            status=Camera.Status(status), status_reason=reason[:300], status_at=timezone.now()
        )
    )


def camera_numbered(number: str) -> Camera | None:
    """The camera that a letter names, unless its owner keeps it back. Only to tell what is on record of it."""
    return Camera.objects.shared().select_related("site", "owner").filter(number=number).first()
