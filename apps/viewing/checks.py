"""The monthly check of the access log: what stands out, and who signed it off.

Duty of the Personal Information Protection Act's safety measures (Art. 8): looked through monthly, every download's
reason confirmed. Rows are counted in the database; thresholds are by person and month. No view is counted in two
findings about the night: a download is one of the day or of the night, another view has an incident or has none.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import groupby
from operator import itemgetter
from statistics import median

from django.db import transaction
from django.db.models import Case, Count, Exists, F, Max, Min, OuterRef, Q, QuerySet, Value, When
from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce, Concat, ExtractHour, Lower
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.agencies.models import Agency, Membership, User
from apps.audit.actions import record
from apps.audit.models import Entry
from apps.audit.words import on_record
from apps.viewing.models import Finding, MonthlyCheck, ViewLog

NIGHT = range(22, 24), range(0, 6)
MANY_AT_NIGHT = 30
# Views of incidents are a night shift's work: they stand out against those of the others at work in the same month.
# The median and the spread about it are not moved by who stands out, as a mean would be; 3.5 is the usual limit
# (Iglewicz and Hoaglin). Twice the median besides: where all look alike the spread is next to nothing.
FAR_OUT, SPREAD_OF_NORMAL = 3.5, 1.4826
FEWEST_TO_COMPARE = 5
MANY_AT_NIGHT_ALONE = 300  # ten every night, where there are too few others to compare with
OTHERS = gettext_noop("usual among %(people)s: %(usual)s")
MANY_WITHOUT_INCIDENT = 100
OFTEN_ONE_CAMERA = 20
OFTEN_ONE_PERSON = 5
MANY_REFUSALS = 10
CHECKING_ROLES = (Membership.Role.AUDITOR, Membership.Role.SUPERVISOR, Membership.Role.ADMINISTRATOR)


class NotTheirCheck(Exception):
    """This person may not sign this finding off."""


def month_of(day: date) -> tuple[datetime, datetime]:
    """From the first of the month to the first of the next, in the city's zone."""
    first = day.replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    zone = timezone.get_current_timezone()
    return tuple(datetime(edge.year, edge.month, 1, tzinfo=zone) for edge in (first, after))


def make_missing() -> None:
    """Look through every complete month that has not been, from the last check, or the first view, on.

    Each stands by itself: broken off, the next run goes on with the month that it was at.
    """
    this_month = timezone.localdate().replace(day=1)
    newest = MonthlyCheck.objects.order_by("-month").values_list("month", flat=True).first()
    first_view = ViewLog.objects.order_by("opened_at").values_list("opened_at", flat=True).first()
    month = newest or (timezone.localtime(first_view).date().replace(day=1) if first_view else this_month)
    while month < this_month:
        make(month)
        month = (month + timedelta(days=32)).replace(day=1)


@transaction.atomic
def make(day: date) -> MonthlyCheck:
    """Look through the month of `day`. A second call changes nothing."""
    since, until = month_of(day)
    views = ViewLog.objects.filter(opened_at__gte=since, opened_at__lt=until)
    refusals = Entry.objects.filter(verb="view.refused", at__gte=since, at__lt=until)
    check, is_new = MonthlyCheck.objects.get_or_create(
        month=since.date(),
        defaults={
            "views": views.count(),
            "downloads": views.filter(door=ViewLog.Door.CLIP).count(),
            "refusals": refusals.count(),
        },
    )
    if is_new:
        Finding.objects.bulk_create(Finding(check_of=check, **facts) for facts in findings(views, since, until))
        record("access_log.checked", target=check, findings=check.findings.count())
        close_if_done(check)
    return check


