"""The operator's page: queue, stage, incident column, timeline. Parts are refreshed one by one."""

from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from urllib.parse import urlencode, urlsplit

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Case, Prefetch, Q, When
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps.agencies.principals import Principal, principal_of
from apps.agencies.refusals import noted
from apps.cameras.models import Camera
from apps.console.playback_page import BEFORE_CALL, TILES, Deck, moment, whole_number
from apps.incidents.models import Event, Incident
from apps.incidents.states import EVENT_LABELS, NotAllowed, events_from
from apps.linked_services import actions
from apps.linked_services.services import ALL
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind, ProvisionCamera, ProvisionRequest, UrgentReview
from apps.retention.models import DiskWatch, Hold
from apps.viewing import unusual

CLOSED_SHOWN = 12
OPEN_SHOWN = 200
FOUND = 8
# In a flood of calls no urgent one that nobody has taken falls out of the list.
URGENT_FIRST = Case(When(grade=Incident.Grade.URGENT, then=0), default=1)
ENDINGS = {"close", "cancel"}
OUTCOMES = {
    "seen_helped": gettext_lazy("Video helped the units"),
    "seen_no_help": gettext_lazy("Video was watched, it did not help"),
    "not_seen": gettext_lazy("The place was not in view"),
    "false_alarm": gettext_lazy("False alarm"),
    "duplicate": gettext_lazy("Same as another call"),
}


@dataclass(frozen=True)
class Tile:
    """A camera on the stage, and why it is there."""

    slot: int
    camera: Camera
    live: str
    provided: ProvisionCamera | None = None


def staff_only(view):
    @wraps(view)
    def checked(request, *args, **kwargs):
        if not principal_of(request).is_centre_staff:
            raise PermissionDenied(_("This page is for the staff of the operation centre."))
        return view(request, *args, **kwargs)

    return checked


def address(request) -> QueryDict:
    """What the page is about: its own address, also when only a part of it is asked for."""
    if request.htmx and request.htmx.current_url:
        return QueryDict(urlsplit(request.htmx.current_url).query)
    return request.GET


@staff_only
def operator(request):
    seq = Event.objects.latest_seq()  # before the lists are read: what changes in between is told again, not missed
    context = {**queue_context(request), **work_context(request), "outcomes": OUTCOMES, "seq": seq}
    return render(request, "console/operator.html", context)


@staff_only
def queue(request):
    return render(request, "console/_queue.html", queue_context(request))


@staff_only
def work(request):
    return render(request, "console/_work.html", work_context(request))


def queue_context(request) -> dict:
    incidents = Incident.objects.visible_to(principal_of(request))
    new = list(incidents.filter(state="reported").order_by(URGENT_FIRST, "-received_at")[:OPEN_SHOWN])
    in_hand = list(incidents.open().exclude(state="reported").order_by("-received_at")[:OPEN_SHOWN])
    full = OPEN_SHOWN in (len(new), len(in_hand))
    return {
        "new": new,
        "in_hand": in_hand,
        "left_out": incidents.open().count() - len(new) - len(in_hand) if full else 0,
        "closed": incidents.filter(closed_at__isnull=False).order_by("-closed_at")[:CLOSED_SHOWN],
        "current": address(request).get("incident", ""),
        "urgent_reviews": reviews_for(request.user),
        "unusual": unusual_for(request.user),
        "disk": DiskWatch.objects.exclude(level="normal").first(),
        "holds_due": holds_due(request.user),
        "requests_waiting": requests_waiting(request.user),
    }


def holds_due(person) -> list[Hold]:
    """Holds whose day of review has come, for those who may say that they are still needed."""
    if not person.has_perm("retention.extend_hold"):
        return []
    return list(Hold.objects.in_force().filter(review_at__lte=timezone.now()).order_by("review_at"))


def requests_waiting(person) -> list[ProvisionRequest]:
    """What agencies asked for and nobody has answered yet, for those who may."""
    if not person.has_perm("mous.decide_request"):
        return []
    asked = ProvisionRequest.objects.filter(state=ProvisionRequest.State.ASKED)
    return list(asked.select_related("agency").order_by("due_at"))


def reviews_for(person) -> list[UrgentReview]:
    """Break-glass that nobody has reviewed yet, for those who may."""
    if not person.has_perm("mous.review_urgent"):
        return []
    return list(
        UrgentReview.objects.filter(reviewed_at=None).select_related("provision__agency", "provision__opened_by")
    )


def unusual_for(person) -> list[tuple[int, datetime, str]]:
    """What was told as unusual within the hour, for those who review what is urgent: (number, when, in words)."""
    if not person.has_perm("mous.review_urgent"):
        return []
    return [(entry.pk, entry.at, _(unusual.WORDS[entry.verb]) % entry.detail) for entry in unusual.lately()]


