"""Reminding people: agreements that end soon, and answers that are owed. Each is told once per step, as an event
on the screens of those concerned and, where a mail server is named, by mail.
"""

import logging
import smtplib
from collections.abc import Iterable
from datetime import timedelta

from django.core.mail import send_mail
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from apps.agencies.models import Agency, Membership, User
from apps.audit.actions import record
from apps.audit.words import on_record
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.mous.actions import overdue_copies, owed_results
from apps.mous.models import Agreement, Integration, Mou, ProvisionRequest, UrgentReview

logger = logging.getLogger(__name__)

Role = Membership.Role
# Days before its end at which an agreement is spoken of.
DAYS_BEFORE = (60, 30, 7)
CHASE_EVERY = timedelta(days=1)

ENDING = _("Agreement %(document)s with %(agency)s ends on %(day)s. What it opens closes at that second.")
OWED = _("%(agency)s owes %(results)s results of use and the destruction of %(copies)s copies.")
REVIEW_OVERDUE = _("The break-glass %(number)s should have been reviewed by %(at)s.")
REQUEST_OVERDUE = _("Request %(document)s of %(agency)s should have been answered by %(at)s.")


def remind_of_endings() -> int:
    """Tell both parties of agreements that end within 60, 30 and 7 days; how many were told."""
    told = 0
    now = timezone.now()
    for kind in (Mou, Integration):
        for agreement in kind.objects.in_force(now).filter(ends_at__lte=now + timedelta(days=max(DAYS_BEFORE))):
            step = min(days for days in DAYS_BEFORE if agreement.ends_at <= now + timedelta(days=days))
            told += _remind(agreement, step)
    return told


@transaction.atomic
def _remind(agreement: Agreement, step: int) -> bool:
    """Whether this run was the one that told it: a second, at the same time, finds it told."""
    untold = type(agreement).objects.filter(pk=agreement.pk).exclude(reminded_days__lte=step)
    if not untold.update(reminded_days=step):
        return False
    words = {"document": str(agreement), "agency": agreement.party.name, "day": _day(agreement.ends_at)}
    _tell("agreement.ending", agreement.pk, [agreement.party.pk], ENDING, words)
    _mail(_people(agreement.party), ENDING, words)
    return True


def chase() -> int:
    """Tell agencies once a day what they owe, and the supervisors what the centre owes; how many were told."""
    return _chase_agencies() + _escalate_reviews() + _chase_requests()


def _chase_agencies() -> int:
    told = 0
    for agency in Agency.objects.filter(is_active=True, provisions__isnull=False).distinct():
        results, copies = owed_results(agency).count(), overdue_copies(agency)
        recently = Event.objects.filter(
            kind="answers.owed", object_id=agency.pk, at__gt=timezone.now() - CHASE_EVERY
        ).exists()
        if recently or not (results or copies.exists()):
            continue
        words = {"agency": agency.name, "results": results, "copies": copies.count()}
        with transaction.atomic():
            copies.update(chased_at=timezone.now())
            _tell("answers.owed", agency.pk, [agency.pk], OWED, words)
            _mail(_people(agency), OWED, words)
        told += 1
    return told


def _escalate_reviews() -> int:
    now = timezone.now()
    overdue = UrgentReview.objects.filter(reviewed_at=None, escalated_at=None, due_at__lte=now)
    reviews = list(overdue.select_related("provision"))
    for review in reviews:
        with transaction.atomic():
            UrgentReview.objects.filter(pk=review.pk).update(escalated_at=now)
            words = {"number": review.provision.number, "at": _day(review.due_at)}
            _tell("urgent.overdue", review.pk, [], REVIEW_OVERDUE, words)
            mail_centre(REVIEW_OVERDUE, words)
    return len(reviews)


def _chase_requests() -> int:
    now = timezone.now()
    overdue = ProvisionRequest.objects.filter(state__in=ProvisionRequest.WAITING, due_at__lte=now, chased_at=None)
    requests = list(overdue.select_related("agency"))
    for request in requests:
        with transaction.atomic():
            ProvisionRequest.objects.filter(pk=request.pk).update(chased_at=now)
            words = {"document": request.document_number, "agency": request.agency.name, "at": _day(request.due_at)}
            _tell("request.overdue", request.pk, [request.agency_id], REQUEST_OVERDUE, words)
            mail_centre(REQUEST_OVERDUE, words)
    return len(requests)


def _day(at) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def _tell(kind: str, about: int, agencies: list[int], words: str, facts: dict) -> None:
    text = on_record(words) % facts
    record(kind, text=text)
    publish([Event(kind=kind, object_id=about, agencies=agencies, detail={"text": text})])


def _people(agency: Agency) -> Iterable[User]:
    """Those of an agency who answer for it, and those of the centre who wrote the agreement's other half."""
    roles = (Role.LIAISON, Role.ADMINISTRATOR, Role.OWNER)
    theirs = User.objects.filter(memberships__agency=agency, memberships__role__in=roles, is_active=True)
    return [*theirs.distinct(), *_centre()]


def _centre() -> Iterable[User]:
    roles = (Role.SUPERVISOR, Role.ADMINISTRATOR)
    centre = {"memberships__agency__kind": Agency.Kind.CENTRE, "memberships__role__in": roles}
    return User.objects.filter(**centre, is_active=True).distinct()


def mail_centre(words: str, facts: dict) -> None:
    """To those of the centre who answer for it."""
    _mail(_centre(), words, facts)


def _mail(people: Iterable[User], words: str, facts: dict) -> None:
    """Mail after commit to those who have an address. A mail server that is down costs the mail, not the reminder."""
    addresses = sorted({person.email for person in people if person.email})
    text = on_record(words) % facts

    def send():
        try:
            send_mail(on_record(_("Operation centre: a reminder")), text, None, addresses)
        except (smtplib.SMTPException, OSError) as trouble:
            logger.error("reminder not sent to %s addresses: %s", len(addresses), trouble)

    if addresses:
        transaction.on_commit(send)
