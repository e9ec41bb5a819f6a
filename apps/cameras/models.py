from django.conf import settings
from django.contrib.gis.db import models
from django.contrib.postgres.indexes import GistIndex
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from apps.cameras import coverage


def default_retention_days() -> int:
    return settings.CITY["retention_days"]


class Area(models.Model):
    """A named part of the city."""

    code = models.CharField(_("code"), max_length=10, unique=True)
    name_ko = models.CharField(_("Korean name"), max_length=60)
    name_en = models.CharField(_("English name"), max_length=60)
    shape = models.MultiPolygonField(_("boundary"), srid=4326)

    class Meta:
        abstract = True
        ordering = ["code"]

    def __str__(self):
        return self.name

    @property
    def name(self) -> str:
        return self.name_ko if (get_language() or "ko").startswith("ko") else self.name_en


class District(Area):
    class Meta(Area.Meta):
        verbose_name = _("district")
        verbose_name_plural = _("districts")


class Dong(Area):
    district = models.ForeignKey(District, models.PROTECT, related_name="dongs", verbose_name=_("district"))

    class Meta(Area.Meta):
        verbose_name = _("dong")
        verbose_name_plural = _("dongs")


class Purpose(models.TextChoices):
    SECURITY = "security", _("Security")
    CHILDREN = "children", _("Protection of children")
    TRAFFIC = "traffic", _("Traffic")
    PARKING = "parking", _("Parking control")
    DUMPING = "dumping", _("Dumping control")
    FACILITY = "facility", _("Facilities")
    PLATE = "plate", _("Plate reading")
    DISASTER = "disaster", _("Disaster")
    OTHER = "other", _("Other")


class Site(models.Model):
    """A pole or wall that carries cameras: one row of the public list."""

    owner = models.ForeignKey("agencies.Agency", models.PROTECT, related_name="sites", verbose_name=_("owner"))
    management_no = models.CharField(_("management number"), max_length=60)
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    purpose_text = models.CharField(_("purpose as listed"), max_length=60, blank=True)
    road_address = models.CharField(_("road address"), max_length=300, blank=True)
    lot_address = models.CharField(_("lot address"), max_length=300, blank=True)
    direction_text = models.CharField(_("direction as listed"), max_length=300, blank=True)
    installed = models.CharField(_("installed (year-month)"), max_length=7, blank=True)
    phone = models.CharField(_("telephone"), max_length=40, blank=True)
    pixels_10k = models.PositiveIntegerField(_("pixels (ten thousands)"), null=True, blank=True)
    region_code = models.CharField(_("code of the publishing body"), max_length=10, blank=True)
    as_of = models.DateField(_("list as of"), null=True, blank=True)
    location = models.PointField(_("position"), geography=True, srid=4326)
    district = models.ForeignKey(District, models.SET_NULL, null=True, blank=True, verbose_name=_("district"))
    dong = models.ForeignKey(Dong, models.SET_NULL, null=True, blank=True, verbose_name=_("dong"))

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["owner", "management_no"], name="one_site_per_management_no"),
        ]

    def __str__(self):
        return self.road_address or self.lot_address or self.management_no


class CameraQuerySet(models.QuerySet):
    def streaming(self):
        """Cameras a recorder should be pulling."""
        return self.filter(is_enabled=True).exclude(rtsp_url="")

    def shared(self):
        """Cameras that their owner has not kept back."""
        return self.filter(excluded_at=None)

    def called(self, words: str):
        """Cameras whose number or address holds the words."""
        address = Q(site__road_address__icontains=words) | Q(site__lot_address__icontains=words)
        return self.filter(Q(number__icontains=words) | address)


