"""The guide's page: virtual cameras and exercises, for visitors to see. Nothing real is on it."""

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.shortcuts import render
from django.utils.translation import gettext as _

from apps.agencies.principals import principal_of
from apps.incidents.models import Incident
from apps.mous.gate import visible_cameras

SHOWN = 9


def page(request):
    principal = principal_of(request)
    if not (principal.is_guide or principal.is_centre_staff):
        raise PermissionDenied(_("This page is for those who show visitors the centre."))
    cameras = visible_cameras(principal).filter(is_virtual=True).select_related("site").order_by("number")
    exercises = Incident.objects.filter(is_exercise=True).order_by("-received_at")
    context = {"cameras": cameras[:SHOWN], "exercises": exercises[:SHOWN], "demo": settings.DEMO}
    return render(request, "console/showroom.html", context)
