from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.actions import administered_by
from apps.agencies.models import Agency, Membership, Nomination
from apps.agencies.nominations import may_decide
from apps.agencies.principals import Principal, principal_of
from apps.console.agreement_pages import waiting_for
from apps.console.alarm_pages import alarms_for
from apps.console.hold_pages import may_see_holds
from apps.mous.models import ProvisionRequest, UrgentReview
from apps.retention.models import Hold
from apps.viewing.checks import may_check
from apps.viewing.models import Finding

register = template.Library()
Role = Membership.Role


@register.simple_tag
def roles_waiting_for(person) -> int:
    """Roles that this person may approve, or take back."""
    return Nomination.objects.waiting().exclude(user=person).count() if may_decide(person) else 0


@register.simple_tag(takes_context=True)
def office_pages(context) -> list[tuple]:
    """The pages beside this one that the reader has: (name, address, words, how many wait there)."""
    request = context["request"]
    principal = principal_of(request)
    if principal.is_centre_staff:
        requests = ProvisionRequest.objects.filter(state__in=ProvisionRequest.WAITING).count()
        reviews = UrgentReview.objects.filter(reviewed_at=None).count()
        pages = [
            ("operator", _("Operator’s desk"), 0),
            ("provisions", _("Provisions"), 0),
            ("requests", _("Requests"), requests),
            ("urgent_reviews", _("Break-glass"), reviews),
            ("agreements", _("Agreements"), waiting_for(request.user, principal)),
            ("alarms", _("Camera alarms"), alarms_for(principal).open().count()),
            ("simulator", _("Simulator"), 0),
        ]
    else:
        pages = pages_of_agency(principal, request.user)
        if request.user.has_perm("mous.view_mou"):
            pages.append(("agreements", _("Agreements"), 0))
    if request.user.has_perm("mous.view_ledgerentry"):
        pages += [("register", _("Register"), 0), ("hit_rate", _("Hit rate"), 0)]
    if request.user.has_perm("viewing.view_viewlog"):
        pages.append(("who_saw", _("Who saw"), 0))
    if may_see_holds(request.user):
        due = Hold.objects.in_force().filter(review_at__lte=timezone.now()).count()
        pages.append(("holds", _("Holds"), due))
    if may_check(request.user):
        pages.append(("checks", _("Monthly check"), Finding.objects.filter(signed_at=None).count()))
    if administered_by(request.user).exists():
        pages.append(("members", _("Members"), 0))
    if request.user.has_perm("audit.view_entry") and request.user.is_staff:
        pages.append(("admin:audit_entry_changelist", _("Audit"), 0))
    return [(name, reverse(name), words, count) for name, words, count in pages]


def pages_of_agency(principal: Principal, person) -> list[tuple]:
    """For those who are not of the centre's staff, by role: a field officer needs less than a liaison."""
    roles = {member.role for member in principal.memberships if member.agency.kind != Agency.Kind.CENTRE}
    pages = []
    if roles:
        pages = [("agency", _("Live"), 0), ("agency_answers", _("Results and copies"), 0)]
    if roles - {Role.OFFICER}:
        pages.append(("agency_requests", _("Requests"), 0))
        pages.append(("agreements", _("Agreements"), waiting_for(person, principal)))
    if Role.OWNER in roles:
        pages.append(("own_cameras", _("Own cameras"), 0))
    if principal.is_guide:
        pages.append(("showroom", _("Showroom"), 0))
    return pages


@register.filter
def model_name(thing) -> str:
    return thing._meta.verbose_name
