"""What nobody does in a day's work is told at once: on the desks of the supervisors, loud like a break-glass, and by
mail. The monthly check looks at all the rest.
"""

from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, F, IntegerField, QuerySet, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Coalesce
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from apps.agencies.models import User
from apps.audit.actions import record
from apps.audit.models import Entry
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.mous.reminders import mail_centre
from apps.viewing.models import ViewLog

WITHIN = timedelta(minutes=10)
# The same of the same party is told once in so long, and stays on the desks for so long.
TOLD_FOR = timedelta(hours=1)
FAILED = ("person.sign_in_failed", "person.second_factor_failed", "apikey.refused")
# An entry may stand for many that were the same (audit.refusals).
ROWS, TIMES = Count("pk"), Coalesce(Cast(KT("detail__times"), IntegerField()), 1)

WORDS = {
    "unusual.views": _("%(who)s opened %(times)s pictures in ten minutes."),
    "unusual.refusals": _("%(who)s was refused pictures %(times)s times in ten minutes."),
    "unusual.sign_ins": _("From %(who)s, signing in failed %(times)s times in ten minutes."),
    "unusual.calls": _("%(who)s sends more calls than it may: %(times)s a minute."),
    "unusual.rights": _("The account %(who)s was given every right, at the machine."),
}


def look() -> int:
    """Tell what stands out of the last minutes; how many things were told."""
    return sum(tell(kind, who, times) for kind, who, times in _found(timezone.now() - WITHIN))


def _found(since) -> Iterator[tuple[str, str, int]]:
    views = ViewLog.objects.filter(opened_at__gt=since)
    for user, username, times in _many(views.exclude(user=None), ("user", "user__username"), settings.UNUSUAL_VIEWS):
        yield "unusual.views", f"{User.objects.get(pk=user)} ({username})", times
    for agency, label, times in _many(
        views.exclude(key=None), ("key__agency__code", "key__label"), settings.UNUSUAL_VIEWS
    ):
        yield "unusual.views", f"{agency} – {label}", times
    entries = Entry.objects.filter(at__gt=since)
    refused = entries.filter(verb="view.refused")
    for who, times in _many(refused, ("actor_name",), settings.UNUSUAL_REFUSALS):
        yield "unusual.refusals", who, times
    for who in entries.filter(verb="person.given_every_right").values_list("detail__name", flat=True):
        yield "unusual.rights", who, 1
    failed = entries.filter(verb__in=FAILED).exclude(address=None)
    for address, times in _many(failed, ("address",), settings.UNUSUAL_REFUSALS, Sum(TIMES)):
        yield "unusual.sign_ins", address, times


def _many(rows: QuerySet, by: tuple[str, ...], limit: int, times=ROWS) -> QuerySet:
    groups = rows.order_by().values(*by).annotate(times=times).filter(times__gt=limit)
    return groups.order_by(F("times").desc()).values_list(*by, "times")


@transaction.atomic
def tell(kind: str, who: str, times: int) -> bool:
    """Whether it was told now: not twice within the hour."""
    if lately().filter(verb=kind, detail__who=who).exists():
        return False
    record(kind, who=who, times=times)
    publish([Event(kind=kind, object_id=0, agencies=[], detail={})])
    mail_centre(WORDS[kind], {"who": who, "times": times})
    return True


def lately() -> QuerySet[Entry]:
    """What was told within the hour, the newest first."""
    since = timezone.now() - TOLD_FOR
    return Entry.objects.filter(verb__in=WORDS, at__gt=since).order_by("-at")