class Camera(models.Model):
    class Kind(models.TextChoices):
        FIXED = "fixed", _("Fixed")
        PTZ = "ptz", _("Turning (PTZ)")

    class Status(models.TextChoices):
        OFF = "off", _("No stream")
        STANDBY = "standby", _("Standing by")
        NORMAL = "normal", _("Normal")
        CAUTION = "caution", _("Caution")
        SERIOUS = "serious", _("Serious")
        CRITICAL = "critical", _("Critical")

    ALIVE = (Status.STANDBY, Status.NORMAL, Status.CAUTION)
    WITHOUT_PICTURE = (Status.OFF, Status.SERIOUS, Status.CRITICAL)
    FIXED_RANGE_M, PTZ_RANGE_M, DEFAULT_FOV_DEG = 50.0, 100.0, 90.0

    site = models.ForeignKey(Site, models.PROTECT, related_name="cameras", verbose_name=_("site"))
    number = models.CharField(_("number"), max_length=80, unique=True)
    owner = models.ForeignKey("agencies.Agency", models.PROTECT, related_name="cameras", verbose_name=_("owner"))
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose)
    kind = models.CharField(_("kind"), max_length=5, choices=Kind, default=Kind.FIXED)
    location = models.PointField(_("position"), geography=True, srid=4326)
    bearing_deg = models.FloatField(
        _("bearing"),
        null=True,
        blank=True,
        help_text=_("Degrees clockwise from north; empty when unknown or all round."),
        validators=[MinValueValidator(0), MaxValueValidator(359.999)],
    )
    fov_deg = models.FloatField(_("field of view"), default=DEFAULT_FOV_DEG, validators=[MaxValueValidator(360)])
    range_m = models.FloatField(_("range in metres"), default=FIXED_RANGE_M, validators=[MaxValueValidator(5000)])
    coverage = models.PolygonField(_("coverage"), srid=4326, editable=False)
    width = models.PositiveIntegerField(_("width"), null=True, blank=True)
    height = models.PositiveIntegerField(_("height"), null=True, blank=True)
    retention_days = models.PositiveSmallIntegerField(
        _("retention in days"), default=default_retention_days, validators=[MinValueValidator(1)]
    )
    rtsp_url = models.CharField(_("RTSP address"), max_length=500, blank=True)
    onvif_url = models.CharField(_("ONVIF address"), max_length=500, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.OFF, editable=False)
    status_reason = models.CharField(_("reason of the status"), max_length=300, blank=True, editable=False)
    status_at = models.DateTimeField(_("status since"), default=timezone.now, editable=False)
    is_virtual = models.BooleanField(_("virtual"), default=False)
    is_enabled = models.BooleanField(_("enabled"), default=True)
    # Kept back by the owner (undercover, inside a school): nobody but the owner is shown it, or that it is there.
    excluded_at = models.DateTimeField(_("kept back since"), null=True, editable=False)
    excluded_reason = models.CharField(_("kept back because"), max_length=300, blank=True, editable=False)

    objects = CameraQuerySet.as_manager()

    class Meta:
        verbose_name = _("camera")
        verbose_name_plural = _("cameras")
        ordering = ["pk"]
        permissions = [("watch_camera", _("Can watch this camera under a standing right"))]
        indexes = [
            # Choosing asks for the nearest with a picture, and for the nearest of the rest, apart:
            # among many dead cameras the few that live are then found without passing the dead.
            # Given as expressions, since Django's PostGIS backend drops the condition of a plain column.
            GistIndex(
                "location",
                name="camera_alive_location",
                condition=Q(status__in=["standby", "normal", "caution"]),
            ),
            GistIndex(
                "location",
                name="camera_rest_location",
                condition=Q(status__in=["off", "serious", "critical"]),
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(bearing_deg__isnull=True) | Q(bearing_deg__gte=0, bearing_deg__lt=360),
                name="camera_bearing_is_a_bearing",
            ),
            models.CheckConstraint(condition=Q(fov_deg__gt=0, fov_deg__lte=360), name="camera_fov_is_an_angle"),
            models.CheckConstraint(condition=Q(range_m__gt=0, range_m__lte=5000), name="camera_range_is_sane"),
            models.CheckConstraint(condition=Q(retention_days__gte=1), name="camera_keeps_a_day_or_more"),
            models.CheckConstraint(
                condition=Q(excluded_at=None, excluded_reason="")
                | Q(excluded_at__isnull=False) & ~Q(excluded_reason=""),
                name="camera_kept_back_with_reason",
            ),
        ]

    def __str__(self):
        return self.number

    def save(self, **kwargs):
        """Keep what follows from other fields: the coverage, and `off` for a camera without a stream."""
        self.rebuild_coverage()
        if not self.rtsp_url:
            self.status = self.Status.OFF
        elif self.status == self.Status.OFF:
            self.status = self.Status.STANDBY
        if kwargs.get("update_fields") is not None:
            kwargs["update_fields"] = {*kwargs["update_fields"], "coverage", "status"}
        super().save(**kwargs)

    @property
    def sees_all_round(self) -> bool:
        """Whether its coverage is the whole circle: it turns, looks all round, or its direction is unknown."""
        return self.kind == self.Kind.PTZ or self.bearing_deg is None or self.fov_deg >= 360

    def rebuild_coverage(self) -> None:
        bearing = None if self.sees_all_round else self.bearing_deg
        self.coverage = coverage.polygon(self.location.x, self.location.y, bearing, self.fov_deg, self.range_m)