def findings(views: QuerySet[ViewLog], since: datetime, until: datetime) -> Iterator[dict]:
    """What stands out: dicts of a Finding's fields."""
    person = Concat(F("user__last_name"), F("user__first_name"), Value(" ("), F("user__username"), Value(")"))
    who = Case(When(user=None, then=F("key__label")), default=person)
    views = views.annotate(who=who)
    alone = views.filter(incident_number=ViewLog.NO_INCIDENT)
    hour = ExtractHour("opened_at", tzinfo=timezone.get_current_timezone())
    at_night = Q(hour__in=NIGHT[0]) | Q(hour__in=NIGHT[1])
    clips = views.filter(door=ViewLog.Door.CLIP).annotate(hour=hour)
    night = views.exclude(door=ViewLog.Door.CLIP).annotate(hour=hour).filter(at_night)
    kind = Finding.Kind
    yield from _grouped(clips.exclude(at_night), kind.DOWNLOADS, "opened_at", F("provision__number"), 1)
    yield from _grouped(clips.filter(at_night), kind.NIGHT_CLIPS, "opened_at", F("provision__number"), 1)
    yield from _grouped(night.filter(incident_number=ViewLog.NO_INCIDENT), kind.NIGHT, "opened_at", None, MANY_AT_NIGHT)
    yield from _far_from_others(night.exclude(incident_number=ViewLog.NO_INCIDENT), kind.NIGHT_OFTEN)
    yield from _grouped(alone, kind.NO_INCIDENT, "opened_at", None, MANY_WITHOUT_INCIDENT)
    yield from _grouped(alone, kind.ONE_CAMERA, "opened_at", F("camera__number"), OFTEN_ONE_CAMERA)
    entries = Entry.objects.filter(at__gte=since, at__lt=until).annotate(who=F("actor_name"))
    searches = entries.filter(verb="person.searched")
    sought = Coalesce(KT("detail__person"), Lower(KT("detail__words")))
    yield from _grouped(searches, kind.ONE_PERSON, "at", sought, OFTEN_ONE_PERSON)
    yield from _grouped(entries.filter(verb="view.refused"), kind.REFUSED, "at", None, MANY_REFUSALS)


def _grouped(rows: QuerySet, kind: str, at: str, subject, least: int) -> Iterator[dict]:
    """One finding per person (and `subject`, an expression) that has at least `least` rows."""
    rows = rows.annotate(subject=subject or Value(""))
    groups = rows.values("who", "subject").annotate(times=Count("pk"), first_at=Min(at), last_at=Max(at))
    for group in groups.filter(times__gte=least).order_by("who", "subject"):
        yield {"kind": kind, **group, "who": group["who"] or "", "subject": group["subject"] or ""}


def _far_from_others(views: QuerySet[ViewLog], kind: str) -> Iterator[dict]:
    """A finding for whoever looked far more than the others: staff of the centre among staff, agencies' people among
    theirs. An agency's system follows calls by night as by day.
    """
    staff = Membership.objects.filter(user=OuterRef("user"), agency__kind=Agency.Kind.CENTRE)
    counted = views.exclude(user=None).values("who", is_staff=Exists(staff))
    counted = counted.annotate(times=Count("pk"), first_at=Min("opened_at"), last_at=Max("opened_at"))
    for _is_staff, alike in groupby(counted.order_by("is_staff", "who"), itemgetter("is_staff")):
        people = list(alike)
        counts = [person["times"] for person in people]
        limit, usual = _far_out(counts), round(median(counts))
        subject = on_record(OTHERS) % {"people": len(people), "usual": usual}
        for person in people:
            if person["times"] > limit:
                facts = {name: person[name] for name in ("times", "first_at", "last_at")}
                yield {"kind": kind, "who": person["who"] or "", "subject": subject, **facts}


def _far_out(counts: list[int]) -> float:
    """More than this is far more than the others' usual."""
    if len(counts) < FEWEST_TO_COMPARE:
        return MANY_AT_NIGHT_ALONE
    usual = median(counts)
    spread = SPREAD_OF_NORMAL * median(abs(count - usual) for count in counts)
    return max(MANY_AT_NIGHT, 2 * usual, usual + FAR_OUT * spread)


@transaction.atomic
def sign_off(finding: Finding, *, in_order: bool, answer: str, by: User) -> None:
    """Answer for a finding: never one's own, and always in words. The month is complete with its last one."""
    if not may_check(by):
        raise NotTheirCheck(_("The access log is checked by auditors, supervisors and administrators of the centre."))
    if f"({by.get_username()})" in finding.who or finding.who == str(by):
        raise NotTheirCheck(_("What concerns yourself is checked by somebody else."))
    if not answer.strip():
        raise NotTheirCheck(_("Say what you found."))
    signed = {"in_order": in_order, "answer": answer.strip(), "signed_by": by, "signed_at": timezone.now()}
    if not Finding.objects.filter(pk=finding.pk, signed_at=None).update(**signed):
        raise NotTheirCheck(_("This finding is signed off already."))
    record("access_log.signed_off", actor=by, target=finding, in_order=in_order, answer=answer.strip())
    close_if_done(finding.check_of)


def close_if_done(check: MonthlyCheck) -> None:
    if not check.findings.filter(signed_at=None).exists():
        MonthlyCheck.objects.filter(pk=check.pk, closed_at=None).update(closed_at=timezone.now())


def may_check(user: User) -> bool:
    return user.memberships.filter(agency__kind="centre", agency__is_active=True, role__in=CHECKING_ROLES).exists()
