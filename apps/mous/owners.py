"""What an owner does with its own cameras: keep one back from everybody else, share it again."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.models import Membership, User
from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.mous.actions import NotAllowed
from apps.mous.models import Provision, ProvisionCamera
from apps.mous.purposes import settle

KEEPING_ROLES = (Membership.Role.OWNER, Membership.Role.ADMINISTRATOR)


@transaction.atomic
def keep_back(camera: Camera, *, by: User, reason: str) -> None:
    """Nobody but the owner sees this camera, or that there is one, from now on; open sockets close within 2 s."""
    _require_owner(camera, by)
    if not reason.strip():
        raise NotAllowed(_("Say why the camera is kept back."))
    _set(camera, excluded_at=timezone.now(), excluded_reason=reason.strip()[:300])
    provided = ProvisionCamera.objects.filter(camera=camera, removed_at=None, provision__ends_at__gt=timezone.now())
    named = set(provided.values_list("provision", "provision__agency"))
    provided.update(removed_at=timezone.now())
    settle(Provision.objects.filter(pk__in=[provision for provision, _agency in named]))
    record("camera.kept_back", actor=by, target=camera, reason=reason)
    _tell(camera, sorted({agency for _provision, agency in named}))


@transaction.atomic
def share_again(camera: Camera, *, by: User) -> None:
    """Let the camera be chosen and watched again. What it was taken out of stays without it."""
    _require_owner(camera, by)
    _set(camera, excluded_at=None, excluded_reason="")
    record("camera.shared_again", actor=by, target=camera)
    _tell(camera, [])


def _require_owner(camera: Camera, by: User) -> None:
    if not by.memberships.filter(agency=camera.owner_id, agency__is_active=True, role__in=KEEPING_ROLES).exists():
        raise NotAllowed(_("Only its owner decides whether a camera is shared."))


def _set(camera: Camera, **changes) -> None:
    """Changes these columns alone: the recorder may be writing the others."""
    camera.owner.cameras.filter(pk=camera.pk).update(**changes)
    for name, value in changes.items():
        setattr(camera, name, value)


def _tell(camera: Camera, agencies: list[int]) -> None:
    """Lists and maps are asked for again. The event names no camera: whoever may not see it learns nothing."""
    publish([Event(kind="camera.sharing", object_id=0, agencies=[*agencies, camera.owner_id])])
