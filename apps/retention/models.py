from datetime import timedelta

from django.db import models
from django.db.models import Count, ExpressionWrapper, F, Max, Min, Q, Sum
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency, User
from apps.cameras.models import Camera
from apps.mous.models import LegalGround
from apps.video.models import HeldSegment
from apps.viewing.models import ProvidedCopy


class HoldQuerySet(models.QuerySet):
    def in_force(self):
        """Holds that still keep their copies; one whose end has come does until it is ended."""
        return self.filter(ended_at=None)

    def unfinished(self):
        """Holds that may not have all of their copies yet."""
        return self.in_force().filter(taken_at=None)

    def over(self, at):
        return self.in_force().filter(ends_at__lte=at)

    def to_be_reviewed(self, at):
        """Holds whose day of review has come, and of which nobody has been reminded since."""
        reminded = Q(reminded_at__isnull=False, reminded_at__gte=F("review_at"))
        return self.in_force().filter(review_at__lte=at).exclude(reminded)


class Hold(models.Model):
    """Video of some cameras that a legal reason keeps beyond its days: an own copy, until a day that is named."""

    cameras = models.ManyToManyField(Camera, related_name="+", verbose_name=_("cameras"))
    period_from = models.DateTimeField(_("recorded from"))
    period_until = models.DateTimeField(_("recorded until"))
    reason = models.CharField(_("legal reason"), max_length=300)
    legal_ground = models.CharField(_("legal ground"), max_length=20, choices=LegalGround)
    document_number = models.CharField(_("document number"), max_length=60)
    incident_number = models.CharField(_("incident"), max_length=20, blank=True)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="+", verbose_name=_("for the agency"))
    owner = models.CharField(_("person in charge"), max_length=100)
    ends_at = models.DateTimeField(_("held until"))
    review_at = models.DateTimeField(_("to be reviewed by"))
    reminded_at = models.DateTimeField(_("reminded"), null=True, editable=False)
    created_at = models.DateTimeField(_("placed"), default=timezone.now, editable=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("placed by"), editable=False)
    # Since when nothing more is to come: the period is over, and all of it that was recorded is taken.
    taken_at = models.DateTimeField(_("complete"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    # None when its day had come.
    released_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("released by"), editable=False
    )
    release_reason = models.CharField(_("reason of the release"), max_length=300, blank=True, editable=False)
    destroyed_at = models.DateTimeField(_("copies destroyed"), null=True, editable=False)

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        ordering = ["-created_at"]
        permissions = [
            ("place_hold", _("Can place holds")),
            ("extend_hold", _("Can review and extend holds")),
            ("release_hold", _("Can release holds before their end")),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(period_until__gt=F("period_from")), name="hold_has_a_period"),
            models.CheckConstraint(condition=Q(review_at__lte=F("ends_at")), name="hold_is_reviewed_before_its_end"),
            models.CheckConstraint(
                condition=Q(released_by=None, release_reason="")
                | Q(released_by__isnull=False, ended_at__isnull=False) & ~Q(release_reason=""),
                name="hold_released_by_whom_and_why",
            ),
            models.CheckConstraint(
                condition=Q(destroyed_at=None) | Q(ended_at__isnull=False), name="hold_ends_before_its_copies"
            ),
        ]
        indexes = [models.Index(fields=["ends_at"], condition=Q(ended_at=None), name="hold_in_force")]

    def __str__(self):
        return self.number

    @property
    def number(self) -> str:
        return f"H{self.created_at:%Y}-{self.pk:06d}"

    @property
    def held(self) -> models.QuerySet[HeldSegment]:
        return HeldSegment.objects.filter(hold=self.pk)

    def kept_by_camera(self) -> list[dict]:
        """What the hold keeps of each camera."""
        columns = {
            "files": Count("pk"),
            "size": Sum("bytes"),
            "since": Min("started_at"),
            "until": Max("ended_at"),
            "unchecked": Count("pk", filter=Q(condition="taken")),
            "damaged": Count("pk", filter=Q(condition="damaged")),
        }
        return list(self.held.order_by("camera__number").values("camera__number").annotate(**columns))

    @property
    def state_name(self) -> str:
        if self.destroyed_at:
            return _("Copies destroyed")
        return _("Ended") if self.ended_at else _("In force")


