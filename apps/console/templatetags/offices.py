from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.actions import administered_by
from apps.agencies.models import Membership
from apps.agencies.principals import principal_of
from apps.console.alarm_pages import alarms_for
from apps.console.hold_pages import may_see_holds
from apps.mous.models import ProvisionRequest, UrgentReview
from apps.retention.models import Hold
from apps.viewing.checks import may_check
from apps.viewing.models import Finding

register = template.Library()


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
            ("agreements", _("Agreements"), 0),
            ("alarms", _("Camera alarms"), alarms_for(principal).open().count()),
            ("simulator", _("Simulator"), 0),
        ]
        if request.user.has_perm("mous.view_ledgerentry"):
            pages.append(("register", _("Register"), 0))
    elif not principal.agencies:
        pages = []
    else:
        pages = [
            ("agency", _("Live"), 0),
            ("agency_requests", _("Requests"), 0),
            ("agency_answers", _("Results and copies"), 0),
            ("agreements", _("Agreements"), 0),
        ]
        if any(membership.role == Membership.Role.OWNER for membership in principal.memberships):
            pages.append(("own_cameras", _("Own cameras"), 0))
    if may_see_holds(request.user):
        due = Hold.objects.in_force().filter(review_at__lte=timezone.now()).count()
        pages.append(("holds", _("Holds"), due))
    if may_check(request.user):
        pages.append(("checks", _("Monthly check"), Finding.objects.filter(signed_at=None).count()))
    if administered_by(request.user).exists():
        pages.append(("members", _("Members"), 0))
    return [(name, reverse(name), words, count) for name, words, count in pages]


@register.filter
def model_name(thing) -> str:
    return thing._meta.verbose_name
