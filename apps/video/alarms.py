"""Alarms of cameras: raised once, however often they are found, and ended once."""

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone

from apps.cameras.actions import set_status
from apps.cameras.models import Camera
from apps.video import reasons
from apps.video.models import CameraAlarm, UsualView

Kind = CameraAlarm.Kind
# What the picture itself shows; the camera's recorder knows nothing of it.
OF_PICTURE = {
    Kind.FROZEN: reasons.FROZEN,
    Kind.BLACK: reasons.BLACK,
    Kind.COVERED: reasons.COVERED,
    Kind.MOVED: reasons.MOVED,
}

# Sent with `alarm` inside the transaction that begins or ends one: this floor knows nobody who wants to hear of it.
changed = Signal()


@transaction.atomic
def raise_alarm(camera_id: int, kind: str, **detail) -> bool:
    """Begin an alarm; False when it is on already."""
    alarm, is_new = CameraAlarm.objects.get_or_create(
        camera_id=camera_id, kind=Kind(kind), ended_at=None, defaults={"detail": detail}
    )
    if is_new:
        _show(alarm)
        changed.send(CameraAlarm, alarm=alarm)
    return is_new


@transaction.atomic
def clear_alarm(camera_id: int, kind: str) -> bool:
    """End an alarm; False when there is none."""
    alarm = CameraAlarm.objects.open().select_for_update().filter(camera_id=camera_id, kind=Kind(kind)).first()
    if alarm is None:
        return False
    alarm.ended_at = max(timezone.now(), alarm.began_at)
    alarm.save(update_fields=["ended_at"])
    _show(alarm)
    changed.send(CameraAlarm, alarm=alarm)
    return True


def say_status(camera_id: int, status: str, reason: str = "") -> bool:
    """Note what its recorder says of a camera. While its picture has an alarm, a camera is not simply normal."""
    if status in (Camera.Status.NORMAL, Camera.Status.CAUTION) and (shown := _of_picture(camera_id)):
        status, reason = Camera.Status.CAUTION, OF_PICTURE[shown.kind]
    return set_status(camera_id, status, reason)


def _of_picture(camera_id: int) -> CameraAlarm | None:
    return CameraAlarm.objects.open().filter(camera_id=camera_id, kind__in=OF_PICTURE).order_by("began_at").first()


def _show(alarm: CameraAlarm) -> None:
    """Let the camera's status follow, unless its recorder has worse to say."""
    status = Camera.objects.filter(pk=alarm.camera_id).values_list("status", flat=True).first()
    if alarm.kind in OF_PICTURE and status in (Camera.Status.NORMAL, Camera.Status.CAUTION):
        say_status(alarm.camera_id, Camera.Status.NORMAL)


@transaction.atomic
def accept_view(camera_id: int) -> None:
    """What the camera shows now is what it shall show: the analysis learns it anew."""
    UsualView.objects.filter(camera_id=camera_id).delete()
    clear_alarm(camera_id, Kind.MOVED)
