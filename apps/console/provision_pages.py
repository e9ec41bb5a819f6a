"""The centre's pages of provision: what is open, to whom and why; opened, changed, reviewed by hand."""

from datetime import timedelta

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, Prefetch, Q
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.models import Agency
from apps.agencies.principals import Principal, principal_of
from apps.agencies.refusals import noted
from apps.cameras.choosing import choose
from apps.console.operator_page import staff_only
from apps.console.playback_page import marked_period, whole_number
from apps.console.provision_forms import (
    CamerasForm,
    ExtendForm,
    NarrowForm,
    ProvideForm,
    ReviewForm,
    RevokeForm,
    camera_label,
)
from apps.incidents.models import Incident
from apps.mous import actions, requests
from apps.mous.actions import NotAllowed, Wish
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind, Provision, ProvisionCamera, ProvisionRequest, UrgentReview
from apps.viewing.models import ViewLog

OFFERED, OFFERED_WITHIN_M = 12, 1_000
LONGEST_WORDS = 80
ON_A_PAGE = 50


@staff_only
def list_page(request):
    """All provisions, newest first; by default those in force."""
    which = request.GET.get("which", "open")
    found = Provision.objects.in_force() if which == "open" else Provision.objects.all()
    if which == "mine":
        found = found.filter(opened_by=request.user)
    if agency := request.GET.get("agency", ""):
        found = found.filter(agency__code=agency)
    given = Count("provided", filter=Q(provided__removed_at=None))
    found = found.select_related("agency", "incident", "mou", "opened_by").annotate(given=given).order_by("-starts_at")
    context = {
        "page": Paginator(found, ON_A_PAGE).get_page(request.GET.get("page")),
        "which": which,
        "agency": agency,
        "agencies": Agency.objects.filter(provisions__isnull=False).distinct(),
    }
    return render(request, "console/provisions_list.html", context)


@staff_only
def page(request, provision_id):
    return render(request, "console/provision_page.html", context_of(provision_id))


def context_of(provision_id: int, **forms) -> dict:
    given = ProvisionCamera.objects.select_related("camera__site")
    everything = Provision.objects.select_related("agency", "incident", "mou", "opened_by", "revoked_by")
    provision = get_object_or_404(everything.prefetch_related(Prefetch("provided", given)), pk=provision_id)
    now = timezone.now()
    return {
        "provision": provision,
        "in_force": Provision.objects.in_force().filter(pk=provision.pk).exists(),
        "cameras": [row for row in provision.provided.all() if row.camera.excluded_at is None],
        "lines": provision.ledger.order_by("number"),
        "views": ViewLog.objects.filter(provision=provision).select_related("camera", "user", "key")[:100],
        "result": getattr(provision, "result", None),
        "review": getattr(provision, "urgent_review", None),
        "copies": provision.copies.select_related("clip__camera"),
        "extend": ExtendForm(initial={"until": provision.ends_at}, prefix="extend"),
        "narrow": NarrowForm(prefix="narrow"),
        "revoke": RevokeForm(prefix="revoke"),
        "now": now,
        **forms,
    }


