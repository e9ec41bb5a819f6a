"""An alarm of a camera, begun or ended, is news for the centre and for the camera's owner."""

from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.video.models import CameraAlarm


def tell(*, alarm: CameraAlarm, **_sent) -> None:
    detail = {"alarm": alarm.kind, "number": alarm.camera.number, "since": alarm.began_at.isoformat()}
    if alarm.ended_at:
        detail["until"] = alarm.ended_at.isoformat()
    kind = "camera.alarm_over" if alarm.ended_at else "camera.alarm"
    publish([Event(kind=kind, object_id=alarm.camera_id, agencies=[alarm.camera.owner_id], detail=detail)])
