"""Holding video beyond its days, and destroying provided copies when the purpose they were made for is met."""

import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from functools import partial

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _

from apps.agencies.models import Agency, User
from apps.audit.actions import record
from apps.audit.words import on_record
from apps.cameras.models import Camera
from apps.mous.actions import NotAllowed
from apps.mous.models import LedgerEntry, Provision
from apps.mous.purposes import settle
from apps.retention import holding
from apps.retention.models import Certificate, Hold
from apps.video.actions import destroy_clip
from apps.video.models import Store
from apps.viewing.actions import write_off
from apps.viewing.models import ProvidedCopy

logger = logging.getLogger(__name__)

REVIEW_AFTER = timedelta(days=30)
# So much video of all cameras together is linked while the person waits, in less than a second.
AT_ONCE = timedelta(days=1)
# The day is the last one: what waits for it is late when the worker is.
BEFORE_THE_LAST = timedelta(hours=1)


@transaction.atomic
def hold(
    cameras: Iterable[Camera],
    period_from: datetime,
    period_until: datetime,
    *,
    reason: str,
    legal_ground: str,
    document_number: str,
    agency: Agency,
    owner: str,
    ends_at: datetime,
    review_at: datetime | None = None,
    incident_number: str = "",
    by: User,
) -> Hold:
    """Keep what was and will be recorded of `cameras` in a period, until `ends_at`, whatever is purged.

    What is on this machine is linked as soon as the caller's transaction commits, unless it is days; that, what is
    in the object store, and what is recorded later follows within a minute, and before the next purge in any case
    (`holding.take_unfinished`). Raises NotAllowed.
    """
    _may(by, "retention.place_hold")
    cameras, now = list(cameras), timezone.now()
    if not cameras or period_until <= period_from:
        raise NotAllowed(gettext("A hold needs a camera, and a period that ends after it begins."))
    if ends_at <= now:
        raise NotAllowed(gettext("A hold must end in the future."))
    placed = Hold.objects.create(
        period_from=period_from,
        period_until=period_until,
        reason=reason,
        legal_ground=legal_ground,
        document_number=document_number,
        incident_number=incident_number,
        agency=agency,
        owner=owner,
        ends_at=ends_at,
        review_at=min(review_at or now + REVIEW_AFTER, ends_at),
        created_by=by,
    )
    placed.cameras.set(cameras)
    return begin_hold(placed, by=by)


@transaction.atomic
def begin_hold(placed: Hold, *, by: User) -> Hold:
    """Put a hold that has just been written, cameras included, on record and into effect."""
    _may(by, "retention.place_hold")
    numbers = list(placed.cameras.order_by("number").values_list("number", flat=True))
    LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.USE,
        file_name=placed.number,
        form=on_record(_("video file (MP4)")),
        officer=str(by),
        purpose=placed.reason,
        third_party=placed.agency.name_ko,
        ground=placed.legal_ground,
        manner=on_record(_("kept beyond its days")),
        period_from=placed.period_from,
        period_until=placed.period_until,
        cameras=numbers,
        incident_number=placed.incident_number,
        agency=placed.agency,
    )
    record(
        "hold.placed",
        actor=by,
        target=placed,
        cameras=numbers,
        since=placed.period_from.isoformat(),
        until=placed.period_until.isoformat(),
        document=placed.document_number,
        ends_at=placed.ends_at.isoformat(),
    )
    holding.tell(placed, "hold.placed", by=by)
    if len(numbers) * (placed.period_until - placed.period_from) <= AT_ONCE:
        transaction.on_commit(partial(holding.take, placed, stores=(Store.LOCAL,)))
    return placed