@staff_only
@require_POST
def change(request, provision_id, verb):
    """Extend, narrow or revoke."""
    provision = get_object_or_404(Provision.objects.select_related("agency", "mou", "incident"), pk=provision_id)
    form = form_of(verb, request.POST, provision)
    if not form.is_valid():
        return render(request, "console/provision_page.html", context_of(provision_id, **{verb: form}), status=422)
    try:
        act(verb, provision, form.cleaned_data, by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    else:
        messages.success(request, _("Written down and in effect."))
    return redirect("provision", provision_id)


def form_of(verb: str, data, provision: Provision):
    if verb == "narrow":
        return NarrowForm(data, prefix=verb, camera_ids=provision.provided.values_list("camera", flat=True))
    if verb in ("extend", "revoke"):
        return {"extend": ExtendForm, "revoke": RevokeForm}[verb](data, prefix=verb)
    raise Http404


def act(verb: str, provision: Provision, asked: dict, *, by) -> None:
    if verb == "extend":
        actions.extend(provision, asked["until"], by=by, reason=asked["reason"])
    elif verb == "narrow":
        actions.narrow(provision, by=by, **asked)
    else:
        actions.revoke(provision, by=by, reason=asked["reason"])


# --- opening by hand ---------------------------------------------------------------


@staff_only
def provide(request):
    """Open a provision: within an agreement, or by break-glass."""
    principal = principal_of(request)
    incident = incident_named(request, principal)
    words = request.GET.get("q", "").strip()[:LONGEST_WORDS]
    choices, givable = offered(principal, incident.location if incident else None, words), visible_cameras(principal)
    usual = {"until": timezone.now() + timedelta(hours=1), "way": request.GET.get("way", "operator")}
    form = ProvideForm(
        request.POST or None,
        offered=choices,
        givable=givable,
        initial=usual | looked_at(request.GET, givable, [camera_id for camera_id, _label in choices]),
    )
    if request.method == "POST" and form.is_valid():
        try:
            provision = open_by(form.cleaned_data, incident, by=request.user)
        except NotAllowed as refusal:
            form.add_error(None, noted(request, refusal))
        else:
            messages.success(request, _("The video is provided now, and in the register."))
            return redirect("provision", provision.pk)
    status = 422 if form.errors else 200
    return render(request, "console/provide.html", {"form": form, "incident": incident, "words": words}, status=status)


def looked_at(about: QueryDict, givable, choices: list[int]) -> dict:
    """What the form says at first to somebody who comes from a recording: its cameras and its time."""
    named = [whole_number(camera_id) for camera_id in about.getlist("camera")]
    others = givable.filter(pk__in=[camera_id for camera_id in named if camera_id not in choices])
    numbers = ", ".join(others.order_by("number").values_list("number", flat=True))
    said = {"cameras": [camera_id for camera_id in named if camera_id in choices], "numbers": numbers}
    if period := marked_period(about):
        said |= {"recorded_from": period[0], "recorded_until": period[1], "kinds": [MediaKind.RECORDED]}
    return said


def incident_named(request, principal: Principal) -> Incident | None:
    number = request.POST.get("incident") or request.GET.get("incident")
    return get_object_or_404(Incident.objects.visible_to(principal), number=number) if number else None


def offered(principal: Principal, place, words: str = "") -> list[tuple[int, str]]:
    """Cameras to tick: those whose number or address holds the words; without words the nearest to the place."""
    if words:
        found = visible_cameras(principal).called(words).select_related("site").order_by("number")[:OFFERED]
        return [(camera.pk, camera_label(camera)) for camera in found]
    if place is None:
        return []
    chosen = choose(
        place,
        among=visible_cameras(principal),
        limit=OFFERED,
        radius_m=OFFERED_WITHIN_M,
        outer_radius_m=OFFERED_WITHIN_M,
    )
    return [(one.camera.pk, f"{one.distance_m:.0f} m · {camera_label(one.camera)}") for one in chosen]


def open_by(asked: dict, incident: Incident | None, *, by) -> Provision:
    window = (asked["recorded_from"], asked["recorded_until"]) if asked["recorded_from"] else None
    wish = Wish(asked["agency"], asked["camera_ids"], asked["kinds"], asked["until"], asked["reason"], incident, window)
    return (actions.break_glass if asked["way"] == "urgent" else actions.provide)(wish, by=by)


# --- requests of agencies -------------------------------------------------------------


@staff_only
def requests_page(request):
    found = ProvisionRequest.objects.select_related("agency", "asked_by", "decided_by", "incident", "provision")
    return render(
        request,
        "console/requests.html",
        {
            "waiting": found.filter(state__in=ProvisionRequest.WAITING).order_by("due_at"),
            "answered": found.exclude(state__in=ProvisionRequest.WAITING)[:ON_A_PAGE],
        },
    )


@staff_only
def request_page(request, request_id):
    """One request: approve or deny it, then choose its cameras."""
    asked = get_object_or_404(ProvisionRequest.objects.select_related("agency", "incident"), pk=request_id)
    principal = principal_of(request)
    place = asked.location or (asked.incident.location if asked.incident else None)
    words = request.GET.get("q", "" if place else asked.place).strip()[:LONGEST_WORDS]
    form = CamerasForm(
        request.POST if "provide" in request.POST else None,
        offered=offered(principal, place, words),
        givable=visible_cameras(principal),
    )
    if request.method == "POST":
        try:
            if decide(asked, request.POST, form, by=request.user):
                messages.success(request, _("Written down and in effect."))
                return redirect("request", asked.pk)
        except NotAllowed as refusal:
            messages.error(request, noted(request, refusal))
            return redirect("request", asked.pk)
    context = {"asked": asked, "form": form, "words": words}
    return render(request, "console/request.html", context, status=422 if form.errors else 200)


def decide(asked: ProvisionRequest, posted, form: CamerasForm, *, by) -> bool:
    """Do what the page's button says; False when its form is not filled in rightly."""
    if "approve" in posted:
        requests.approve(asked, by=by, reason=posted.get("reason", ""))
    elif "deny" in posted:
        requests.deny(asked, by=by, reason=posted.get("reason", ""))
    elif form.is_valid():
        requests.provide(asked, form.cleaned_data["camera_ids"], by=by)
    else:
        return False
    return True


# --- break-glass looked back at ----------------------------------------------------------


@staff_only
def reviews_page(request):
    found = UrgentReview.objects.select_related(
        "provision__agency", "provision__incident", "provision__opened_by", "reviewed_by"
    )
    return render(
        request,
        "console/reviews.html",
        {
            "open": found.filter(reviewed_at=None),
            "done": found.exclude(reviewed_at=None).order_by("-reviewed_at")[:ON_A_PAGE],
            "form": ReviewForm(),
        },
    )


@staff_only
@require_POST
def review(request, review_id):
    found = get_object_or_404(UrgentReview.objects.select_related("provision__agency"), pk=review_id)
    form = ReviewForm(request.POST)
    try:
        if not form.is_valid():
            raise NotAllowed(_("Say what the review found."))
        actions.review_urgent(found, form.cleaned_data["verdict"], form.cleaned_data["note"], by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    else:
        messages.success(request, _("The review is written down."))
    return redirect("urgent_reviews")
