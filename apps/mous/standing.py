"""Standing rights: who watches which cameras without a provision. Granted here, read by the gate."""

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _
from guardian.models import GroupObjectPermission
from guardian.shortcuts import assign_perm, get_groups_with_perms, remove_perm

from apps.agencies.groups import of_roles, staff_group, staff_groups
from apps.agencies.models import Agency, Membership
from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.mous.actions import NotAllowed

Role = Membership.Role
WATCH = "agencies.watch_cameras"
WATCH_ONE = "cameras.watch_camera"
WATCHING_ROLES = (Role.OPERATOR, Role.SUPERVISOR)


@transaction.atomic
def join_centre(owner: Agency, *, by) -> None:
    """An owner joins by an integration agreement: the centre's staff, and its own, watch its cameras."""
    for centre in Agency.objects.filter(kind=Agency.Kind.CENTRE):
        for role in WATCHING_ROLES:
            assign_perm(WATCH, staff_group(centre, role), owner)
    assign_perm(WATCH, staff_group(owner, Role.OWNER), owner)
    record("owner.joined", actor=by, target=owner)


@transaction.atomic
def leave_centre(owner: Agency, *, by) -> None:
    """The agreement ends: from now on only the owner's own people watch its cameras."""
    for group in get_groups_with_perms(owner):
        if group != staff_group(owner, Role.OWNER):
            remove_perm(WATCH, group, owner)
    record("owner.left", actor=by, target=owner)


@transaction.atomic
def let_watch(group: Group, cameras: QuerySet[Camera], *, by) -> int:
    """The people of `group`, such as a shift, watch these cameras; how many are new to them."""
    _check(group, by)
    given = assign_perm(WATCH_ONE, group, cameras)
    numbers = dict(cameras.values_list("pk", "number"))
    new = sorted(numbers[int(right.object_pk)] for right in given)
    record("right.given", actor=by, target=group, group=group.name, cameras=new)
    return len(new)


@transaction.atomic
def no_longer_watch(group: Group, cameras: QuerySet[Camera], *, by) -> int:
    """The people of `group` watch these cameras no longer, unless by another right. Open pictures close."""
    _check(group, by)
    numbers = {str(pk): number for pk, number in cameras.values_list("pk", "number")}
    right = {"group": group, "permission__codename": "watch_camera", "permission__content_type__app_label": "cameras"}
    held = GroupObjectPermission.objects.filter(**right, object_pk__in=numbers)
    lost = sorted(numbers[pk] for pk in held.values_list("object_pk", flat=True))
    held.delete()
    record("right.taken", actor=by, target=group, group=group.name, cameras=lost)
    return len(lost)


def shift_groups() -> QuerySet[Group]:
    """The groups that cameras are given to: those made for it, and the centre's own people who watch.

    Another agency's people watch what is provided to them: no group of theirs is given a standing right by hand.
    """
    own = staff_groups(Agency.objects.filter(kind=Agency.Kind.CENTRE), WATCHING_ROLES)
    return Group.objects.filter(Q(pk__in=own) | ~Q(pk__in=of_roles())).order_by("name")


def _check(group: Group, by) -> None:
    if by is None:
        return
    if not by.has_perm("mous.give_watching"):
        raise NotAllowed(_("You do not have the right to do this."))
    if by.groups.filter(pk=group.pk).exists():
        raise NotAllowed(_("What you watch yourself is decided by somebody else."))
