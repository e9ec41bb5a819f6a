"""Holds: recordings kept beyond their days. Placed, reviewed and released by those who have the right."""

from datetime import timedelta
from functools import wraps

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.models import User
from apps.agencies.principals import Principal, principal_of
from apps.agencies.refusals import noted
from apps.console.hold_forms import PlaceForm, ReviewForm
from apps.console.playback_page import marked_period, whole_number
from apps.incidents.models import Incident
from apps.mous.actions import NotAllowed
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind, ProvisionCamera
from apps.retention import actions
from apps.retention.forms import ReleaseForm
from apps.retention.models import Hold

ON_A_PAGE = 50
BEFORE_CALL, AFTER_CALL = timedelta(minutes=10), timedelta(hours=1)
USUAL_LENGTH = timedelta(days=90)
# verb: (its form, what does it, the right it needs)
STEPS = {
    "review": (ReviewForm, actions.review_hold, "retention.extend_hold"),
    "release": (ReleaseForm, actions.release_hold, "retention.release_hold"),
}
RIGHTS = ("retention.view_hold", "retention.place_hold", *(right for _form, _act, right in STEPS.values()))


def may_see_holds(person: User) -> bool:
    return any(person.has_perm(right) for right in RIGHTS)


def keepers_only(view):
    @wraps(view)
    def checked(request, *args, **kwargs):
        if not may_see_holds(request.user):
            raise PermissionDenied(_("This page is for those who place, review or release holds."))
        return view(request, *args, **kwargs)

    return checked


@keepers_only
def list_page(request):
    """All holds, newest first; by default those in force, the one to be reviewed first in front."""
    which = request.GET.get("which", "open")
    found = Hold.objects.in_force().order_by("review_at") if which == "open" else Hold.objects.all()
    found = found.select_related("agency").prefetch_related("cameras")
    context = {
        "page": Paginator(found, ON_A_PAGE).get_page(request.GET.get("page")),
        "which": which,
        "now": timezone.now(),
    }
    return render(request, "console/holds.html", context)


@keepers_only
def page(request, hold_id):
    return render(request, "console/hold.html", context_of(request.user, hold_id))


def context_of(person: User, hold_id: int, **forms) -> dict:
    everything = Hold.objects.select_related("agency", "created_by", "released_by").prefetch_related("cameras__site")
    hold = get_object_or_404(everything, pk=hold_id)
    now = timezone.now()
    next_review = {"ends_at": hold.ends_at, "review_at": min(hold.ends_at, now + actions.REVIEW_AFTER)}
    blank = {"review": ReviewForm(initial=next_review), "release": ReleaseForm()}
    return {
        "hold": hold,
        "kept": hold.kept_by_camera(),
        "certificates": hold.certificates.select_related("camera"),
        "is_due": hold.ended_at is None and hold.review_at <= now,
        "steps": {
            verb: forms.get(verb, blank[verb])
            for verb, (_form, _act, right) in STEPS.items()
            if hold.ended_at is None and person.has_perm(right)
        },
    }


@require_POST
@keepers_only
def change(request, hold_id, verb):
    """Review or release."""
    hold = get_object_or_404(Hold, pk=hold_id)
    if verb not in STEPS:
        raise Http404
    form_of, act, _right = STEPS[verb]
    form = form_of(request.POST)
    if not form.is_valid():
        return render(request, "console/hold.html", context_of(request.user, hold_id, **{verb: form}), status=422)
    try:
        act(hold, **form.cleaned_data, by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    else:
        messages.success(request, _("Written down and in effect."))
    return redirect("hold", hold_id)


@permission_required("retention.place_hold", raise_exception=True)
def place(request):
    """Place a hold; the address says what was being looked at."""
    principal = principal_of(request)
    holdable = visible_cameras(principal, MediaKind.RECORDED)
    form = PlaceForm(request.POST or None, givable=holdable, initial=suggested(request.GET, principal, holdable))
    if request.method == "POST" and form.is_valid():
        try:
            placed = actions.hold(**form.cleaned_data, by=request.user)
        except NotAllowed as refusal:
            form.add_error(None, noted(request, refusal))
        else:
            messages.success(request, _("These recordings are held now."))
            return redirect("hold", placed.pk)
    return render(request, "console/hold_new.html", {"form": form}, status=422 if form.errors else 200)


def suggested(about: QueryDict, principal: Principal, holdable) -> dict:
    """What the form says at first: what was looked at, for three months, to be reviewed in one."""
    now = timezone.now()
    incident = None
    if number := about.get("incident"):
        incident = get_object_or_404(Incident.objects.visible_to(principal), number=number)
    since, until = marked_period(about) or period_of(incident)
    named = [whole_number(camera_id) for camera_id in about.getlist("camera")]
    if incident and not named:
        named = ProvisionCamera.objects.given().filter(provision__incident=incident).values("camera")
    return {
        "cameras": ", ".join(holdable.filter(pk__in=named).order_by("number").values_list("number", flat=True)),
        "period_from": since,
        "period_until": until,
        "incident_number": incident.number if incident else "",
        "agency": incident.agency_id if incident else None,
        "ends_at": now + USUAL_LENGTH,
        "review_at": now + actions.REVIEW_AFTER,
    }


def period_of(incident: Incident | None) -> tuple:
    if incident is None:
        return None, None
    return incident.occurred_at - BEFORE_CALL, incident.closed_at or incident.occurred_at + AFTER_CALL
