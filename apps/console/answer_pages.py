"""An agency's pages beside the live one: asking for video, telling what came of it, destroying its copies."""

from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.models import Agency
from apps.agencies.principals import principal_of
from apps.agencies.refusals import noted
from apps.console.playback_page import marked_period, whole_number
from apps.console.provision_forms import RequestForm, ResultForm
from apps.incidents.models import Incident
from apps.mous import actions, requests
from apps.mous.actions import NotAllowed
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind, Provision, ProvisionRequest, UseResult
from apps.mous.terms import NOT_TO_BE_PASSED_ON
from apps.viewing.actions import confirm_destruction
from apps.viewing.models import ProvidedCopy

SHOWN = 100


def agency_of(request) -> Agency:
    """The agency that the reader speaks for here; the centre asks itself for nothing."""
    agencies = [agency for agency in principal_of(request).agencies if agency.kind != Agency.Kind.CENTRE]
    if not agencies:
        raise PermissionDenied(_("This page is for the agencies that video is provided to."))
    return agencies[0]


def asking_agency(request) -> Agency:
    """The agency in whose name the reader asks."""
    agency = requests.spoken_for(request.user).first()
    if agency is None:
        raise PermissionDenied(_("Video is asked for by the liaisons of an agency. Tell yours what you need."))
    return agency


def requests_page(request):
    """Ask, and see how what was asked stands."""
    agency = asking_agency(request)
    form = RequestForm(request.POST or None, initial=looked_at(request))
    if request.method == "POST" and form.is_valid():
        asked = form.cleaned_data
        number = asked.pop("incident_number")
        incident = Incident.objects.visible_to(principal_of(request)).filter(number=number).first() if number else None
        if number and incident is None:
            form.add_error("incident_number", _("There is no such incident."))
        else:
            requests.ask(agency, by=request.user, incident=incident, **asked)
            messages.success(request, _("The request is with the operation centre."))
            return redirect("agency_requests")
    asked = ProvisionRequest.objects.filter(agency=agency).select_related("asked_by", "decided_by", "provision")
    context = {"form": form, "asked": asked[:SHOWN], "hours": settings.REQUEST_ANSWER_HOURS}
    return render(request, "console/agency_requests.html", context, status=422 if form.errors else 200)


def looked_at(request) -> dict:
    """What the form says at first to somebody who comes from a recording: its cameras, its time, its incident."""
    about = request.GET
    cameras = visible_cameras(principal_of(request), MediaKind.RECORDED)
    named = cameras.filter(pk__in=[whole_number(camera_id) for camera_id in about.getlist("camera")])
    said = {
        "place": ", ".join(named.order_by("number").values_list("number", flat=True)),
        "incident_number": about.get("incident", ""),
    }
    if period := marked_period(about):
        said |= {"recorded_from": period[0], "recorded_until": period[1]}
    return said


@require_POST
def withdraw(request, request_id):
    asked = get_object_or_404(ProvisionRequest, pk=request_id, agency=asking_agency(request))
    try:
        requests.withdraw(asked, by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    return redirect("agency_requests")


def answers_page(request):
    """What the agency owes: results of provisions that are over, destruction of the copies it took."""
    agency = agency_of(request)
    over = Provision.objects.over().filter(agency=agency).select_related("incident", "result").order_by("-starts_at")
    copies = ProvidedCopy.objects.filter(agency=agency, taken_at__isnull=False).select_related(
        "clip__camera", "provision"
    )
    context = {
        "agency": agency,
        "owed": over.filter(result=None)[:SHOWN],
        "told": over.filter(result__isnull=False)[:SHOWN],
        "outcomes": UseResult.Outcome.choices,
        "to_destroy": copies.filter(confirmed_at=None).order_by("destroy_by"),
        "destroyed": copies.exclude(confirmed_at=None)
        .select_related("clip__camera", "provision", "certificate", "confirmed_by")
        .order_by("-confirmed_at")[:SHOWN],
        "answer": actions.may_have_clips(agency),
        "now": timezone.now(),
        "terms": _(NOT_TO_BE_PASSED_ON),
    }
    return render(request, "console/agency_answers.html", context)


@require_POST
def result(request, provision_id):
    provisions = Provision.objects.select_related("incident")
    provision = get_object_or_404(provisions, pk=provision_id, agency=agency_of(request))
    form = ResultForm(request.POST)
    if form.is_valid():
        actions.report_result(provision, form.cleaned_data["outcome"], form.cleaned_data["text"], by=request.user)
        messages.success(request, _("Thank you: the result is written down."))
    else:
        messages.error(request, _("Say what came of it."))
    return redirect("agency_answers")


@require_POST
def destroyed(request, copy_id):
    """The agency confirms that what it took of a copy is gone."""
    copies = ProvidedCopy.objects.select_related("clip__camera", "provision__incident", "agency")
    copy = get_object_or_404(copies, pk=copy_id, agency=agency_of(request))
    try:
        confirm_destruction(copy, by=request.user)
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    else:
        messages.success(request, _("The destruction is in the register."))
    return redirect("agency_answers")