def work_context(request, problem: str = "") -> dict:
    about = address(request)
    principal = principal_of(request)
    incident = camera = None
    if number := about.get("incident"):
        incident = get_object_or_404(Incident.objects.visible_to(principal).select_related("agency"), number=number)
    elif about.get("camera"):
        camera = get_object_or_404(watchable(principal), pk=whole_number(about["camera"]))
    extra = [whole_number(camera_id) for camera_id in about.getlist("camera")]
    return {
        "incident": incident,
        "camera": camera,
        "reason": about.get("reason", ""),
        "problem": problem,
        **(incident_context(incident, principal, extra) if incident else camera_context(camera, about)),
        **(past_context(incident, about) if incident else {}),
    }


def past_context(incident: Incident, about: QueryDict) -> dict:
    """The deck, when the page looks back, and the addresses that lead there and back."""
    live = about.copy()
    live.pop("at", None)
    at = moment(about.get("at", ""))
    deck = at and Deck(at=at, incident=incident, live=f"?{live.urlencode()}")
    return {"deck": deck, "past_address": f"?{live.urlencode()}&at=", "past_at": incident.occurred_at - BEFORE_CALL}


def incident_context(incident: Incident, principal: Principal, extra: list[int]) -> dict:
    given = Prefetch("provided", ProvisionCamera.objects.given())
    return {
        "service": ALL[incident.service],
        "tiles": incident_tiles(incident, principal, extra),
        "provisions": incident.provisions.select_related("agency", "mou").prefetch_related(given).order_by("pk"),
        "buttons": [(event, EVENT_LABELS[event]) for event in events_from(incident.state) if event not in ENDINGS],
        "endings": [(event, EVENT_LABELS[event]) for event in events_from(incident.state) if event in ENDINGS],
        "log": list(incident.events.order_by("-seq")),
    }


def camera_context(camera: Camera | None, about: QueryDict) -> dict:
    return {"tiles": [Tile(1, camera, live_address(camera, "none", about.get("reason", "")))] if camera else []}


def incident_tiles(incident: Incident, principal: Principal, extra: list[int]) -> list[Tile]:
    """The cameras provided for the incident, best first; those the operator added take the last slots."""
    provided = (
        ProvisionCamera.objects.filter(provision__incident=incident, removed_at=None, camera__in=watchable(principal))
        .select_related("camera__site")
        .order_by("rank", "provision")
    )
    chosen = {row.camera_id: (row.camera, row) for row in provided}
    added = {camera.pk: (camera, chosen.get(camera.pk, (None, None))[1]) for camera in watchable(principal, extra)}
    others = [pair for pk, pair in chosen.items() if pk not in added]
    pairs = others[: max(1, TILES - len(added))] + list(added.values())
    return [
        Tile(slot, camera, live_address(camera, incident.number), row)
        for slot, (camera, row) in enumerate(pairs[:TILES], 1)
    ]


def watchable(principal: Principal, ids: list[int] | None = None):
    cameras = visible_cameras(principal, MediaKind.LIVE).select_related("site")
    return cameras if ids is None else cameras.filter(pk__in=ids)


def live_address(camera: Camera, incident: str, reason: str = "") -> str:
    query = {"incident": incident, "reason": reason} if reason else {"incident": incident}
    return f"/api/v1/cameras/{camera.pk}/live?{urlencode(query)}"


@staff_only
@require_POST
def advance(request):
    """Move an incident on from the state the page showed."""
    incident = get_object_or_404(
        Incident.objects.visible_to(principal_of(request)).select_related("agency"), number=request.POST.get("number")
    )
    problem = ""
    try:
        if incident.state != request.POST.get("before"):
            raise NotAllowed(_("This incident has just been changed by someone else."))
        if (event := request.POST.get("event")) not in EVENT_LABELS:
            raise Http404
        actions.advance(incident, event, by=request.user, note=_note(request.POST))
    except NotAllowed as refusal:
        problem = noted(request, refusal)
    if request.htmx:
        return render(request, "console/_work.html", work_context(request, problem), status=409 if problem else 200)
    if problem:
        messages.error(request, problem)
    return redirect(f"{reverse('operator')}?{urlencode({'incident': incident.number})}")


def _note(form) -> str:
    outcome = OUTCOMES.get(form.get("outcome"))
    words = form.get("note", "").strip()[:1000]
    return ". ".join(str(part) for part in (outcome, words) if part)


@staff_only
def search(request):
    """Incidents and cameras whose number or place holds the words."""
    words = request.GET.get("q", "").strip()[:80]
    if len(words) < 2:
        return render(request, "console/_found.html", {"words": ""})
    principal = principal_of(request)
    incidents = Incident.objects.visible_to(principal).filter(Q(number__icontains=words) | Q(place__icontains=words))
    cameras = watchable(principal).called(words)
    found = {"incidents": incidents[:FOUND], "cameras": cameras.order_by("number")[:FOUND]}
    return render(request, "console/_found.html", {"words": words, **found})
