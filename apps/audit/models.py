from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.audit.words import target_words, verb_words


class Entry(models.Model):
    """One thing somebody did. Written once, then sealed into the chain by `actions.seal`."""

    at = models.DateTimeField(_("date and time"), default=timezone.now)
    verb = models.CharField(_("action"), max_length=64)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.DO_NOTHING,
        null=True,
        db_constraint=False,
        related_name="+",
        verbose_name=_("person"),
    )
    actor_name = models.CharField(_("name"), max_length=200)
    target = models.CharField(_("concerning"), max_length=120, blank=True)
    address = models.GenericIPAddressField(_("from address"), null=True)
    detail = models.JSONField(_("details"), default=dict)

    class Meta:
        indexes = [
            models.Index(fields=["at"], name="audit_entry_at"),
            models.Index(fields=["target", "at"], name="audit_entry_target"),
            models.Index(fields=["verb", "at"], name="audit_entry_verb"),
        ]
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit entries")

    def __str__(self):
        at = timezone.localtime(self.at)
        return f"{at:%Y-%m-%d %H:%M:%S} {self.actor_name} {verb_words(self.verb)} {target_words(self.target)}"


class Link(models.Model):
    """An entry's place in the chain: `hash` is SHA-256 over the previous hash and the entry's text."""

    position = models.BigIntegerField(primary_key=True)
    entry = models.OneToOneField(Entry, models.DO_NOTHING, db_constraint=False, related_name="link")
    hash = models.BinaryField(max_length=32)

    def __str__(self):
        return f"{self.position}"


class Forwarding(models.Model):
    """How far along the chain a SIEM has been told."""

    address = models.CharField(max_length=200, unique=True)
    position = models.BigIntegerField(default=0)

    def __str__(self):
        return f"{self.address} {self.position}"


class Repeat(models.Model):
    """A refusal like one that is on record since a moment ago, kept until they are on record together."""

    kind = models.TextField()
    what = models.TextField()
    at = models.DateTimeField()

    def __str__(self):
        return self.what
