from datetime import date, datetime, time

from django.contrib.gis.db import models as gis
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency, ApiKey, User
from apps.cameras.models import Camera
from apps.incidents.models import Incident
from apps.incidents.states import OPEN
from apps.mous.models.agreements import Mou
from apps.mous.models.words import LegalGround, MediaKind


class ProvisionQuerySet(models.QuerySet):
    def in_force(self, at=None):
        """Provisions open at `at`, by the provision itself and by the MOU behind it, if there is one."""
        at = at or timezone.now()
        return self.filter(
            Q(mou__in=Mou.objects.in_force(at)) | Q(mou=None),
            revoked_at=None,
            starts_at__lte=at,
            ends_at__gt=at,
            agency__is_active=True,
        )

    def giving(self, kind: str, at=None, *, past: bool = False):
        """Provisions that give `kind` now: what shows the present only while the incident, if it is about one, is open.

        A still shows the present where live video does, or while now is within the recorded time. `past`: not a still
        of now but of a moment, which the caller holds against the recorded time.
        """
        at = at or timezone.now()
        giving = self.in_force(at).filter(kinds__contains=[kind])
        if past or kind == MediaKind.RECORDED:
            return giving
        if kind == MediaKind.STILL:
            giving = giving.filter(
                Q(kinds__contains=[MediaKind.LIVE]) | Q(recorded_from__lte=at, recorded_until__gte=at)
            )
        return giving.filter(Q(incident=None) | Q(incident__state__in=OPEN))

    def of_agencies(self, agency_ids: list[int]):
        return self.filter(agency__in=agency_ids)

    def opened_within(self, first: date, end: date):
        """Opened on these days of the city, `end` no longer; exercises are no provision of anybody's data."""
        start, until = (timezone.make_aware(datetime.combine(day, time())) for day in (first, end))
        return self.filter(starts_at__gte=start, starts_at__lt=until).exclude(incident__is_exercise=True)

    def over(self, at=None):
        """Provisions whose incident is closed, or whose time is past, or that were revoked."""
        at = at or timezone.now()
        return self.filter(Q(incident__closed_at__lte=at) | Q(ends_at__lte=at) | Q(revoked_at__lte=at))


