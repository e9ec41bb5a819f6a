"""Looking back: the recordings of up to five cameras, run by one clock."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.agencies.principals import Principal, principal_of
from apps.cameras.models import Camera
from apps.incidents.models import Event, Incident
from apps.mous.gate import has_standing_right, visible_cameras
from apps.mous.models import MediaKind, Provision, ProvisionCamera

TILES = 5
BEFORE_CALL = timedelta(seconds=30)
JUST_NOW = timedelta(minutes=2)
AROUND = timedelta(minutes=5)
STRETCHES = [60, 600, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600]
SPEEDS = [0.5, 1, 2, 4, 8]


@dataclass(frozen=True)
class Deck:
    """What a page looks back at: the moment, and between which times it may."""

    at: datetime
    begins: datetime | None = None
    ends: datetime | None = None
    incident: Incident | None = None
    reason: str = ""
    provision: Provision | None = None
    live: str = ""  # on the desk: the address without the moment
    back: str = ""  # elsewhere: the page that led here
    speeds = SPEEDS
    stretches = STRETCHES

    @property
    def can_order(self) -> bool:
        """A clip is made on a provision."""
        return self.provision is not None


@dataclass(frozen=True)
class RecordedTile:
    slot: int
    camera: Camera
    provided: ProvisionCamera | None = None


def moment(text: str) -> datetime | None:
    """The date and time in an address; None when it is neither."""
    try:
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        return None
    return at if at is None or timezone.is_aware(at) else timezone.make_aware(at)


def marked_period(about: QueryDict) -> tuple[datetime, datetime] | None:
    """The time that was marked, or that around the moment shown, as the deck's links say it."""
    if (since := moment(about.get("from", ""))) and (until := moment(about.get("until", ""))):
        return since, until
    at = moment(about.get("at", ""))
    return (at - AROUND, at + AROUND) if at else None


def whole_number(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise Http404
    return int(text)


def playback(request):
    seq = Event.objects.latest_seq()
    about, principal = request.GET, principal_of(request)
    provision = provision_of(about, principal)
    tiles = tiles_of(about, principal, provision)
    if not tiles:
        raise Http404
    if provision is None and not has_standing_right(principal, tiles[0].camera):
        provision = giving(principal).filter(provided__camera=tiles[0].camera).first()
        tiles = [tile for tile in tiles if tile.camera in provision.cameras.all()]
    deck = deck_of(about, principal, provision)
    events = deck.incident.events.order_by("-seq") if deck.incident else []
    return render(request, "console/playback.html", {"deck": deck, "tiles": tiles, "log": events, "seq": seq})


def giving(principal: Principal):
    provisions = Provision.objects.of_agencies(principal.agency_ids).giving(MediaKind.RECORDED)
    return provisions.select_related("incident__agency", "agency").order_by("-starts_at")


def provision_of(about: QueryDict, principal: Principal) -> Provision | None:
    if number := about.get("provision"):
        return get_object_or_404(giving(principal), pk=whole_number(number))
    return None


def tiles_of(about: QueryDict, principal: Principal, provision: Provision | None) -> list[RecordedTile]:
    """The cameras that the address names; without any, those of the provision."""
    visible = visible_cameras(principal, MediaKind.RECORDED).select_related("site")
    provided = {row.camera_id: row for row in provision.provided.all()} if provision else {}
    asked = [whole_number(number) for number in about.getlist("camera")] or list(provided)
    found = visible.in_bulk([number for number in asked if not provided or number in provided])
    shown = [found[number] for number in dict.fromkeys(asked) if number in found][:TILES]
    return [RecordedTile(slot, camera, provided.get(camera.pk)) for slot, camera in enumerate(shown, 1)]


def deck_of(about: QueryDict, principal: Principal, provision: Provision | None) -> Deck:
    incident = provision.incident if provision else None
    if not incident and (number := about.get("incident")):
        incident = get_object_or_404(Incident.objects.visible_to(principal).select_related("agency"), number=number)
    called = incident.occurred_at - BEFORE_CALL if incident else timezone.now() - JUST_NOW
    at = moment(about.get("at") or about.get("from") or "") or called
    if provision:
        at = min(max(at, provision.recorded_from), provision.recorded_until)
    return Deck(
        at=at,
        begins=provision.recorded_from if provision else None,
        ends=provision.recorded_until if provision else None,
        incident=incident,
        reason=about.get("reason", "")[:200],
        provision=provision,
        back=way_back(about, principal, provision, incident),
    )


def way_back(about: QueryDict, principal: Principal, provision: Provision | None, incident: Incident | None) -> str:
    if provision:
        return f"{reverse('agency')}#provision-{provision.pk}"
    if not principal.is_centre_staff:
        return reverse("home")
    named = {"incident": incident.number} if incident else {name: about.get(name, "") for name in ("camera", "reason")}
    return f"{reverse('operator')}?{urlencode(named)}"
