from datetime import timedelta

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from apps.agencies.models import Agency, ApiKey, Membership, User
from apps.audit.actions import record

Role = Membership.Role
# Time for an agency to put a new key into its system.
ROTATION_OVERLAP = timedelta(days=7)


def role_group(role: str) -> Group:
    """The group that holds what a role may do in the admin."""
    return Group.objects.get_or_create(name=f"role: {role}")[0]


def staff_group(agency: Agency, role: str) -> Group:
    """The people of one agency in one role: what standing rights are granted to."""
    return Group.objects.get_or_create(name=f"{role}s of {agency.code}")[0]


@transaction.atomic
def enrol(user: User, agency: Agency, role: str, *, by) -> Membership:
    """Make `user` a member of `agency`. A second call changes nothing."""
    membership, is_new = Membership.objects.get_or_create(user=user, agency=agency, role=role)
    join_groups(membership)
    if is_new:
        record("member.enrolled", actor=by, target=user, agency=agency.code, role=role)
    return membership


def join_groups(membership: Membership) -> None:
    membership.user.groups.add(role_group(membership.role), staff_group(membership.agency, membership.role))


@transaction.atomic
def dismiss(membership: Membership, *, by) -> None:
    """End a membership and what followed from it."""
    user, agency, role = membership.user, membership.agency, membership.role
    membership.delete()
    user.groups.remove(staff_group(agency, role))
    if not user.memberships.filter(role=role).exists():
        user.groups.remove(role_group(role))
    record("member.dismissed", actor=by, target=user, agency=agency.code, role=role)


@transaction.atomic
def rotate(key: ApiKey, *, by, overlap: timedelta = ROTATION_OVERLAP) -> tuple[ApiKey, str]:
    """Issue a key like `key` in its place; the old one goes on for `overlap`, so that no call is lost meanwhile."""
    same = {name: getattr(key, name) for name in ("scopes", "networks", "must_sign")}
    successor, secret = ApiKey.issue(key.agency, key.label, key.services, replaces=key, **same)
    ends = timezone.now() + overlap
    ApiKey.objects.filter(pk=key.pk).exclude(expires_at__lt=ends).update(expires_at=ends)
    record("apikey.rotated", actor=by, target=key, successor=successor.pk, until=ends.isoformat())
    return successor, secret


@transaction.atomic
def revoke_key(key: ApiKey, *, by) -> None:
    """Close a key at once; open sockets notice within two seconds."""
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
        record("apikey.revoked", actor=by, target=key)
