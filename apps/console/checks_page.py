"""The monthly check of the access log: findings, each signed off by a person."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.refusals import noted
from apps.viewing import checks
from apps.viewing.models import Finding, MonthlyCheck


def must_check(request) -> None:
    if not checks.may_check(request.user):
        raise PermissionDenied(
            _("The access log is checked by auditors, supervisors and administrators of the centre.")
        )


def page(request):
    must_check(request)
    months = MonthlyCheck.objects.all()[:24]
    wanted = request.GET.get("month", "")
    shown = next((check for check in months if str(check) == wanted), months[0] if months else None)
    found = shown.findings.select_related("signed_by") if shown else ()
    return render(request, "console/checks.html", {"months": months, "shown": shown, "findings": found})


@require_POST
def sign_off(request, finding_id: int):
    must_check(request)
    finding = get_object_or_404(Finding.objects.select_related("check_of"), pk=finding_id)
    in_order = request.POST.get("in_order") == "yes"
    try:
        checks.sign_off(finding, in_order=in_order, answer=request.POST.get("answer", "")[:300], by=request.user)
    except checks.NotTheirCheck as refusal:
        messages.error(request, noted(request, refusal))
    return redirect(f"/checks/?month={finding.check_of}")
