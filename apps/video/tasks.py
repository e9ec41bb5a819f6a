from celery import shared_task
from django.conf import settings
from django.utils import timezone

from apps.cameras.actions import set_status
from apps.cameras.models import Camera
from apps.video import cutting, partitions, reasons, tiering
from apps.video.alarms import clear_alarm, raise_alarm
from apps.video.models import CameraAlarm, Clip, Recorder


@shared_task(acks_late=True)
def cut_clips() -> None:
    """Make the clips that wait, in the order of their queue. Called once too often it finds nothing to do."""
    cutting.restore_lost(timezone.now())
    while clip := cutting.claim_next():
        cutting.cut(clip)


@shared_task
def look_after_clips() -> None:
    """Wake the makers when clips wait and they could; clear away what dead ones left."""
    now = timezone.now()
    cutting.sweep_scraps(now)
    busy = Clip.objects.in_work(now).count()
    left = (Clip.objects.waiting(now).filter(touched_at__lt=now - Clip.PATIENCE), Clip.objects.unsaved(now))
    if busy < settings.CLIPS_AT_ONCE and any(clips.exists() for clips in left):
        cut_clips.delay()


@shared_task
def raise_alarms_of_recording() -> None:
    """What the recorders say of their cameras begins alarms, and ends them.

    Not in the recorders themselves: they hold the cameras and nobody who would hear an alarm.
    """
    kinds = (CameraAlarm.Kind.NO_PICTURE, CameraAlarm.Kind.NOT_RECORDING, CameraAlarm.Kind.DISK)
    ill = Camera.objects.streaming().filter(status__in=[Camera.Status.SERIOUS, Camera.Status.CRITICAL])
    wanted = {(pk, _kind(reason)): reason for pk, reason in ill.values_list("pk", "status_reason")}
    raised = set(CameraAlarm.objects.open().filter(kind__in=kinds).values_list("camera_id", "kind"))
    for camera_id, kind in wanted.keys() - raised:
        raise_alarm(camera_id, kind, reason=wanted[camera_id, kind])
    for camera_id, kind in raised - wanted.keys():
        clear_alarm(camera_id, kind)


def _kind(reason: str) -> str:
    if reason in reasons.OF_DISK:
        return CameraAlarm.Kind.DISK
    return CameraAlarm.Kind.NOT_RECORDING if reason == reasons.NOT_GROWING else CameraAlarm.Kind.NO_PICTURE


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
    partitions.arrange(now - tiering.quiet_after())
