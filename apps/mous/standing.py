"""Standing rights: who watches which cameras without a provision. Granted here, read by the gate."""

from django.db import transaction
from guardian.shortcuts import assign_perm, get_groups_with_perms, remove_perm

from apps.agencies.actions import staff_group
from apps.agencies.models import Agency, Membership
from apps.audit.actions import record

Role = Membership.Role
WATCH = "agencies.watch_cameras"
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
