from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.agencies.models import Agency, ApiKey, User
from apps.agencies.principals import Principal
from apps.cameras.models import Camera
from apps.incidents.models import Incident
from apps.mous.models import Provision
from apps.video.models import Clip


class ViewLog(models.Model):
    """Somebody saw something: one row per door opened, with the incident's number or `none` and a reason.

    Looking back asks for many small things: a row of `playback` or `timeline` holds one connected recorded
    period and grows with it, `closed_at` being when the viewer last asked; `pictures` counts its thumbnails.
    """

    class Door(models.TextChoices):
        LIVE = "live", _("Live video")
        PLAYBACK = "playback", _("Playback")
        TIMELINE = "timeline", _("Timeline and thumbnails")
        STILL = "still", _("Still picture")
        CLIP = "clip", _("Download of a clip")

    NO_INCIDENT = "none"

    door = models.CharField(_("door"), max_length=10, choices=Door)
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="+", verbose_name=_("camera"))
    user = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("person"))
    key = models.ForeignKey(ApiKey, models.PROTECT, null=True, related_name="+", verbose_name=_("system"))
    provision = models.ForeignKey(
        Provision, models.PROTECT, null=True, related_name="views", verbose_name=_("provision")
    )
    incident_number = models.CharField(_("incident"), max_length=20, default=NO_INCIDENT)
    reason = models.CharField(_("reason"), max_length=300, blank=True)
    address = models.GenericIPAddressField(_("from address"), null=True)
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    closed_at = models.DateTimeField(pgettext_lazy("view", "closed"), null=True)
    closed_because = models.CharField(_("closed because"), max_length=40, blank=True)
    period_from = models.DateTimeField(_("recorded from"), null=True)
    period_until = models.DateTimeField(_("recorded until"), null=True)
    pictures = models.PositiveIntegerField(_("thumbnails"), db_default=0)

    class Meta:
        verbose_name = _("view")
        verbose_name_plural = _("views")
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(user=None, key__isnull=False) | Q(user__isnull=False, key=None), name="view_by_somebody"
            ),
            models.CheckConstraint(
                condition=~Q(incident_number="none") | ~Q(reason=""), name="view_without_incident_says_why"
            ),
        ]
        indexes = [
            models.Index(fields=["opened_at"], name="view_opened"),
            models.Index(fields=["camera", "opened_at"], name="view_of_camera"),
            models.Index(fields=["incident_number"], name="view_of_incident"),
        ]

    def __str__(self):
        return f"{self.opened_at:%Y-%m-%d %H:%M:%S} {self.door} {self.camera_id}"


class BookmarkQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal):
        """Every bookmark for the centre's staff; for others their own, and those of incidents they know of."""
        if principal.is_centre_staff:
            return self
        return self.filter(Q(incident__in=Incident.objects.visible_to(principal)) | Q(by=principal.user_id))


class Bookmark(models.Model):
    """A moment in a camera's recording that somebody marked, and why."""

    camera = models.ForeignKey(Camera, models.PROTECT, related_name="+", verbose_name=_("camera"))
    incident = models.ForeignKey(
        Incident, models.PROTECT, null=True, related_name="bookmarks", verbose_name=_("incident")
    )
    at = models.DateTimeField(_("moment"))
    note = models.CharField(_("note"), max_length=300)
    by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("person"))
    created_at = models.DateTimeField(_("made"), default=timezone.now)

    objects = BookmarkQuerySet.as_manager()

    class Meta:
        verbose_name = _("bookmark")
        verbose_name_plural = _("bookmarks")
        ordering = ["at"]
        constraints = [models.CheckConstraint(condition=~Q(note=""), name="bookmark_says_why")]
        indexes = [models.Index(fields=["camera", "at"], name="bookmark_of_camera_at")]

    def __str__(self):
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.note}"


class ProvidedCopyQuerySet(models.QuerySet):
    def due(self, at=None):
        """Copies whose purpose is met and whose last day has come."""
        return self.filter(destroyed_at=None, destroy_by__lte=at or timezone.now())

    def for_taking(self):
        """Copies that their agency may still take: not destroyed, nor said by itself to be."""
        return self.filter(destroyed_at=None, confirmed_at=None)


