from django.contrib.gis.db import models as gis
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency, User
from apps.cameras.models import Camera, Purpose
from apps.incidents.models import Incident
from apps.incidents.states import OPEN


class MediaKind(models.TextChoices):
    LIVE = "live", _("Live video")
    RECORDED = "recorded", _("Recorded video")
    STILL = "still", _("Still picture")
    PERSON_CARD = "person_card", _("Person card")


class LegalGround(models.TextChoices):
    """Personal Information Protection Act, Art. 18(2): grounds on which another body may be given video."""

    CONSENT = "consent", _("Consent of the person (Art. 18(2)1)")
    OTHER_LAW = "other_law", _("Special provision in another law (Art. 18(2)2)")
    URGENT = "urgent", _("Urgent protection of life, body or property (Art. 18(2)3)")
    COMMISSION = "commission", _("Decision of the Protection Commission (Art. 18(2)5)")
    TREATY = "treaty", _("Treaty or international agreement (Art. 18(2)6)")
    INVESTIGATION = "investigation", _("Criminal investigation and prosecution (Art. 18(2)7)")
    COURT = "court", _("Work of the courts (Art. 18(2)8)")
    SENTENCE = "sentence", _("Execution of a sentence (Art. 18(2)9)")
    PUBLIC_SAFETY = "public_safety", _("Urgent public safety and peace (Art. 18(2)10)")


class MouQuerySet(models.QuerySet):
    def in_force(self, at=None):
        at = at or timezone.now()
        return self.filter(state=Mou.State.SIGNED, starts_at__lte=at, ends_at__gt=at, agency__is_active=True)

    def speaking_of(self, service: str):
        return self.filter(services__contains=[service])


