"""The gate: may this party see this camera, in this way, now?

One queryset (`visible_cameras`) and one function (`decide`) that asks it and says why. Both are evaluated
at the time of asking: an agreement that expired a second ago is closed now.

A camera is visible
- by **standing right**: the centre's staff and the owners, through guardian's object permissions,
  `agencies.watch_cameras` on the owning agency or `cameras.watch_camera` on a single camera, while the owner's
  integration agreement is in force (the owner's own people need none);
  a showroom guide watches virtual cameras, and those alone;
- by **provision**: one in force names one of the party's agencies, the camera and the kind.

A camera that its owner keeps back is there for the owner alone. Superusers have no bypass.
"""

from collections.abc import Collection, Hashable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, Q, QuerySet
from django.db.models.functions import Cast
from django.utils import timezone
from django.utils.translation import gettext as _
from guardian.models import GroupObjectPermission, UserObjectPermission

from apps.agencies.models import Membership, User
from apps.agencies.principals import Principal
from apps.cameras.models import Camera
from apps.mous.models import Integration, MediaKind, Provision, ProvisionCamera


@dataclass(frozen=True)
class Decision:
    """What the gate said. `code` is empty when it opened.

    Of a no, `provision` is the one that does not reach as far as was asked.
    """

    camera: Camera | None
    provision: Provision | None = None
    code: str = ""

    @property
    def is_open(self) -> bool:
        return not self.code

    @property
    def recorded_until(self) -> datetime | None:
        """The moment after which nothing recorded is given; None under a standing right, which has no end."""
        return self.provision.recorded_until if self.provision else None

    @property
    def reason(self) -> str:
        return REASONS[self.code]() if self.code else ""


REASONS = {
    "signed_out": lambda: _("You are signed out."),
    "disabled": lambda: _("This account or agency is disabled."),
    "no_mou": lambda: _("No agreement with your agency covers this service."),
    "service_not_covered": lambda: _("This key is not for this service."),
    "type_not_covered": lambda: _("The agreement does not cover this type of incident."),
    "outside_area": lambda: _("The place lies outside the area of the agreement."),
    "no_provision": lambda: _("No such camera is provided to your agency."),
    "provision_revoked": lambda: _("The provision has been revoked."),
    "provision_ended": lambda: _("The provision has ended."),
    "provision_not_begun": lambda: _("The provision has not begun."),
    "incident_closed": lambda: _("The incident is closed."),
    "kind_not_provided": lambda: _("The provision does not include this kind of video."),
    "cannot_ask": lambda: _("The right to watch cannot be checked at the moment."),
    "outside_window": lambda: _("The provision does not include this time."),
    "camera_withdrawn": lambda: _("This camera is no longer part of the provision."),
    "mou_draft": lambda: _("The agreement is not signed."),
    "mou_reviewed": lambda: _("The agreement is not signed."),
    "mou_superseded": lambda: _("A new version of the agreement has taken its place."),
    "mou_suspended": lambda: _("The agreement is suspended."),
    "mou_revoked": lambda: _("The agreement has been revoked."),
    "mou_not_begun": lambda: _("The agreement is not yet in force."),
    "mou_expired": lambda: _("The agreement has expired."),
}


RIGHTS = (("watch_cameras", "agencies"), ("watch_camera", "cameras"))


def visible_cameras(
    principal: Principal, kind: str = MediaKind.LIVE, *, at: datetime | None = None
) -> QuerySet[Camera]:
    """Cameras of which `principal` may see `kind` at `at` (default now), a still being one of now. Empty for nobody."""
    if principal.party is None:
        return Camera.objects.none()
    giving = Provision.objects.of_agencies(principal.agency_ids).giving(kind, at)
    provided = ProvisionCamera.objects.filter(provision__in=giving, removed_at=None).values("camera")
    return _shown(principal).filter(_standing(principal, at) | Q(pk__in=provided))


def _shown(principal: Principal) -> QuerySet[Camera]:
    """Cameras that are on and not kept back from the principal: what a right can open at all."""
    open_to = Q(excluded_at=None) | Q(owner__in=principal.agency_ids)
    return Camera.objects.filter(open_to, is_enabled=True)


