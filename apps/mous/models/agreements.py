from django.contrib.gis.db import models as gis
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency, User
from apps.cameras.models import Camera, Purpose
from apps.mous.models.words import LegalGround, MediaKind
from apps.mous.scans import scan_name, scan_storage, validate_scan


class Period(Func):
    function = "TSTZRANGE"
    output_field = DateTimeRangeField()


class AgreementQuerySet(models.QuerySet):
    def in_force(self, at=None):
        at = at or timezone.now()
        return self.filter(
            Q(superseded_at=None) | Q(superseded_at__gt=at),
            state=Agreement.State.SIGNED,
            starts_at__lte=at,
            ends_at__gt=at,
        )

    def once_signed(self):
        return self.exclude(signed_at=None)


class Agreement(models.Model):
    """What the centre and another body agreed on, from the draft to its end.

    Signed by two people, one from each party; changed only by a new version, which takes the place of the old
    one at the second it comes into force. Whether it is in force is worked out when asked, never stored.
    """

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        REVIEWED = "reviewed", _("Reviewed")
        SIGNED = "signed", _("Signed")
        SUSPENDED = "suspended", _("Suspended")
        REVOKED = "revoked", _("Revoked")

    UNSIGNED = (State.DRAFT, State.REVIEWED)

    document_number = models.CharField(_("document number"), max_length=60)
    version = models.PositiveSmallIntegerField(_("version"), default=1, editable=False)
    supersedes = models.ForeignKey(
        "self",
        models.PROTECT,
        null=True,
        editable=False,
        related_name="amendments",
        verbose_name=_("takes the place of"),
    )
    scan = models.FileField(
        _("scanned paper"),
        storage=scan_storage,
        upload_to=scan_name,
        validators=[validate_scan],
        blank=True,
        help_text=_("PDF, PNG or JPEG."),
    )
    starts_at = models.DateTimeField(_("in force from"))
    ends_at = models.DateTimeField(_("in force until"))
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.DRAFT, editable=False)
    drafted_by = models.ForeignKey(User, models.PROTECT, editable=False, related_name="+", verbose_name=_("drafted by"))
    reviewed_by = models.ForeignKey(
        User, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("reviewed by")
    )
    signed_by = models.ForeignKey(
        User, models.PROTECT, null=True, editable=False, related_name="+", verbose_name=_("signed by")
    )
    countersigned_by = models.ForeignKey(
        User,
        models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        verbose_name=_("signed for the other party by"),
    )
    signed_at = models.DateTimeField(_("signed"), null=True, editable=False)
    superseded_at = models.DateTimeField(_("superseded"), null=True, editable=False)
    # Days before the end at which people were last reminded of it.
    reminded_days = models.PositiveSmallIntegerField(null=True, editable=False)

    objects = AgreementQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ["-starts_at"]
        constraints = [
            models.UniqueConstraint(fields=["document_number", "version"], name="%(class)s_version_once"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="%(class)s_ends_after_it_starts"),
            models.CheckConstraint(
                condition=Q(signed_by=None, signed_at=None) | Q(signed_by__isnull=False, signed_at__isnull=False),
                name="%(class)s_signed_by_and_at",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "reviewed"]) | Q(signed_by__isnull=False), name="%(class)s_signed_first"
            ),
            models.CheckConstraint(
                condition=Q(signed_by=None) | ~Q(signed_by=F("drafted_by")), name="%(class)s_signed_by_another"
            ),
            models.CheckConstraint(
                condition=Q(countersigned_by=None) | ~Q(countersigned_by=F("signed_by")),
                name="%(class)s_two_signatures",
            ),
            ExclusionConstraint(
                name="%(class)s_one_version_at_a_time",
                expressions=[
                    ("document_number", RangeOperators.EQUAL),
                    (
                        Period("starts_at", Greatest("starts_at", Least("ends_at", "superseded_at"))),
                        RangeOperators.OVERLAPS,
                    ),
                ],
                condition=Q(state__in=["signed", "suspended"]),
            ),
        ]

    def __str__(self):
        return self.document_number if self.version == 1 else f"{self.document_number} (v{self.version})"

    @property
    def party(self) -> Agency:
        """The body that the centre agreed with."""
        raise NotImplementedError

    def is_superseded(self, at) -> bool:
        return self.superseded_at is not None and at >= self.superseded_at

    def why_not_in_force(self, at) -> str:
        """The refusal code at `at`; empty when it is in force."""
        if self.state != self.State.SIGNED:
            return f"mou_{self.state}"
        if self.is_superseded(at):
            return "mou_superseded"
        if at < self.starts_at:
            return "mou_not_begun"
        return "mou_expired" if at >= self.ends_at else ""

    def clean(self):
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValidationError({"ends_at": _("Must be later than the beginning.")})


class MouQuerySet(AgreementQuerySet):
    def in_force(self, at=None):
        return super().in_force(at).filter(agency__is_active=True)

    def speaking_of(self, service: str):
        return self.filter(services__contains=[service])


