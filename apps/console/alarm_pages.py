"""Camera alarms: what is wrong with pictures and recordings, now and before."""

from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.principals import Principal, principal_of
from apps.agencies.refusals import noted
from apps.console.operator_page import staff_only
from apps.mous.actions import NotAllowed
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind
from apps.video.models import CameraAlarm
from apps.viewing.actions import accept_view

IN_THE_BAR = 100
ON_A_PAGE = 50
Kind = CameraAlarm.Kind


def alarms_for(principal: Principal):
    """Of cameras that the reader may see."""
    cameras = visible_cameras(principal, MediaKind.LIVE)
    return CameraAlarm.objects.filter(camera__in=cameras.values("pk")).select_related("camera__site", "camera__owner")


@staff_only
def bar(request):
    """What is wrong now, the newest first, for the bar of the desk."""
    found = alarms_for(principal_of(request)).open()
    return render(request, "console/_alarms.html", {"alarms": found[:IN_THE_BAR], "count": found.count()})


@staff_only
def page(request):
    which, kind = request.GET.get("which", "open"), request.GET.get("kind", "")
    words = request.GET.get("q", "").strip()[:80]
    found = alarms_for(principal_of(request))
    if which == "open":
        found = found.open()
    elif which == "past":
        found = found.exclude(ended_at=None)
    if kind in Kind.values:
        found = found.filter(kind=kind)
    if words:
        place = Q(camera__site__road_address__icontains=words) | Q(camera__site__lot_address__icontains=words)
        found = found.filter(Q(camera__number__icontains=words) | place)
    context = {
        "page": Paginator(found, ON_A_PAGE).get_page(request.GET.get("page")),
        "which": which,
        "kind": kind,
        "kinds": Kind.choices,
        "words": words,
        "extra": urlencode({"which": which, "kind": kind, "q": words}),
    }
    return render(request, "console/alarms.html", context)


@staff_only
@require_POST
def accept(request, alarm_id):
    """The camera was turned on purpose: what it shows now is what it shall show."""
    alarm = get_object_or_404(alarms_for(principal_of(request)), pk=alarm_id, kind=Kind.MOVED)
    try:
        accept_view(alarm, by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    else:
        number = alarm.camera.number
        messages.success(request, _("The new view of %(number)s is accepted; it is learnt anew.") % {"number": number})
    return redirect("alarms")
