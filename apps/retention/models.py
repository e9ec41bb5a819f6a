from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Camera
from apps.viewing.models import ProvidedCopy


class Certificate(models.Model):
    """Says that a provided copy is gone for good: what it was, when and how it was destroyed.

    Written once: a database trigger refuses change and deletion.
    """

    class Method(models.TextChoices):
        REMOVED = "removed", _("File removed from the storage, removal confirmed on disk")

    copy = models.OneToOneField(ProvidedCopy, models.PROTECT, related_name="certificate", verbose_name=_("copy"))
    what = models.CharField(_("what"), max_length=300)
    camera = models.ForeignKey(Camera, models.PROTECT, related_name="+", verbose_name=_("camera"))
    period_from = models.DateTimeField(_("period from"))
    period_until = models.DateTimeField(_("period until"))
    sha256 = models.CharField(_("fingerprint (SHA-256)"), max_length=64)
    destroyed_at = models.DateTimeField(_("destroyed"), default=timezone.now)
    method = models.CharField(_("method"), max_length=20, choices=Method, default=Method.REMOVED)
    by = models.CharField(_("by"), max_length=200)

    class Meta:
        verbose_name = _("certificate of destruction")
        verbose_name_plural = _("certificates of destruction")
        ordering = ["-destroyed_at"]

    def __str__(self):
        return self.number

    @property
    def number(self) -> str:
        return f"D{self.destroyed_at:%Y}-{self.pk:06d}"
