from django.contrib.gis.db import models as gis
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.agencies.models import Agency
from apps.agencies.principals import Principal
from apps.incidents.states import OPEN, State


class IncidentQuerySet(models.QuerySet):
    def open(self):
        return self.filter(state__in=OPEN)

    def visible_to(self, principal: Principal):
        """Every incident for the centre's staff; for an agency those that it sent or is shown video of."""
        if principal.is_centre_staff:
            return self
        return self.filter(parties__overlap=principal.agency_ids) if principal.agency_ids else self.none()


class Incident(models.Model):
    """Something that happened at a place, as an agency's control room told it. Knows nothing of cameras."""

    class Grade(models.TextChoices):
        URGENT = "urgent", _("Urgent")
        NORMAL = "normal", pgettext_lazy("grade", "Normal")

    number = models.CharField(_("number"), max_length=20, unique=True)
    agency = models.ForeignKey(Agency, models.PROTECT, related_name="incidents", verbose_name=_("sent by"))
    source_id = models.CharField(_("sender's number"), max_length=100)
    digest = models.CharField(max_length=64, editable=False)
    service = models.CharField(_("service"), max_length=40)
    type = models.CharField(_("type"), max_length=40)
    grade = models.CharField(_("grade"), max_length=10, choices=Grade)
    occurred_at = models.DateTimeField(_("occurred"))
    received_at = models.DateTimeField(_("received"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed"), null=True)
    location = gis.PointField(_("location"), geography=True)
    place = models.CharField(_("place"), max_length=200, blank=True)
    description = models.TextField(_("description"), blank=True)
    state = models.CharField(_("state"), max_length=20, choices=State, default=State.REPORTED)
    is_exercise = models.BooleanField(_("exercise"), default=False)
    # Ids of the agencies that may know of it: the sender, and whoever is shown its video.
    parties = ArrayField(models.BigIntegerField(), default=list)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("incident")
        verbose_name_plural = _("incidents")
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(fields=["agency", "source_id"], name="one_incident_per_source_id"),
            models.CheckConstraint(
                condition=Q(closed_at=None, state__in=OPEN) | Q(closed_at__isnull=False) & ~Q(state__in=OPEN),
                name="closed_at_says_closed",
            ),
        ]
        indexes = [
            models.Index(F("received_at").desc(), name="incident_newest"),
            models.Index(fields=["state"], condition=Q(state__in=OPEN), name="incident_open"),
            GinIndex(fields=["parties"], name="incident_parties"),
        ]

    def __str__(self):
        return self.number

    @property
    def is_open(self) -> bool:
        return self.state in OPEN


class EventQuerySet(models.QuerySet):
    def visible_to(self, principal: Principal):
        if principal.is_centre_staff:
            return self
        return self.filter(agencies__overlap=principal.agency_ids) if principal.agency_ids else self.none()

    def latest_seq(self) -> int:
        """Where the stream stands: what is drawn now has seen all up to here."""
        return self.order_by("-seq").values_list("seq", flat=True).first() or 0


class Event(models.Model):
    """One change, in the order in which changes were committed. Screens that were away ask for what came after."""

    seq = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=40)
    object_id = models.BigIntegerField()
    incident = models.ForeignKey(Incident, models.PROTECT, null=True, related_name="events")
    agencies = ArrayField(models.BigIntegerField(), default=list)
    at = models.DateTimeField(default=timezone.now)
    by = models.CharField(max_length=200, blank=True)
    detail = models.JSONField(default=dict)

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["seq"]
        indexes = [GinIndex(fields=["agencies"], name="event_agencies")]

    def __str__(self):
        return f"{self.seq} {self.kind} {self.object_id}"
