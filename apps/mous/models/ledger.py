from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency
from apps.mous.models.provisions import Provision


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
