from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.cameras.actions import set_status
from apps.cameras.models import Camera
from apps.video import cutting, partitions, reasons
from apps.video.models import Clip, Recorder


@shared_task(acks_late=True)
def cut_clip(clip_id: str) -> None:
    """Cut one clip. Runs twice safely: the second finds it claimed or done."""
    busy = Clip.objects.filter(state=Clip.State.CUTTING, touched_at__gt=timezone.now() - Clip.PATIENCE).exclude(
        pk=clip_id
    )
    if busy.count() >= settings.CLIPS_AT_ONCE:
        Clip.objects.filter(pk=clip_id, state=Clip.State.QUEUED).update(touched_at=timezone.now())
        cut_clip.apply_async([clip_id], countdown=2)
        return
    clip = cutting.claim(clip_id)
    if clip:
        cutting.cut(clip)


@shared_task
def resume_stuck_clips() -> None:
    """Order again what nobody works on: its worker, or the queue that held it, is gone."""
    now = timezone.now()
    for clip_id in Clip.objects.stuck(now).values_list("pk", flat=True):
        Clip.objects.filter(pk=clip_id, state=Clip.State.QUEUED).update(touched_at=now)
        cut_clip.delay(str(clip_id))


@shared_task
def note_unrecorded_cameras() -> None:
    """A camera whose recorder died, and that no other took, is not normal."""
    held = Camera.objects.streaming().filter(recording_lease__recorder__in=Recorder.objects.alive())
    for camera_id in (
        Camera.objects.streaming()
        .filter(status__in=[Camera.Status.NORMAL, Camera.Status.CAUTION])
        .exclude(pk__in=held.values("pk"))
        .values_list("pk", flat=True)
    ):
        set_status(camera_id, Camera.Status.SERIOUS, reasons.NO_RECORDER)


@shared_task
def keep_partitions() -> None:
    """The days to come have their place, what had none is moved to its own, and days that are over are arranged."""
    now = timezone.now()
    partitions.make_ready(now)
    partitions.empty_the_net(now)
    partitions.arrange(now)