@transaction.atomic
def review_hold(hold: Hold, *, ends_at: datetime, review_at: datetime, reason: str, by: User) -> Hold:
    """Say why a hold is still needed, and until when; it may be made longer, not shorter."""
    _may(by, "retention.extend_hold")
    hold = _in_force(hold)
    if ends_at < hold.ends_at:
        raise NotAllowed(gettext("To end a hold sooner, release it."))
    if not timezone.now() < review_at <= ends_at:
        raise NotAllowed(gettext("The next review must be in the future, and not after the end."))
    before = hold.ends_at
    hold.ends_at, hold.review_at = ends_at, review_at
    hold.save(update_fields=["ends_at", "review_at"])
    record(
        "hold.reviewed",
        actor=by,
        target=hold,
        reason=_given(reason),
        before=before.isoformat(),
        ends_at=ends_at.isoformat(),
        review_at=review_at.isoformat(),
    )
    holding.tell(hold, "hold.reviewed", by=by)
    return hold


@transaction.atomic
def release_hold(hold: Hold, *, reason: str, by: User) -> Hold:
    """End a hold before its day. Its copies are out of sight at once, and destroyed within a minute."""
    _may(by, "retention.release_hold")
    hold = _in_force(hold)
    hold.released_by, hold.release_reason = by, _given(reason)
    holding.end(hold, at=timezone.now())
    record("hold.released", actor=by, target=hold, reason=hold.release_reason)
    holding.tell(hold, "hold.released", by=by)
    return hold


def _may(person: User, permission: str) -> None:
    if not person.has_perm(permission):
        raise NotAllowed(gettext("You do not have the right to do this."))


def _in_force(hold: Hold) -> Hold:
    hold = Hold.objects.select_for_update(of=("self",)).get(pk=hold.pk)
    if hold.ended_at:
        raise NotAllowed(gettext("This hold has ended."))
    return hold


def _given(reason: str) -> str:
    if not reason.strip():
        raise NotAllowed(gettext("Please give a reason."))
    return reason.strip()[:300]


def destroy_due_copies() -> tuple[int, int]:
    """Destroy every copy whose last hour has come, be it by the clock alone; (destroyed, failed)."""
    settle(Provision.objects.all())
    destroyed = failed = 0
    for copy in ProvidedCopy.objects.due(timezone.now() + BEFORE_THE_LAST).select_related("clip"):
        try:
            destroy_copy(copy, by=None)
            destroyed += 1
        except OSError as error:
            logger.error("copy %s cannot be destroyed: %s", copy, error)
            failed += 1
    return destroyed, failed


def destroy_copy(copy: ProvidedCopy, *, by: User | None) -> Certificate | None:
    """Destroy a copy's file, then certify it. Broken off anywhere, a second call finishes it.

    No certificate for a copy that never had a file.
    """
    destroy_clip(copy.clip)
    with transaction.atomic():
        copy = (
            ProvidedCopy.objects.select_for_update(of=("self",))
            .select_related("clip__camera", "provision__incident", "agency")
            .get(pk=copy.pk)
        )
        if copy.destroyed_at is None:
            copy.destroyed_at = timezone.now()
            copy.save(update_fields=["destroyed_at"])
            if copy.clip.sha256:
                _certify(copy, by)
    return Certificate.objects.filter(copy=copy).first()


def _certify(copy: ProvidedCopy, by: User | None) -> None:
    clip = copy.clip
    certificate = Certificate.objects.create(
        copy=copy,
        what=on_record(_("Copy for %(agency)s, register line %(line)s"))
        % {"agency": copy.agency.name, "line": copy.ledger_number},
        camera=clip.camera,
        period_from=clip.starts_at,
        period_until=clip.ends_at,
        sha256=clip.sha256,
        destroyed_at=copy.destroyed_at,
        by=str(by) if by else on_record(_("the centre, on the due date")),
    )
    purpose = on_record(_("Certificate %(number)s")) % {"number": certificate.number}
    write_off(copy, purpose, officer=certificate.by, at=copy.destroyed_at, file_name=str(clip.pk))
    record("copy.destroyed", actor=by, target=copy, certificate=certificate.number, sha256=clip.sha256)
