from django.db.models import Q
from django.shortcuts import get_object_or_404, render

from apps.agencies.principals import principal_of
from apps.retention.models import Certificate


def certificate(request, certificate_id):
    """The certificate as a page to be printed: for who may see all of them, and for the agency it concerns."""
    certificates = Certificate.objects.select_related("camera__site", "copy__provision", "hold__agency", "copy__agency")
    if not request.user.has_perm("retention.view_certificate"):
        own = principal_of(request).agency_ids
        certificates = certificates.filter(Q(copy__agency__in=own) | Q(hold__agency__in=own))
    found = get_object_or_404(certificates, pk=certificate_id)
    return render(request, "retention/certificate.html", {"certificate": found})