class Certificate(models.Model):
    """Says that a provided copy, or what a hold kept of a camera, is gone for good: what, when and how.

    Written once: a database trigger refuses change and deletion.
    """

    class Method(models.TextChoices):
        REMOVED = "removed", _("File removed from the storage, removal confirmed on disk")

    copy = models.OneToOneField(
        ProvidedCopy, models.PROTECT, null=True, related_name="certificate", verbose_name=_("copy")
    )
    hold = models.ForeignKey(Hold, models.PROTECT, null=True, related_name="certificates", verbose_name=_("hold"))
    what = models.CharField(_("what"), max_length=300)
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="+", verbose_name=_("camera"))
    period_from = models.DateTimeField(_("period from"))
    period_until = models.DateTimeField(_("period until"))
    files = models.PositiveIntegerField(_("files"), default=1)
    # Of the file; of several, of the list of theirs in order of time, one on a line.
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64)
    destroyed_at = models.DateTimeField(_("destroyed"), default=timezone.now)
    method = models.CharField(_("method"), max_length=20, choices=Method, default=Method.REMOVED)
    by = models.CharField(_("by"), max_length=200)

    class Meta:
        verbose_name = _("certificate of destruction")
        verbose_name_plural = _("certificates of destruction")
        ordering = ["-destroyed_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(copy=None, hold__isnull=False) | Q(copy__isnull=False, hold=None),
                name="certificate_of_a_copy_or_a_hold",
            ),
            models.UniqueConstraint(fields=["hold", "camera"], name="certificate_of_a_hold_once_a_camera"),
        ]

    def __str__(self):
        return self.number

    @property
    def number(self) -> str:
        return f"D{self.destroyed_at:%Y}-{self.pk:06d}"


class DiskWatch(models.Model):
    """What the centre was last told of the room for recordings. One row a folder of recordings."""

    root = models.CharField(_("folder"), max_length=200, primary_key=True)
    level = models.CharField(_("level"), max_length=10, default="normal")
    since = models.DateTimeField(_("since"), default=timezone.now)
    # Recordings go early from the level `serious` on, until there is clearly more room than that.
    is_making_room = models.BooleanField(_("recordings go early"), default=False)

    class Meta:
        verbose_name = _("room for recordings")
        verbose_name_plural = _("room for recordings")

    def __str__(self):
        return f"{self.root}: {self.level}"


class EarlyPurgeQuerySet(models.QuerySet):
    def short(self):
        """Cameras of which fewer days are there than should be."""
        days = ExpressionWrapper(timedelta(days=1) * F("camera__retention_days"), output_field=models.DurationField())
        return self.filter(until__gt=Now() - days)


class EarlyPurge(models.Model):
    """Recordings of a camera that went before their time, since the disk was full: since when it is whole again."""

    camera = models.OneToOneField(
        Camera, models.PROTECT, primary_key=True, related_name="early_purge", verbose_name=_("camera")
    )
    # What was recorded before this is gone.
    until = models.DateTimeField(_("recordings gone until"))
    at = models.DateTimeField(_("last time"))

    objects = EarlyPurgeQuerySet.as_manager()

    class Meta:
        verbose_name = _("early purge")
        verbose_name_plural = _("early purges")
        ordering = ["-at"]

    def __str__(self):
        return f"{self.camera} < {self.until}"


class Look(models.Model):
    """One look at whether index, disk and object store agree: how far it came, and what it found."""

    began_at = models.DateTimeField(_("began"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    is_daily = models.BooleanField(_("daily"), default=False)
    # Cameras up to this one, in order of their keys, have been looked at.
    reached = models.BigIntegerField(_("reached"), default=0)
    found = models.JSONField(_("found"), default=dict)

    class Meta:
        verbose_name = _("look at index and disk")
        verbose_name_plural = _("looks at index and disk")

    def __str__(self):
        return f"{self.began_at:%Y-%m-%d %H:%M}"