class Provision(models.Model):
    """An agency's right to some cameras, for an incident or a request: what the gate reads, the register quotes."""

    class Way(models.TextChoices):
        SERVICE = "service", _("Linked service")
        OPERATOR = "operator", _("Opened by the centre")
        REQUEST = "request", _("At the agency’s request")
        URGENT = "urgent", _("Break-glass")

    number = models.CharField(_("number"), max_length=20, unique=True)
    way = models.CharField(_("opened by way of"), max_length=10, choices=Way, default=Way.SERVICE)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="provisions", verbose_name=_("agency"))
    service = models.CharField(_("service"), max_length=40, blank=True)
    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, related_name="provisions", verbose_name=_("incident")
    )
    mou = models.ForeignKey(Mou, models.PROTECT, null=True, related_name="provisions", verbose_name=_("MOU"))
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("opened by"))
    legal_ground = models.CharField(_("legal ground"), max_length=20, choices=LegalGround)
    document_number = models.CharField(_("document number"), max_length=60, blank=True)
    purpose = models.CharField(_("purpose"), max_length=300)
    kinds = ArrayField(models.CharField(max_length=20, choices=MediaKind), verbose_name=_("media kinds"))
    cameras = models.ManyToManyField(Camera, through="ProvisionCamera", related_name="provisions")
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    recorded_from = models.DateTimeField(_("recorded video from"))
    recorded_until = models.DateTimeField(_("recorded video until"))
    revoked_at = models.DateTimeField(_("revoked"), null=True)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("revoked by"))
    revoked_reason = models.CharField(_("reason"), max_length=300, blank=True)

    objects = ProvisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("provision")
        verbose_name_plural = _("provisions")
        ordering = ["-starts_at"]
        permissions = [
            ("provide", _("Can provide video by hand")),
            ("revoke_provision", _("Can revoke provisions")),
            ("break_glass", _("Can provide on the urgent ground at once")),
            ("review_urgent", _("Can review what was provided on the urgent ground")),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="") | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
                name="provision_revoked_with_reason",
            ),
            models.CheckConstraint(
                condition=~Q(way="service") | Q(incident__isnull=False, mou__isnull=False),
                name="provision_of_a_service_has_incident_and_mou",
            ),
            models.CheckConstraint(
                condition=Q(way="service") | Q(opened_by__isnull=False), name="provision_by_hand_says_by_whom"
            ),
            models.CheckConstraint(
                condition=~Q(way="operator") | Q(mou__isnull=False), name="provision_by_operator_has_mou"
            ),
            models.CheckConstraint(
                condition=~Q(way="urgent") | Q(legal_ground="urgent"), name="break_glass_is_on_the_urgent_ground"
            ),
        ]
        indexes = [models.Index(fields=["agency", "ends_at"], name="provision_agency_end")]

    def __str__(self):
        return self.number

    @property
    def incident_number(self) -> str:
        """Of the incident it is for; empty when it is for a request."""
        return self.incident.number if self.incident else ""

    def purpose_met_at(self, at: datetime) -> datetime | None:
        """The earliest of what has ended it by `at`, or will. None while it lasts as long as an incident does.

        An incident that was closed before ends nothing: the provision is for looking back at it. Where no time is
        kept (an agreement suspended, an agency switched off, recorded video taken out) it is `at`.
        """
        closing = self.incident and self.incident.closed_at
        ends = [self.revoked_at, self.ends_at]
        if closing and closing >= self.starts_at:
            ends.append(closing)
        if self.mou:
            ends += [self.mou.ends_at, self.mou.superseded_at]
        if self.why_closed(MediaKind.RECORDED, at) not in ("", "outside_window"):
            ends.append(at)
        first = min(end for end in ends if end)
        return first if first <= at or closing or self.incident is None else None

    @property
    def may_be_live(self) -> bool:
        return self.incident is None or self.incident.is_open

    def holds(self, start, end) -> bool:
        """Is the recorded time from `start` to `end` wholly within what is provided?"""
        return self.recorded_from <= start <= end <= self.recorded_until

    def why_closed(self, kind: str, at, *, past: bool = False) -> str:
        """The gate's code for refusing `kind` at `at`; `outside_window` when only the time asked for is wrong."""
        if not self.agency.is_active:
            return "disabled"
        if self.revoked_at:
            return "provision_revoked"
        if self.mou and (code := self.mou.why_not_in_force(at)):
            return code
        if kind not in self.kinds:
            return "kind_not_provided"
        if not past and kind != MediaKind.RECORDED and not self.may_be_live:
            return "incident_closed"
        if not self.starts_at <= at < self.ends_at:
            return "provision_ended" if at >= self.ends_at else "provision_not_begun"
        return "outside_window"


class ProvisionCameraQuerySet(models.QuerySet):
    def given(self):
        """Those neither taken out of the provision nor kept back by their owner."""
        return self.filter(removed_at=None, camera__excluded_at=None)


class ProvisionCamera(models.Model):
    """A provided camera, with what choosing it knew of the place."""

    provision = models.ForeignKey(Provision, models.PROTECT, related_name="provided")
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField()
    distance_m = models.FloatField()
    bearing_deg = models.FloatField(null=True)
    turn_deg = models.FloatField(null=True)
    covers = models.BooleanField()
    ring = models.CharField(max_length=5, blank=True)
    removed_at = models.DateTimeField(null=True)

    objects = ProvisionCameraQuerySet.as_manager()

    class Meta:
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["provision", "camera"], name="camera_provided_once")]

    def __str__(self):
        return f"{self.provision}: {self.camera}"


