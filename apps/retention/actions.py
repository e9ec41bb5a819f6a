"""Destroying provided copies when the purpose they were made for is met."""

import logging

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from apps.agencies.models import User
from apps.audit.actions import record
from apps.audit.words import on_record
from apps.mous.models import LedgerEntry
from apps.retention.models import Certificate
from apps.video.actions import destroy_clip
from apps.viewing.models import ProvidedCopy

logger = logging.getLogger(__name__)


def destroy_due_copies() -> tuple[int, int]:
    """Destroy every copy whose last day has come; (destroyed, failed)."""
    destroyed = failed = 0
    for copy in ProvidedCopy.objects.due().select_related("clip"):
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
    LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.DESTROY,
        at=copy.destroyed_at,
        file_name=str(clip.pk),
        form=on_record(_("video file (MP4)")),
        officer=certificate.by,
        purpose=on_record(_("Certificate %(number)s")) % {"number": certificate.number},
        third_party=copy.agency.name_ko,
        period_from=clip.starts_at,
        period_until=clip.ends_at,
        cameras=[clip.camera.number],
        incident_number=copy.provision.incident.number,
        provision=copy.provision,
        agency=copy.agency,
    )
    record("copy.destroyed", actor=by, target=copy, certificate=certificate.number, sha256=clip.sha256)