class Mou(models.Model):
    """An agreement with an agency: which incidents open which cameras to it, how, and on what ground."""

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SIGNED = "signed", _("Signed")
        SUSPENDED = "suspended", _("Suspended")
        REVOKED = "revoked", _("Revoked")

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="mous", verbose_name=_("agency"))
    document_number = models.CharField(_("document number"), max_length=60, unique=True)
    services = ArrayField(models.CharField(max_length=40), verbose_name=_("services"))
    incident_types = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("incident types"),
        default=list,
        blank=True,
        help_text=_("Empty: all types of the services."),
    )
    kinds = ArrayField(models.CharField(max_length=20, choices=MediaKind), verbose_name=_("media kinds"))
    area = gis.MultiPolygonField(_("area"), null=True, blank=True, help_text=_("Empty: the whole city."))
    purposes = ArrayField(
        models.CharField(max_length=10, choices=Purpose),
        verbose_name=_("camera purposes"),
        default=list,
        blank=True,
        help_text=_("Empty: cameras of all purposes."),
    )
    excluded_owners = models.ManyToManyField(Agency, verbose_name=_("owners left out"), blank=True, related_name="+")
    max_cameras = models.PositiveSmallIntegerField(_("cameras at most"), default=9)
    radius_m = models.PositiveIntegerField(_("inner radius in metres"), default=500)
    outer_radius_m = models.PositiveIntegerField(_("outer radius in metres"), default=1000)
    lookback_min = models.PositiveIntegerField(_("minutes before the call"), default=30)
    lookahead_min = models.PositiveIntegerField(_("minutes after the call"), default=120)
    open_hours = models.PositiveIntegerField(_("hours a provision may stay open"), default=24)
    report_hours = models.PositiveIntegerField(_("hours of recorded video after closing"), default=72)
    legal_ground = models.CharField(_("legal ground"), max_length=20, choices=LegalGround)
    purpose = models.CharField(_("purpose"), max_length=300)
    starts_at = models.DateTimeField(_("in force from"))
    ends_at = models.DateTimeField(_("in force until"))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT, editable=False)
    drafted_by = models.ForeignKey(User, models.PROTECT, editable=False, related_name="+", verbose_name=_("drafted by"))
    signed_by = models.ForeignKey(
        User, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("signed by")
    )
    signed_at = models.DateTimeField(_("signed"), null=True, editable=False)

    objects = MouQuerySet.as_manager()

    class Meta:
        verbose_name = _("MOU")
        verbose_name_plural = _("MOUs")
        ordering = ["-starts_at"]
        permissions = [
            ("sign_mou", _("Can sign MOUs")),
            ("suspend_mou", _("Can suspend and revoke MOUs")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="mou_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(signed_by=None, signed_at=None) | Q(signed_by__isnull=False, signed_at__isnull=False),
                name="mou_signed_by_and_at",
            ),
            models.CheckConstraint(condition=Q(state="draft") | Q(signed_by__isnull=False), name="mou_signed_first"),
            models.CheckConstraint(
                condition=Q(signed_by=None) | ~Q(signed_by=F("drafted_by")), name="mou_signed_by_another"
            ),
            models.CheckConstraint(condition=Q(outer_radius_m__gte=F("radius_m")), name="mou_rings_in_order"),
        ]

    def __str__(self):
        return self.document_number

    def clean(self):
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("Must be later than the beginning.")})
        if self.outer_radius_m < self.radius_m:
            raise ValidationError({"outer_radius_m": _("Must not be smaller than the inner radius.")})

    def why_not_in_force(self, at) -> str:
        """The refusal code for this MOU at `at`; empty when it is in force."""
        if self.state != self.State.SIGNED:
            return f"mou_{self.state}"
        if at < self.starts_at:
            return "mou_not_begun"
        return "mou_expired" if at >= self.ends_at else ""

    def covers(self, type: str, location) -> bool:
        """Does it speak of this type of incident, at this place?"""
        return self.covers_type(type) and (self.area is None or self.area.intersects(location))

    def covers_type(self, type: str) -> bool:
        return not self.incident_types or type in self.incident_types

    def cameras(self) -> models.QuerySet[Camera]:
        """The cameras that this MOU may open, wherever the incident is."""
        cameras = Camera.objects.filter(is_enabled=True)
        if self.purposes:
            cameras = cameras.filter(purpose__in=self.purposes)
        if self.area:
            cameras = cameras.filter(location__intersects=self.area)
        return cameras.exclude(owner__in=self.excluded_owners.values("pk"))


class ProvisionQuerySet(models.QuerySet):
    def in_force(self, at=None):
        """Provisions open at `at`, by the provision itself and by the MOU behind it."""
        at = at or timezone.now()
        return self.filter(
            revoked_at=None,
            starts_at__lte=at,
            ends_at__gt=at,
            agency__is_active=True,
            mou__in=Mou.objects.in_force(at),
        )

    def giving(self, kind: str, at=None):
        """Provisions that give `kind` now: live video only while the incident is open."""
        giving = self.in_force(at).filter(kinds__contains=[kind])
        return giving.filter(incident__state__in=OPEN) if kind == MediaKind.LIVE else giving

    def of_agencies(self, agency_ids: list[int]):
        return self.filter(agency__in=agency_ids)


