"""Roles that one person does not give alone: one proposes, another approves, as agreements are signed by two."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies import actions
from apps.agencies.models import Agency, Membership, Nomination, User
from apps.audit.actions import record
from apps.audit.models import Entry

# By these one person comes by the account of another: whom the proposer has lately reset, approves nothing of theirs.
RESETS = ("person.password_taken", "person.password_given", "person.second_factor_taken")
LATELY = timedelta(days=7)


class NotAlone(Exception):
    """It takes another person, or another state of things; the words say which."""


def may_decide(person: User) -> bool:
    return person.is_superuser or actions.administered_by(person).filter(kind=Agency.Kind.CENTRE).exists()


@transaction.atomic
def approve(nomination: Nomination, *, by: User) -> Membership:
    """Let the role hold from now on. NotAlone: `by` proposed it, is meant by it, or may be the proposer in disguise."""
    nomination = _waiting(nomination, by)
    if by in (nomination.proposed_by, nomination.user):
        raise NotAlone(_("It takes another person than the one who proposed it, or is meant."))
    if not nomination.user.is_active:
        raise NotAlone(_("This account is disabled."))
    reset = Entry.objects.filter(
        verb__in=RESETS,
        actor=nomination.proposed_by,
        target=f"{User._meta.label_lower}:{by.pk}",
        at__gt=timezone.now() - LATELY,
    )
    if reset.exists():
        raise NotAlone(_("Who proposed it has lately reset how you sign in: somebody else approves it."))
    _decide(nomination, by, approved=True)
    given = {"rank": nomination.rank, "proposed_by": str(nomination.proposed_by)}
    return actions.enrol(nomination.user, nomination.agency, nomination.role, by=by, **given)


@transaction.atomic
def refuse(nomination: Nomination, *, by: User) -> None:
    """Nothing is given; whoever proposed it may take it back this way, too."""
    nomination = _waiting(nomination, by)
    _decide(nomination, by, approved=False)
    record("member.not_seconded", actor=by, target=nomination.user, agency=nomination.agency.code, role=nomination.role)


def _waiting(nomination: Nomination, by: User) -> Nomination:
    nomination = Nomination.objects.select_for_update().get(pk=nomination.pk)
    if not may_decide(by):
        raise NotAlone(_("You do not have the right to do this."))
    if nomination.decided_at:
        raise NotAlone(_("This has been decided already."))
    return nomination


def _decide(nomination: Nomination, by: User, *, approved: bool) -> None:
    nomination.approved, nomination.decided_by, nomination.decided_at = approved, by, timezone.now()
    nomination.save()
