from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.groups import role_group, staff_group
from apps.agencies.models import Agency, ApiKey, Membership, Nomination, User
from apps.agencies.principals import CENTRE_ROLES
from apps.agencies.sittings import end_all
from apps.audit.actions import record

Role = Membership.Role
ADMINISTRATION_ROLES = (Role.ADMINISTRATOR, Role.SUPERVISOR, Role.AUDITOR)
# Time for an agency to put a new key into its system.
ROTATION_OVERLAP = timedelta(days=7)


@transaction.atomic
def enrol(user: User, agency: Agency, role: str, *, by, rank: str = "", **facts) -> Membership:
    """Make `user` a member of `agency`; `facts` go on record with it. A second call changes nothing."""
    membership, is_new = Membership.objects.get_or_create(user=user, agency=agency, role=role, defaults={"rank": rank})
    join_groups(membership)
    if is_new:
        record("member.enrolled", actor=by, target=user, agency=agency.code, role=role, **facts)
    return membership


def join_groups(membership: Membership) -> None:
    """The centre's roles carry rights over everything; the same role in another agency carries none of them."""
    membership.user.groups.add(staff_group(membership.agency, membership.role))
    if membership.agency.kind == Agency.Kind.CENTRE or membership.role not in CENTRE_ROLES:
        membership.user.groups.add(role_group(membership.role))
    open_administration(membership.user)


def open_administration(user: User) -> None:
    """The administration opens to those of the centre whose role has work there."""
    roles = user.memberships.filter(agency__kind=Agency.Kind.CENTRE, role__in=ADMINISTRATION_ROLES)
    opens = user.is_superuser or roles.exists()
    if user.is_staff != opens:
        user.is_staff = opens
        user.save(update_fields=["is_staff"])


def takes_two(agency: Agency, role: str) -> bool:
    """Does the role watch others' cameras, or give such rights? Only the centre's do."""
    return agency.kind == Agency.Kind.CENTRE and role in CENTRE_ROLES


@transaction.atomic
def admit(user: User, agency: Agency, role: str, *, by: User, rank: str = "") -> Membership | Nomination:
    """Make `user` a member, or propose it where that takes two. A second call changes nothing."""
    held = user.memberships.filter(agency=agency, role=role)
    if held.exists() or not takes_two(agency, role):
        return enrol(user, agency, role, by=by, rank=rank)
    proposal = {"proposed_by": by, "rank": rank}
    nomination, is_new = Nomination.objects.waiting().get_or_create(
        user=user, agency=agency, role=role, defaults=proposal
    )
    if is_new:
        record("member.proposed", actor=by, target=user, agency=agency.code, role=role)
    return nomination


@transaction.atomic
def dismiss(membership: Membership, *, by) -> None:
    """End a membership and what followed from it."""
    user, agency, role = membership.user, membership.agency, membership.role
    membership.delete()
    user.groups.remove(staff_group(agency, role))
    if not user.memberships.filter(role=role).exists():
        user.groups.remove(role_group(role))
    open_administration(user)
    record("member.dismissed", actor=by, target=user, agency=agency.code, role=role)


class NotTheirs(Exception):
    """An agency's administrator reached beyond their own agency."""


def administered_by(user: User) -> QuerySet[Agency]:
    """The agencies whose members `user` manages: their own, and no other."""
    own = user.memberships.filter(role=Role.ADMINISTRATOR).values("agency")
    return Agency.objects.filter(pk__in=own, is_active=True)


def roles_of(agency: Agency) -> list[Membership.Role]:
    """The roles that an agency's administrator may give."""
    if agency.kind == Agency.Kind.CENTRE:
        return [role for role in Role if role not in (Role.LIAISON, Role.OFFICER, Role.OWNER)]
    return [Role.LIAISON, Role.OFFICER, Role.OWNER, Role.ADMINISTRATOR]


@transaction.atomic
def invite(
    agency: Agency, role: str, *, username: str, last_name: str, first_name: str, rank: str = "", by: User
) -> User:
    """Make a person a member of `agency`, or propose them. They set a password by the link that `by` hands them."""
    _check(agency, by)
    if role not in roles_of(agency):
        raise NotTheirs
    user = User(username=username, last_name=last_name, first_name=first_name)
    user.set_unusable_password()
    user.save(force_insert=True)
    record("person.invited", actor=by, target=user, agency=agency.code)
    admit(user, agency, role, by=by, rank=rank)
    return user


@transaction.atomic
def name_rank(membership: Membership, rank: str, *, by: User) -> None:
    """The rank or position that the register names this member with, from now on."""
    _check(membership.agency, by)
    give_rank(membership, rank, by=by)


@transaction.atomic
def give_rank(membership: Membership, rank: str, *, by: User) -> None:
    Membership.objects.filter(pk=membership.pk).update(rank=rank)
    record("member.rank_named", actor=by, target=membership.user, agency=membership.agency.code, rank=rank)


@transaction.atomic
def send_away(membership: Membership, *, by: User) -> None:
    """End a membership; whoever has none left cannot sign in any more, and is signed out everywhere."""
    _check(membership.agency, by)
    user = membership.user
    dismiss(membership, by=by)
    if not user.memberships.exists():
        User.objects.filter(pk=user.pk).update(is_active=False)
        record("person.disabled", actor=by, target=user)
        end_all(user, because="no membership left", by=by)


@transaction.atomic
def take_password(membership: Membership, *, by: User) -> None:
    """Let a member set a new password: the old one is void, and every session of theirs ends."""
    user = reset_by(membership, by=by)
    user.set_unusable_password()
    user.save(update_fields=["password"])
    record("person.password_taken", actor=by, target=user)
    end_all(user, because="password taken", by=by)


def reset_by(membership: Membership, *, by: User) -> User:
    """The member whose means of signing in `by` may make void. NotTheirs says why not.

    Who belongs to another agency as well is not for this one's administrator to shut out there.
    """
    _check(membership.agency, by)
    if membership.user.memberships.exclude(agency=membership.agency).exists():
        raise NotTheirs(_("This person belongs to another agency as well: ask the centre."))
    if not by.may_come_by(membership.user):
        raise NotTheirs(_("You do not have the right to do this."))
    return membership.user


def _check(agency: Agency, by: User) -> None:
    if not administered_by(by).filter(pk=agency.pk).exists():
        raise NotTheirs


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
