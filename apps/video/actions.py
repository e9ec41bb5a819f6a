"""What is done with recorded video."""

from datetime import datetime, timedelta

from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.video import reasons
from apps.video.models import Clip
from apps.video.recording import sync_directory
from apps.video.tasks import cut_clips

LONGEST_CLIP = timedelta(hours=6)


class BadPeriod(ValueError):
    """No clip can be made of this time; the message is one of `reasons`."""


def order_clip(
    camera_id: int, starts_at: datetime, ends_at: datetime, *, note: dict, kind: str = Clip.Kind.EVIDENCE
) -> Clip:
    """Have a clip made once the caller's transaction is committed. `note` goes into its manifest as it is.

    Of a viewing copy `note["burned_in"]` holds the lines that stand in every picture.
    """
    if ends_at <= starts_at:
        raise BadPeriod(reasons.NO_LENGTH)
    if ends_at - starts_at > LONGEST_CLIP:
        raise BadPeriod(reasons.TOO_LONG)
    if ends_at > timezone.now():
        raise BadPeriod(reasons.FUTURE)
    clip = Clip.objects.create(camera_id=camera_id, starts_at=starts_at, ends_at=ends_at, note=note, kind=kind)
    cut_clips.delay_on_commit()
    return clip


def cancel_clip(clip: Clip) -> bool:
    """Stop a clip that is not finished; whoever makes it hears of it within a second and leaves no file.

    False when it was finished before; one that is made again may be with somebody already.
    """
    fields = {"state": Clip.State.CANCELLED, "claim": None, "finished_at": timezone.now()}
    cancelled = Clip.objects.unfinished().filter(pk=clip.pk, sha256="").update(**fields)
    clip.refresh_from_db()
    return bool(cancelled)


def manifest(clip: Clip) -> dict:
    """What the centre vouches for: camera, time, fingerprints, sources, gaps, the note, and its signature.

    Empty until the clip is ready.
    """
    return clip.manifest


def destroy_clip(clip: Clip) -> None:
    """Destroy all that lies on disk of a clip; its fingerprint and manifest stay. Can be broken off and run again.

    Nobody can be given the file from the first step on; the row forgets it only when it is gone.
    """
    fields = {"state": Clip.State.DESTROYED, "claim": None}
    Clip.objects.filter(pk=clip.pk).update(**fields, finished_at=Coalesce("finished_at", timezone.now()))
    clip.refresh_from_db()
    left = {*clip.files(), *([clip.file] if clip.path else [])}
    for file in left:
        file.unlink(missing_ok=True)
    for folder in {clip.folder, *(file.parent for file in left)}:
        if folder.is_dir():
            sync_directory(folder)
    if clip.path:
        Clip.objects.filter(pk=clip.pk).update(path="")
        clip.path = ""
