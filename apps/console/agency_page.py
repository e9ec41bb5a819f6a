"""The page of an agency's liaison: what is provided to the agency now, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.models import Count, Prefetch
from django.http import QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.principals import Principal, principal_of
from apps.cameras.models import Camera
from apps.console.operator_page import address
from apps.console.playback_page import Deck, RecordedTile, deck_of, giving, tiles_of, whole_number
from apps.incidents.models import Event
from apps.mous.gate import visible_cameras
from apps.mous.models import MediaKind, Provision, ProvisionCamera
from apps.mous.terms import NOT_TO_BE_PASSED_ON
from apps.video.models import Segment
from apps.viewing.models import ProvidedCopy

FAILING_SHOWN = 50
SAY_WHY_FOR = timedelta(minutes=10)  # a picture that went dark stays in its place and says why
SHOWN, ENDED_SHOWN = 100, 20
LATELY = timedelta(hours=1)
CLIP_BEFORE, CLIP_AFTER = timedelta(minutes=2), timedelta(minutes=5)


@dataclass(frozen=True)
class Shown:
    """A provision as the page shows it."""

    provision: Provision
    cameras: list[ProvisionCamera]
    copies: list[ProvidedCopy]
    live: bool
    just_ended: bool
    clip_from: datetime
    clip_to: datetime
    deck: Deck | None = None
    tiles: Sequence[RecordedTile] = ()

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
    seq = Event.objects.latest_seq()  # before the list is read: what changes in between is told again, not missed
    principal = principal_of(request)
    context = {**provisions_context(request), **owner_context(principal), "seq": seq}
    return render(request, "console/agency.html", context)


def provisions(request):
    return render(request, "console/_provisions.html", provisions_context(request))


def provisions_context(request) -> dict:
    principal = principal_of(request)
    copies = ProvidedCopy.objects.for_taking().select_related("clip__camera")
    given = ProvisionCamera.objects.given().select_related("camera__site")
    in_force = (
        Provision.objects.of_agencies(principal.agency_ids)
        .in_force()
        .select_related("agency", "incident", "mou")
        .prefetch_related(Prefetch("provided", given), Prefetch("copies", copies))
        .order_by("-starts_at")[:SHOWN]
    )
    in_force = list(in_force)
    recorded = Segment.objects.newest_closed(
        {row.camera_id for provision in in_force for row in provision.provided.all()}, timezone.now() - LATELY
    )
    past = past_context(address(request), principal)
    shown = [_shown(provision, recorded, past.get(provision.pk, {})) for provision in in_force]
    return {
        "live": [one for one in shown if one.live],
        "shown": [one for one in shown if one.live or one.just_ended],
        "ended": [one for one in shown if not (one.live or one.just_ended)][:ENDED_SHOWN],
        "deck": next((one.deck for one in shown if one.deck), None),
        "exercise": any(one.live and one.provision.incident and one.provision.incident.is_exercise for one in shown),
    }


def past_context(about: QueryDict, principal: Principal) -> dict[int, dict]:
    """The deck of the provision that the page looks back at, by the provision's id."""
    if not (number := about.get("past")):
        return {}
    provision = get_object_or_404(giving(principal), pk=whole_number(number))
    deck = replace(deck_of(about, principal, provision), back=f"{reverse('agency')}#provision-{provision.pk}")
    return {provision.pk: {"deck": deck, "tiles": tiles_of(about, principal, provision)}}


def _shown(provision: Provision, recorded: dict[int, datetime], past: dict) -> Shown:
    """`recorded`: until when there is a whole file of each camera."""
    now, cameras = timezone.now(), list(provision.provided.all())
    incident = provision.incident
    called = incident.occurred_at if incident else provision.recorded_from
    closed = incident.closed_at if incident else None
    clip_from = max(provision.recorded_from, called - CLIP_BEFORE)
    newest = recorded.get(cameras[0].camera_id, now) if cameras else now
    return Shown(
        provision=provision,
        cameras=cameras,
        copies=list(provision.copies.all()),
        live=MediaKind.LIVE in provision.kinds and provision.may_be_live,
        just_ended=closed is not None and now - closed < SAY_WHY_FOR,
        clip_from=clip_from,
        # The newest minutes are still being written: a clip that asks for them would lack its end.
        clip_to=min(provision.recorded_until, called + CLIP_AFTER, newest if newest > clip_from else now),
        **past,
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
