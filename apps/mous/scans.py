"""The scanned papers of agreements: private files, checked by content, served by the administration only."""

import uuid
from datetime import timedelta
from functools import lru_cache
from pathlib import PurePosixPath

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.storage import FileSystemStorage
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.audit.models import Entry
from apps.audit.words import AGREEMENTS

LARGEST = 20 * 1024 * 1024
# What one person uploads within a day: a gigabyte at most.
PAPERS_A_DAY = 50
WRITTEN = [f"{kind}.{step}" for kind in AGREEMENTS for step in ("added", "changed")]
KINDS = {".pdf": (b"%PDF-", "application/pdf"), ".png": (b"\x89PNG\r\n\x1a\n", "image/png")}
KINDS |= dict.fromkeys((".jpg", ".jpeg"), (b"\xff\xd8\xff", "image/jpeg"))


@lru_cache(maxsize=1)
def scan_storage() -> FileSystemStorage:
    return FileSystemStorage(settings.VAR_DIR / "agreements", file_permissions_mode=0o600)


def scan_name(agreement, file_name: str) -> str:
    """A name of ours: what the uploader called the file is nobody's business on disk."""
    return f"{uuid.uuid4()}{PurePosixPath(file_name).suffix.lower()}"


def content_type(file_name: str) -> str:
    return KINDS[PurePosixPath(file_name).suffix][1]


def validate_scan(file) -> None:
    """Is it what its name says, and not too large? Raises ValidationError."""
    magic, _type = KINDS.get(PurePosixPath(file.name).suffix.lower(), (None, ""))
    if magic is None:
        raise ValidationError(_("Only PDF, PNG and JPEG are kept."))
    if file.size > LARGEST:
        raise ValidationError(_("The file may hold %(limit)s MB at most.") % {"limit": LARGEST // 1024**2})
    file.seek(0)
    head = file.read(len(magic))
    file.seek(0)
    if head != magic:
        raise ValidationError(_("The file is not what its name says."))


def refuse_too_many(*, by) -> None:
    """Raises ValidationError when `by` has uploaded so many lately that it might be the disk that is meant."""
    a_day_ago = timezone.now() - timedelta(days=1)
    lately = Entry.objects.filter(verb__in=WRITTEN, at__gt=a_day_ago, actor=by, detail__fields__contains=["scan"])
    if lately.count() >= PAPERS_A_DAY:
        raise ValidationError(_("You have uploaded %(n)s papers within a day: no more for now.") % {"n": PAPERS_A_DAY})