class UrgentReview(models.Model):
    """The look back at a break-glass, which somebody else owes within a day."""

    class Verdict(models.TextChoices):
        JUSTIFIED = "justified", _("Justified")
        UNJUSTIFIED = "unjustified", _("Not justified")

    provision = models.OneToOneField(
        Provision, models.PROTECT, related_name="urgent_review", verbose_name=_("provision")
    )
    due_at = models.DateTimeField(_("due"))
    verdict = models.CharField(_("verdict"), max_length=20, choices=Verdict, blank=True)
    note = models.CharField(_("note"), max_length=1000, blank=True)
    reviewed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("reviewed by"))
    reviewed_at = models.DateTimeField(_("reviewed"), null=True)
    escalated_at = models.DateTimeField(_("escalated"), null=True)

    class Meta:
        verbose_name = _("review of a break-glass")
        verbose_name_plural = _("reviews of break-glass")
        ordering = ["due_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reviewed_at=None, reviewed_by=None, verdict="")
                | Q(reviewed_at__isnull=False, reviewed_by__isnull=False) & ~Q(verdict="") & ~Q(note=""),
                name="reviewed_by_with_verdict",
            ),
        ]

    def __str__(self):
        return str(self.provision)

    @property
    def is_overdue(self) -> bool:
        return self.reviewed_at is None and self.due_at <= timezone.now()


class ProvisionRequest(models.Model):
    """An agency asks for video: asked, approved or denied, then provided."""

    class State(models.TextChoices):
        ASKED = "asked", _("Asked")
        APPROVED = "approved", _("Approved")
        DENIED = "denied", _("Denied")
        PROVIDED = "provided", _("Provided")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    WAITING = (State.ASKED, State.APPROVED)

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="requests", verbose_name=_("agency"))
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    due_at = models.DateTimeField(_("answer due"))
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="+", verbose_name=_("incident"))
    place = models.CharField(_("place"), max_length=200)
    location = gis.PointField(_("position"), geography=True, null=True)
    kinds = ArrayField(models.CharField(max_length=20, choices=MediaKind), verbose_name=_("media kinds"))
    recorded_from = models.DateTimeField(_("video from"))
    recorded_until = models.DateTimeField(_("video until"))
    legal_ground = models.CharField(_("legal ground"), max_length=20, choices=LegalGround)
    document_number = models.CharField(_("document number"), max_length=60)
    purpose = models.CharField(_("purpose"), max_length=300)
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.ASKED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("decided by"))
    decided_at = models.DateTimeField(_("decided"), null=True)
    decision = models.CharField(_("reason of the decision"), max_length=300, blank=True)
    provision = models.OneToOneField(
        Provision, models.PROTECT, null=True, related_name="request", verbose_name=_("provision")
    )
    chased_at = models.DateTimeField(_("chased"), null=True)

    class Meta:
        verbose_name = _("request of an agency")
        verbose_name_plural = _("requests of agencies")
        ordering = ["-asked_at"]
        permissions = [("decide_request", _("Can approve and deny requests"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(recorded_until__gt=F("recorded_from")), name="request_ends_after_it_starts"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "withdrawn"]) | Q(decided_by__isnull=False, decided_at__isnull=False),
                name="request_decided_by_and_at",
            ),
            models.CheckConstraint(condition=~Q(state="denied") | ~Q(decision=""), name="denial_says_why"),
            models.CheckConstraint(
                condition=Q(provision=None) | Q(state="provided"), name="request_provided_with_provision"
            ),
        ]

    def __str__(self):
        return f"{self.agency} {self.document_number}"

    @property
    def is_overdue(self) -> bool:
        return self.state in self.WAITING and self.due_at <= timezone.now()


class UseResult(models.Model):
    """What came of a provision, as the agency tells it."""

    class Outcome(models.TextChoices):
        HELPED = "helped", _("It helped")
        NO_HELP = "no_help", _("It did not help")
        ARREST = "arrest", _("Arrest")
        RESCUED = "rescued", _("Person rescued")
        FALSE_ALARM = "false_alarm", _("False alarm")

    provision = models.OneToOneField(Provision, models.PROTECT, related_name="result", verbose_name=_("provision"))
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome)
    text = models.TextField(_("in words"), blank=True, max_length=2000)
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("reported by"))
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="+", verbose_name=_("system"))
    at = models.DateTimeField(_("reported"), default=timezone.now)

    class Meta:
        verbose_name = _("use result")
        verbose_name_plural = _("use results")
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(by=None, key__isnull=False) | Q(by__isnull=False, key=None), name="result_by_somebody"
            ),
        ]

    def __str__(self):
        return f"{self.provision}: {self.get_outcome_display()}"
