"""An agency asks for video, the centre approves or denies, then provides."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.agencies.models import Agency, User
from apps.agencies.principals import Principal
from apps.audit.actions import record
from apps.audit.words import on_record
from apps.incidents.actions import publish
from apps.incidents.models import Event, Incident
from apps.mous import actions
from apps.mous.actions import NotAllowed, Wish
from apps.mous.agreements import SPEAKING_ROLES
from apps.mous.gate import visible_cameras
from apps.mous.models import Provision, ProvisionRequest

S = ProvisionRequest.State
KEPT_FOR = timedelta(days=14)  # how long what was provided on a request stays open


def spoken_for(person: User) -> QuerySet[Agency]:
    """The agencies in whose name this person asks. A field officer sees what is provided, and asks in nobody's."""
    held = person.memberships.filter(role__in=SPEAKING_ROLES, user__is_active=True).values("agency")
    return Agency.objects.filter(pk__in=held, is_active=True).exclude(kind=Agency.Kind.CENTRE)


@transaction.atomic
def ask(agency: Agency, *, by: User, incident: Incident | None = None, **asked) -> ProvisionRequest:
    """Ask for video. `asked`: place, location, kinds, recorded_from and _until, ground, document number, purpose."""
    if not spoken_for(by).filter(pk=agency.pk).exists():
        raise NotAllowed(_("You ask for your own agency only."))
    if incident and not Incident.objects.visible_to(Principal.of(by)).filter(pk=incident.pk).exists():
        raise NotAllowed(_("There is no such incident."))
    due_at = timezone.now() + timedelta(hours=settings.REQUEST_ANSWER_HOURS)
    request = ProvisionRequest.objects.create(agency=agency, asked_by=by, incident=incident, due_at=due_at, **asked)
    _tell(request, "asked", by=by, document=request.document_number)
    return request


def approve(request: ProvisionRequest, *, by: User, reason: str = "") -> None:
    _decide(request, S.APPROVED, by=by, reason=reason)


@transaction.atomic
def deny(request: ProvisionRequest, *, by: User, reason: str) -> None:
    """Say no, and why; the refusal is a line of the register."""
    if not reason.strip():
        raise NotAllowed(_("Say why the request is denied."))
    _decide(request, S.DENIED, by=by, reason=reason)
    purpose = on_record(gettext_noop("Request %(number)s: %(why)s"))
    actions.refuse(
        request.agency,
        "request_denied",
        purpose=(purpose % {"number": request.document_number, "why": reason})[:500],
        officer=str(by),
        incident_number=request.incident.number if request.incident else "",
    )


@transaction.atomic
def _decide(request: ProvisionRequest, state: str, *, by: User, reason: str) -> None:
    if not (by.has_perm("mous.decide_request") and Principal.of(by).is_centre_staff):
        raise NotAllowed(_("You do not have the right to do this."))
    decided = {"decided_by": by, "decided_at": timezone.now(), "decision": reason.strip()[:300]}
    _move(request, {S.ASKED}, state, **decided)
    _tell(request, state, by=by, reason=reason)


@transaction.atomic
def withdraw(request: ProvisionRequest, *, by: User) -> None:
    if not spoken_for(by).filter(pk=request.agency_id).exists():
        raise NotAllowed(_("Only the agency that asked withdraws its request."))
    _move(request, {S.ASKED, S.APPROVED}, S.WITHDRAWN, decided_by=by, decided_at=timezone.now())
    _tell(request, "withdrawn", by=by)


@transaction.atomic
def provide(request: ProvisionRequest, cameras: Sequence[int], *, by: User, until: datetime | None = None) -> Provision:
    """Open what was approved, with the cameras that the centre chose for it."""
    actions.require(by, "mous.provide")
    until = until or timezone.now() + KEPT_FOR
    if until > timezone.now() + KEPT_FOR:
        raise NotAllowed(_("It may stay open for %(days)s days at most.") % {"days": KEPT_FOR.days})
    wish = Wish(request.agency, cameras, request.kinds, until, request.purpose, request.incident)
    provision = actions.open_by_hand(
        wish,
        actions.all_among(cameras, visible_cameras(Principal.of(by))),
        (request.recorded_from, request.recorded_until),
        by=by,
        way=Provision.Way.REQUEST,
        mou=None,
        legal_ground=request.legal_ground,
        document_number=request.document_number,
    )
    _move(request, {S.APPROVED}, S.PROVIDED, provision=provision)
    _tell(request, "provided", by=by, provision=provision.number)
    return provision


def _move(request: ProvisionRequest, before: set[str], after: str, **changes) -> None:
    """Move on from a state; NotAllowed when a colleague got there first."""
    changes["state"] = after
    if not ProvisionRequest.objects.filter(pk=request.pk, state__in=before).update(**changes):
        raise NotAllowed(_("This request has just been changed by someone else."))
    for name, value in changes.items():
        setattr(request, name, value)


def _tell(request: ProvisionRequest, verb: str, *, by: User, **detail) -> None:
    record(f"request.{verb}", actor=by, target=request, **detail)
    event = Event(kind=f"request.{verb}", object_id=request.pk, agencies=[request.agency_id], by=str(by))
    publish([event])