class Provision(models.Model):
    """The right of one agency to one incident's cameras: what the gate reads, what the register quotes."""

    number = models.CharField(_("number"), max_length=20, unique=True)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="provisions", verbose_name=_("agency"))
    service = models.CharField(_("service"), max_length=40)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="provisions", verbose_name=_("incident"))
    mou = models.ForeignKey(Mou, models.PROTECT, related_name="provisions", verbose_name=_("MOU"))
    legal_ground = models.CharField(_("legal ground"), max_length=20, choices=LegalGround)
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
        permissions = [("revoke_provision", _("Can revoke provisions"))]
        constraints = [
            models.CheckConstraint(
                condition=Q(revoked_at=None, revoked_reason="") | Q(revoked_at__isnull=False) & ~Q(revoked_reason=""),
                name="provision_revoked_with_reason",
            ),
        ]
        indexes = [models.Index(fields=["agency", "ends_at"], name="provision_agency_end")]

    def __str__(self):
        return self.number

    def holds(self, start, end) -> bool:
        """Is the recorded time from `start` to `end` wholly within what is provided?"""
        return self.recorded_from <= start <= end <= self.recorded_until

    def why_closed(self, kind: str, at) -> str:
        """The gate's code for refusing `kind` at `at`; `outside_window` when only the time asked for is wrong."""
        if not self.agency.is_active:
            return "disabled"
        if self.revoked_at:
            return "provision_revoked"
        if code := self.mou.why_not_in_force(at):
            return code
        if kind not in self.kinds:
            return "kind_not_provided"
        if kind == MediaKind.LIVE and not self.incident.is_open:
            return "incident_closed"
        if not self.starts_at <= at < self.ends_at:
            return "provision_ended" if at >= self.ends_at else "provision_not_begun"
        return "outside_window"


class ProvisionCamera(models.Model):
    """A provided camera, with what choosing it knew of the place."""

    provision = models.ForeignKey(Provision, models.PROTECT, related_name="provided")
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="+")
    rank = models.PositiveSmallIntegerField()
    distance_m = models.FloatField()
    bearing_deg = models.FloatField(null=True)
    turn_deg = models.FloatField(null=True)
    covers = models.BooleanField()
    ring = models.CharField(max_length=5)

    class Meta:
        ordering = ["rank"]
        constraints = [models.UniqueConstraint(fields=["provision", "camera"], name="camera_provided_once")]

    def __str__(self):
        return f"{self.provision}: {self.camera}"


class LedgerEntry(models.Model):
    """A line of the personal video information register, in the law's columns. Written once.

    Columns by the Standard Guideline on Personal Information Protection (register of use, provision,
    viewing and destruction); `refuse` lines are ours: the law asks for none, an auditor does.
    """

    class Kind(models.TextChoices):
        USE = "use", _("Use")
        PROVIDE = "provide", _("Provision to a third party")
        VIEW = "view", _("Viewing")
        DESTROY = "destroy", _("Destruction")
        REFUSE = "refuse", _("Refusal")

    number = models.BigAutoField(_("number"), primary_key=True)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind)
    at = models.DateTimeField(_("date and time"), default=timezone.now)
    file_name = models.CharField(_("file name"), max_length=300, blank=True)
    form = models.CharField(_("form"), max_length=100, blank=True)
    officer = models.CharField(_("officer in charge"), max_length=200)
    purpose = models.CharField(_("purpose and reason"), max_length=500)
    third_party = models.CharField(_("third party or requester"), max_length=200, blank=True)
    ground = models.CharField(_("ground"), max_length=200, blank=True)
    manner = models.CharField(_("form of use or provision"), max_length=200, blank=True)
    period_from = models.DateTimeField(_("period from"), null=True)
    period_until = models.DateTimeField(_("period until"), null=True)
    cameras = ArrayField(models.CharField(max_length=80), verbose_name=_("cameras"), default=list)
    incident_number = models.CharField(_("incident"), max_length=20, blank=True)
    provision = models.ForeignKey(
        Provision, models.DO_NOTHING, null=True, related_name="ledger", verbose_name=_("provision")
    )
    agency = models.ForeignKey(Agency, models.DO_NOTHING, null=True, related_name="+", verbose_name=_("agency"))
    code = models.CharField(_("refusal"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("register line")
        verbose_name_plural = _("personal video information register")
        ordering = ["-number"]
        indexes = [
            models.Index(fields=["at"], name="ledger_at"),
            models.Index(fields=["agency", "at"], name="ledger_agency_at"),
            models.Index(fields=["incident_number"], name="ledger_incident"),
        ]

    def __str__(self):
        return f"{self.number} {self.get_kind_display()}"
