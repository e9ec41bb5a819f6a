"""Who saw what a camera showed or recorded in some time: for a citizen who asks, and for the camera's owner."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Prefetch, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.models import Agency, Membership
from apps.cameras.models import Camera
from apps.mous.models import MediaKind, ProvisionCamera
from apps.viewing.models import ViewLog
from apps.viewing.sheets import Sheet

# A live view of which no end is on record, since the server died, lasted no longer than a session does.
LONGEST_VIEW = timedelta(hours=13)


@dataclass(frozen=True)
class Told:
    """One view or provision as a citizen is told: the body, not the officer."""

    at: datetime
    what: str
    whom: str
    why: str


def views_of(camera: Camera, start: datetime, end: datetime) -> QuerySet[ViewLog]:
    """The views in which something of the camera from `start` to `end` was seen: live then, or recorded of then."""
    live = Q(period_from=None, opened_at__lt=end)
    lasted = Q(closed_at__gt=start) | Q(closed_at=None, door=ViewLog.Door.LIVE, opened_at__gt=start - LONGEST_VIEW)
    seen = live & (lasted | Q(opened_at__gte=start)) | Q(period_from__lt=end, period_until__gte=start)
    memberships = Prefetch("user__memberships", Membership.objects.select_related("agency").order_by("pk"))
    views = ViewLog.objects.filter(seen, camera=camera).select_related("user", "key__agency", "provision__agency")
    return views.prefetch_related(memberships).order_by("opened_at")


def provisions_of(camera: Camera, start: datetime, end: datetime) -> QuerySet[ProvisionCamera]:
    """The provisions that gave somebody the camera's pictures of that time, before what ended them."""

    def not_before(name: str) -> Q:
        return Q(**{name: None}) | Q(**{f"{name}__gt": start})

    live = Q(provision__starts_at__lt=end, provision__ends_at__gt=start, provision__kinds__contains=[MediaKind.LIVE])
    live &= not_before("provision__incident__closed_at")
    recorded = Q(provision__recorded_from__lt=end, provision__recorded_until__gt=start)
    recorded &= Q(provision__kinds__overlap=[MediaKind.RECORDED, MediaKind.STILL])
    given = ProvisionCamera.objects.filter(live | recorded, camera=camera)
    given = given.filter(not_before("provision__revoked_at"), not_before("removed_at"))
    return given.select_related("provision__agency", "provision__incident").order_by("provision__starts_at")


def body_of(view: ViewLog) -> Agency | None:
    """The body for which somebody looked."""
    if view.provision:
        return view.provision.agency
    if view.key:
        return view.key.agency
    return next((membership.agency for membership in view.user.memberships.all()), None)


def told(camera: Camera, start: datetime, end: datetime) -> Iterator[Told]:
    for given in provisions_of(camera, start, end):
        provision = given.provision
        names = dict(MediaKind.choices)
        kinds = ", ".join(str(names.get(kind, kind)) for kind in provision.kinds)
        what = _("Provided: %(kinds)s") % {"kinds": kinds}
        yield Told(provision.starts_at, what, provision.agency.name, str(provision.get_legal_ground_display()))
    for view in views_of(camera, start, end):
        body = body_of(view)
        ground = view.provision.get_legal_ground_display() if view.provision else _("Monitoring by the centre or owner")
        yield Told(view.opened_at, str(view.get_door_display()), body.name if body else "–", str(ground))


def report(camera: Camera, start: datetime, end: datetime, *, number: str) -> Sheet:
    """For a citizen: which bodies were given, or saw, what this camera showed in that time."""
    lines = sorted(told(camera, start, end), key=lambda line: line.at)
    headings = (_("Time"), _("What"), _("Body"), _("Ground"))
    nobody = _("By the records of this centre nobody was given, or saw, pictures of this camera of that time.")
    found = _(
        "These are all who, by the records of this centre, were given or saw pictures of this camera of that time."
    )
    return Sheet(
        title=_("Who was shown video of a camera"),
        number=number,
        facts=[
            (_("Camera"), f"{camera.number}\n{camera.site}"),
            (_("Owner"), camera.owner.name),
            (_("Period"), f"{_clock(start)} – {_clock(end)}"),
        ],
        statement=found if lines else nobody,
        at=timezone.now(),
        table=[headings, *((_clock(line.at), line.what, line.whom, line.why) for line in lines)] if lines else (),
    )


def _clock(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M:%S}"