class ProvidedCopy(models.Model):
    """A clip made for an agency on a provision, until it is destroyed."""

    provision = models.ForeignKey(Provision, models.PROTECT, related_name="copies", verbose_name=_("provision"))
    clip = models.OneToOneField(Clip, models.PROTECT, related_name="provided", verbose_name=_("clip"))
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="copies", verbose_name=_("agency"))
    ledger_number = models.BigIntegerField(_("register line"))
    requested_by = models.CharField(_("requested by"), max_length=200)
    created_at = models.DateTimeField(_("ordered"), default=timezone.now)
    destroy_by = models.DateTimeField(_("to be destroyed by"), null=True)
    destroyed_at = models.DateTimeField(_("destroyed"), null=True)
    # The file that the agency itself holds: when it first took it, and when it said that it is gone.
    taken_at = models.DateTimeField(_("first taken"), null=True)
    confirmed_at = models.DateTimeField(_("destruction confirmed"), null=True)
    confirmed_by = models.ForeignKey(
        User, models.PROTECT, null=True, related_name="+", verbose_name=_("destruction confirmed by")
    )
    chased_at = models.DateTimeField(_("chased"), null=True)

    objects = ProvidedCopyQuerySet.as_manager()

    class Meta:
        verbose_name = _("provided copy")
        verbose_name_plural = _("provided copies")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["destroy_by"], condition=Q(destroyed_at=None), name="copy_due"),
            models.Index(fields=["agency", "created_at"], name="copy_of_agency"),
        ]

    def __str__(self):
        return str(self.clip_id)


class MonthlyCheck(models.Model):
    """The month's look through the access log that the law asks for (safety measures for personal information)."""

    month = models.DateField(_("month"), unique=True)
    views = models.PositiveIntegerField(_("views"))
    downloads = models.PositiveIntegerField(_("downloads"))
    refusals = models.PositiveIntegerField(_("refusals"))
    made_at = models.DateTimeField(_("made"), default=timezone.now)
    closed_at = models.DateTimeField(_("completed"), null=True)

    class Meta:
        verbose_name = _("monthly check")
        verbose_name_plural = _("monthly checks")
        ordering = ["-month"]

    def __str__(self):
        return f"{self.month:%Y-%m}"


class Finding(models.Model):
    """Something in the month's log that a person has to look at and answer for."""

    class Kind(models.TextChoices):
        DOWNLOADS = "downloads", _("Downloads: is the reason confirmed?")
        NIGHT = "night", _("Many views at night without an incident")
        NIGHT_CLIPS = "night_clips", _("Downloads at night: is the reason confirmed?")
        NIGHT_OFTEN = "night_often", _("Far more views of incidents at night than others")
        NO_INCIDENT = "no_incident", _("Many views without an incident")
        ONE_CAMERA = "one_camera", _("One camera watched often without an incident")
        ONE_PERSON = "one_person", _("One person searched for often")
        REFUSED = "refused", _("Many refusals")

    check_of = models.ForeignKey(MonthlyCheck, models.PROTECT, related_name="findings", verbose_name=_("monthly check"))
    kind = models.CharField(_("kind"), max_length=12, choices=Kind)
    who = models.CharField(_("who"), max_length=200)
    subject = models.CharField(_("concerning"), max_length=200, blank=True)
    times = models.PositiveIntegerField(_("times"))
    first_at = models.DateTimeField(_("first"))
    last_at = models.DateTimeField(_("last"))
    in_order = models.BooleanField(_("in order"), null=True)
    answer = models.CharField(_("answer"), max_length=300, blank=True)
    signed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", verbose_name=_("signed off by"))
    signed_at = models.DateTimeField(_("signed off"), null=True)

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        ordering = ["kind", "-times"]
        constraints = [
            models.UniqueConstraint(fields=["check_of", "kind", "who", "subject"], name="finding_once"),
            models.CheckConstraint(
                condition=Q(signed_at=None, signed_by=None, in_order=None)
                | Q(signed_at__isnull=False, signed_by__isnull=False, in_order__isnull=False) & ~Q(answer=""),
                name="finding_signed_off_whole",
            ),
        ]

    def __str__(self):
        return f"{self.get_kind_display()} – {self.who}"
