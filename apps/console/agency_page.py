"""The page of an agency's liaison: what is provided to the agency now, and nothing else."""

from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Count, Prefetch
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.principals import Principal, principal_of
from apps.cameras.models import Camera
from apps.console.news import latest_seq
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind, Provision, ProvisionCamera
from apps.mous.terms import NOT_TO_BE_PASSED_ON
from apps.viewing.models import ProvidedCopy

FAILING_SHOWN = 50
SAY_WHY_FOR = timedelta(minutes=10)  # a picture that went dark stays in its place and says why
SHOWN, ENDED_SHOWN = 100, 20
CLIP_BEFORE, CLIP_AFTER = timedelta(minutes=2), timedelta(minutes=5)


@dataclass(frozen=True)
class Shown:
    """A provision as the page shows it."""

    provision: Provision
    cameras: list[ProvisionCamera]
    copies: list[ProvidedCopy]
    live: bool
    just_ended: bool
    clip_from: object
    clip_to: object

    @property
    def terms(self) -> str:
        return _(NOT_TO_BE_PASSED_ON)

    @property
    def gives_recorded(self) -> bool:
        return MediaKind.RECORDED in self.provision.kinds

    @property
    def gives_still(self) -> bool:
        return self.live and MediaKind.STILL in self.provision.kinds


def agency(request):
    seq = latest_seq()  # before the list is read: what changes in between is told again, not missed
    principal = principal_of(request)
    context = {**provisions_context(principal), **owner_context(principal), "seq": seq}
    return render(request, "console/agency.html", context)


def provisions(request):
    return render(request, "console/_provisions.html", provisions_context(principal_of(request)))


def provisions_context(principal: Principal) -> dict:
    copies = ProvidedCopy.objects.filter(destroyed_at=None).select_related("clip__camera")
    given = ProvisionCamera.objects.given().select_related("camera__site")
    in_force = (
        Provision.objects.of_agencies(principal.agency_ids)
        .in_force()
        .select_related("agency", "incident", "mou")
        .prefetch_related(Prefetch("provided", given), Prefetch("copies", copies))
        .order_by("-starts_at")[:SHOWN]
    )
    shown = [_shown(provision) for provision in in_force]
    return {
        "live": [one for one in shown if one.live],
        "shown": [one for one in shown if one.live or one.just_ended],
        "ended": [one for one in shown if not (one.live or one.just_ended)][:ENDED_SHOWN],
        "exercise": any(one.live and one.provision.incident and one.provision.incident.is_exercise for one in shown),
    }


def _shown(provision: Provision) -> Shown:
    now = timezone.now()
    incident = provision.incident
    called = incident.occurred_at if incident else provision.recorded_from
    closed = incident.closed_at if incident else None
    return Shown(
        provision=provision,
        cameras=list(provision.provided.all()),
        copies=list(provision.copies.all()),
        live=MediaKind.LIVE in provision.kinds and provision.may_be_live,
        just_ended=closed is not None and now - closed < SAY_WHY_FOR,
        clip_from=max(provision.recorded_from, called - CLIP_BEFORE),
        clip_to=min(provision.recorded_until, called + CLIP_AFTER, max(now, called + timedelta(seconds=30))),
    )


def owner_context(principal: Principal) -> dict:
    """For an agency that owns cameras: how they are."""
    own = visible_cameras(principal).filter(owner__in=principal.agency_ids)
    counts = own.values_list("status").annotate(n=Count("pk"))
    failing = own.filter(status__in=[Camera.Status.SERIOUS, Camera.Status.CRITICAL])
    return {
        "own_counts": [(status, Camera.Status(status).label, n) for status, n in sorted(counts, key=_by_urgency)],
        "own_failing": failing.select_related("site").order_by("status_at")[:FAILING_SHOWN],
    }


def _by_urgency(row) -> int:
    return -list(Camera.Status).index(row[0])
