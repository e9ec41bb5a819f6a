"""What is done with recorded video."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.video import reasons
from apps.video.models import Clip
from apps.video.recording import sync_directory
from apps.video.tasks import cut_clip

LONGEST_CLIP = timedelta(hours=6)


class BadPeriod(ValueError):
    """No clip can be made of this time; the message is one of `reasons`."""


def order_clip(camera_id: int, starts_at: datetime, ends_at: datetime, *, note: dict) -> Clip:
    """Have a clip cut once the caller's transaction is committed. `note` goes into its manifest as it is."""
    if ends_at <= starts_at:
        raise BadPeriod(reasons.NO_LENGTH)
    if ends_at - starts_at > LONGEST_CLIP:
        raise BadPeriod(reasons.TOO_LONG)
    if ends_at > timezone.now():
        raise BadPeriod(reasons.FUTURE)
    clip = Clip.objects.create(camera_id=camera_id, starts_at=starts_at, ends_at=ends_at, note=note)
    cut_clip.delay_on_commit(str(clip.pk))
    return clip


def manifest(clip: Clip) -> dict:
    """What the centre vouches for: camera, time, fingerprints, sources, gaps, the note, and its signature.

    Empty until the clip is ready.
    """
    return clip.manifest


def destroy_clip(clip: Clip) -> None:
    """Destroy the file of a clip; its fingerprint and manifest stay. Can be broken off and run again.

    Nobody can be given the file from the first step on; the row forgets it only when it is gone.
    """
    Clip.objects.filter(pk=clip.pk).update(state=Clip.State.DESTROYED, claim=None)
    clip.refresh_from_db()
    if clip.path:
        clip.file.unlink(missing_ok=True)
        if clip.file.parent.is_dir():
            sync_directory(clip.file.parent)
        with transaction.atomic():
            Clip.objects.filter(pk=clip.pk).update(path="")
            clip.path = ""