def answers_alike(user_ids: Collection[int]) -> dict[int, Hashable]:
    """What the gate's answer to each active user depends on: two users with the same are answered the same.

    So a crowd that watches can be asked for in a few questions. Four queries, however many they are.
    """
    agencies = Membership.objects.filter(user__in=user_ids, user__is_active=True, agency__is_active=True)
    watching = {"permission__codename__in": ("watch_cameras", "watch_camera")}
    own = UserObjectPermission.objects.filter(user__in=user_ids, **watching)
    # By group, not by what each group was given: that is thousands of rows for a shift, and its people share them.
    giving = GroupObjectPermission.objects.filter(**watching).values("group")
    shared = User.groups.through.objects.filter(user__in=user_ids, group__in=giving)
    rights = {pk: set() for pk in User.objects.filter(pk__in=user_ids, is_active=True).values_list("pk", flat=True)}
    for user_id, *right in (
        *agencies.values_list("user", "agency", "role"),
        *own.values_list("user", "permission", "object_pk"),
        *shared.values_list("user", "group"),
    ):
        if user_id in rights:
            rights[user_id].add(tuple(right))
    return {user_id: frozenset(found) for user_id, found in rights.items()}


def has_standing_right(principal: Principal, camera: Camera) -> bool:
    """Does the principal watch this camera by right, without a provision? Of a camera it may see."""
    return principal.party is not None and Camera.objects.filter(_standing(principal), pk=camera.pk).exists()


def own_cameras(principal: Principal) -> QuerySet[Camera]:
    """The cameras of the principal's own agencies, those kept back and switched off among them."""
    if principal.party is None:
        return Camera.objects.none()
    return Camera.objects.filter(_standing(principal), owner__in=principal.agency_ids)


def _standing(principal: Principal, at: datetime | None = None) -> Q:
    if not principal.user_id or not principal.agencies:
        return Q(pk__in=[])
    owners, cameras = (_granted(principal.user_id, *right) for right in RIGHTS)
    granted = Q(owner__in=owners[0]) | Q(owner__in=owners[1]) | Q(pk__in=cameras[0]) | Q(pk__in=cameras[1])
    if principal.is_guide:
        granted |= Q(is_virtual=True)
    return granted & (Q(owner__in=principal.agency_ids) | ~Q(owner__in=Integration.objects.lapsed_owners(at)))


def _granted(user_id: int, codename: str, app: str) -> tuple[QuerySet, QuerySet]:
    """Numbers of what guardian's data gives the user this right over, themselves or by a group.

    Guardian's own get_objects_for_user makes a text of every camera's number and compares those, for one camera as
    for all of them.
    """
    right = {"permission__codename": codename, "permission__content_type__app_label": app}
    own = UserObjectPermission.objects.filter(user=user_id, **right)
    shared = GroupObjectPermission.objects.filter(group__user=user_id, **right)
    over = Cast("object_pk", BigIntegerField())
    return own.values_list(over), shared.values_list(over)


def decide(
    principal: Principal,
    camera_id: int,
    kind: str = MediaKind.LIVE,
    *,
    at: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    provision_id: int | None = None,
) -> Decision:
    """Open or closed, on which provision, and if closed why.

    `window` (from, until) is the recorded time asked for; a provision must hold all of it. A still without one is of
    now, and needs what live video needs. `provision_id` asks for one provision only (a clip is ordered on one, standing
    rights do not help).
    """
    if principal.party is None:
        return Decision(None, code="signed_out" if principal.session_key else "disabled")
    at = at or timezone.now()
    shown = _shown(principal).filter(pk=camera_id).select_related("owner", "site")
    provisions = Provision.objects.of_agencies(principal.agency_ids).filter(provided__camera=camera_id)
    if provision_id is not None:
        provisions = provisions.filter(pk=provision_id)
    elif camera := shown.filter(_standing(principal, at)).first():
        return Decision(camera)
    past = window is not None
    giving = provisions.giving(kind, at, past=past).filter(pk__in=_naming(camera_id))
    for provision in giving.select_related("incident", "mou", "agency").order_by("-starts_at"):
        if (window is None or provision.holds(*window)) and (camera := shown.first()):
            return Decision(camera, provision)
    return _closed(provisions, camera_id, kind, at, past)


def _naming(camera_id: int) -> QuerySet:
    """Ids of the provisions that give the camera and have not been narrowed by it."""
    return ProvisionCamera.objects.filter(camera=camera_id, removed_at=None).values("provision")


def _closed(provisions: QuerySet[Provision], camera_id: int, kind: str, at: datetime, past: bool) -> Decision:
    """No, for the reason of the newest provision that ever named the camera to these agencies."""
    newest = provisions.select_related("incident", "mou", "agency").order_by("-starts_at").first()
    if newest is None:
        return Decision(None, code="no_provision")
    code = newest.why_closed(kind, at, past=past)
    if code == "outside_window" and not newest.provided.given().filter(camera=camera_id).exists():
        return Decision(None, code="camera_withdrawn")
    return Decision(None, newest if code == "outside_window" else None, code)