class Mou(Agreement):
    """An agreement with an agency: which incidents open which cameras to it, how, and on what ground."""

    agency = models.ForeignKey(Agency, models.PROTECT, related_name="mous", verbose_name=_("agency"))
    services = ArrayField(models.CharField(max_length=40), verbose_name=_("services"))
    incident_types = ArrayField(
        models.CharField(max_length=40),
        verbose_name=_("incident types"),
        default=list,
        blank=True,
        help_text=_("Empty: all types of the services."),
    )
    kinds = ArrayField(models.CharField(max_length=20, choices=MediaKind), verbose_name=_("media kinds"))
    districts = ArrayField(
        models.CharField(max_length=10),
        verbose_name=_("districts"),
        default=list,
        blank=True,
        help_text=_("None, and nothing drawn: the whole city."),
    )
    drawn = gis.MultiPolygonField(_("area drawn"), null=True, blank=True, help_text=_("Adds to the districts."))
    # What districts and drawing come to. Kept with what was signed: a later change of boundaries does not change it.
    area = gis.MultiPolygonField(_("area"), null=True, blank=True, editable=False)
    purposes = ArrayField(
        models.CharField(max_length=10, choices=Purpose),
        verbose_name=_("camera purposes"),
        default=list,
        blank=True,
        help_text=_("Empty: cameras of all purposes."),
    )
    excluded_purposes = ArrayField(
        models.CharField(max_length=10, choices=Purpose),
        verbose_name=_("camera purposes left out"),
        default=list,
        blank=True,
    )
    # Ids rather than a relation: choosing cameras reads them with the agreement, at no further cost.
    only_owners = ArrayField(
        models.BigIntegerField(),
        verbose_name=_("owners taken in"),
        default=list,
        blank=True,
        help_text=_("Empty: all owners."),
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

    objects = MouQuerySet.as_manager()

    class Meta(Agreement.Meta):
        verbose_name = _("MOU")
        verbose_name_plural = _("MOUs")
        permissions = [
            ("review_mou", _("Can review MOUs")),
            ("sign_mou", _("Can sign MOUs")),
            ("suspend_mou", _("Can suspend and revoke MOUs")),
            ("give_watching", _("Can give groups cameras to watch")),
        ]
        constraints = [
            *Agreement.Meta.constraints,
            models.CheckConstraint(condition=Q(outer_radius_m__gte=F("radius_m")), name="mou_rings_in_order"),
        ]

    @property
    def party(self) -> Agency:
        return self.agency

    def clean(self):
        super().clean()
        if self.outer_radius_m is not None and self.radius_m is not None and self.outer_radius_m < self.radius_m:
            raise ValidationError({"outer_radius_m": _("Must not be smaller than the inner radius.")})

    def covers(self, type: str, location) -> bool:
        """Does it speak of this type of incident, at this place?"""
        return self.covers_type(type) and self.covers_place(location)

    def covers_type(self, type: str) -> bool:
        return not self.incident_types or type in self.incident_types

    def covers_place(self, location) -> bool:
        return self.area is None or self.area.intersects(location)

    def cameras(self) -> models.QuerySet[Camera]:
        """The cameras that this MOU may open, wherever the incident is."""
        cameras = Camera.objects.shared().filter(is_enabled=True)
        if self.purposes:
            cameras = cameras.filter(purpose__in=self.purposes)
        if self.excluded_purposes:
            cameras = cameras.exclude(purpose__in=self.excluded_purposes)
        if self.only_owners:
            cameras = cameras.filter(owner__in=self.only_owners)
        if self.area:
            cameras = cameras.filter(location__intersects=self.area)
        return cameras.exclude(owner__in=self.excluded_owners.values("pk"))

    def goes_by(self) -> tuple:
        """All that the text of `cameras` depends on."""
        area = self.area and self.area.ewkb
        return self.pk, *map(tuple, (self.purposes, self.excluded_purposes, self.only_owners)), area


class IntegrationQuerySet(AgreementQuerySet):
    def lapsed_owners(self, at=None):
        """Ids of the owners whose agreement was signed once and none is in force now."""
        at = at or timezone.now()
        return self.once_signed().exclude(owner__in=self.model.objects.in_force(at).values("owner")).values("owner")


class Integration(Agreement):
    """An owner's agreement to join the centre: its cameras are recorded, watched and, under MOUs, provided here."""

    owner = models.ForeignKey(Agency, models.PROTECT, related_name="integrations", verbose_name=_("owner"))
    purpose = models.CharField(_("purpose"), max_length=300)
    terms = models.TextField(_("terms"), blank=True)

    objects = IntegrationQuerySet.as_manager()

    class Meta(Agreement.Meta):
        verbose_name = _("integration agreement")
        verbose_name_plural = _("integration agreements")

    @property
    def party(self) -> Agency:
        return self.owner


class Consent(models.Model):
    """One person's word on one agreement, for their party: consent, or a hold-out that blocks it."""

    class Party(models.TextChoices):
        CENTRE = "centre", _("Operation centre")
        OTHER = "other", _("Other party")

    mou = models.ForeignKey(Mou, models.PROTECT, null=True, related_name="consents", verbose_name=_("MOU"))
    integration = models.ForeignKey(
        Integration, models.PROTECT, null=True, related_name="consents", verbose_name=_("integration agreement")
    )
    party = models.CharField(_("party"), max_length=10, choices=Party)
    person = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("person"))
    agrees = models.BooleanField(_("agrees"))
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    given_at = models.DateTimeField(_("given"), default=timezone.now)

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["given_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(mou=None, integration__isnull=False) | Q(mou__isnull=False, integration=None),
                name="consent_to_one_agreement",
            ),
            models.CheckConstraint(condition=Q(agrees=True) | ~Q(reason=""), name="hold_out_says_why"),
            models.UniqueConstraint(fields=["mou", "person"], name="one_word_per_person_on_mou"),
            models.UniqueConstraint(fields=["integration", "person"], name="one_word_per_person_on_integration"),
        ]

    def __str__(self):
        return f"{self.person}: {self.agrees}"
