"""Certificates to be read and printed: for who may see all of them, and for the agency that they concern."""

from django.conf import settings
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import override

from apps.agencies.principals import principal_of
from apps.retention.certificates import confirmation_of, facts_of, sheet_of, statement
from apps.retention.models import Certificate
from apps.viewing.models import ProvidedCopy


def certificate(request, certificate_id):
    found = _certificate_for(request, certificate_id)
    context = {"certificate": found, "facts": facts_of(found), "statement": statement()}
    return render(request, "retention/certificate.html", context)


def certificate_file(request, certificate_id):
    found = _certificate_for(request, certificate_id)
    return _paper(found.number, lambda: sheet_of(found))


def confirmation_file(request, copy_id):
    """What the recipient confirmed of a copy it took."""
    related = ("clip__camera__site", "provision", "agency", "confirmed_by")
    copies = ProvidedCopy.objects.exclude(confirmed_at=None).select_related(*related)
    if not request.user.has_perm("retention.view_certificate"):
        copies = copies.filter(agency__in=principal_of(request).agency_ids)
    copy = get_object_or_404(copies, pk=copy_id)
    return _paper(f"R{copy.pk}", lambda: confirmation_of(copy))


def _certificate_for(request, certificate_id) -> Certificate:
    related = ("camera__site", "copy__provision", "copy__agency", "hold__agency")
    certificates = Certificate.objects.select_related(*related)
    if not request.user.has_perm("retention.view_certificate"):
        own = principal_of(request).agency_ids
        certificates = certificates.filter(Q(copy__agency__in=own) | Q(hold__agency__in=own))
    return get_object_or_404(certificates, pk=certificate_id)


def _paper(name: str, sheet) -> HttpResponse:
    """As PDF, in the city's language whoever prints it."""
    with override(settings.LANGUAGE_CODE):
        body = sheet().printed()
    headers = {"Content-Disposition": f'inline; filename="{name}.pdf"', "Cache-Control": "no-store, private"}
    return HttpResponse(body, content_type="application/pdf", headers=headers)
