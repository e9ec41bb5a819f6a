"""Why there is no picture, in the words the control room reads. Kept in English, translated where shown."""

from django.utils.translation import gettext_noop as _

NOT_RTSP = _("The address is not an RTSP address")
REFUSED = _("The camera refuses the connection")
UNREACHABLE = _("The camera cannot be reached")
NO_ANSWER = _("The camera does not answer")
PASSWORD = _("The camera does not accept the password")
NO_SUCH_STREAM = _("The camera has no such stream")
GARBAGE = _("The camera sends data that is not video")
NO_VIDEO = _("The camera sends no video")
CODEC = _("The camera sends video in a format that cannot be recorded")
STALLED = _("The camera stopped sending")
ENDED = _("The camera ended the stream")
NO_KEYFRAME = _("The camera sends no complete picture to start from")
UNSTABLE = _("The camera keeps breaking off")
FROZEN = _("The picture stands still")
BLACK = _("The picture is black")
COVERED = _("The view is covered or out of focus")
MOVED = _("The camera looks elsewhere than usual")
H265 = _("Recorded, but in H.265, which most browsers cannot play")
STORAGE = _("The recording cannot be written to disk")
DISK_FULL = _("The disk is full: the recording cannot be written")
DISK_READ_ONLY = _("The disk is read-only: the recording cannot be written")
DISK_HANGS = _("The disk does not answer: the recording cannot be written")
DISK_SLOW = _("Recorded, but the disk is slow: a power cut would lose more than a second")
NOT_GROWING = _("Pictures come, but the recording does not grow")
PAUSED = _("The recorder was stopped for a while")
NO_RECORDER = _("No recorder is running for this camera")
RECORDER_GONE = _("The recorder stopped")
STARTING = _("The recorder is still connecting to the camera")
DISABLED = _("The camera is switched off")
NOT_RECORDED = _("Nothing was recorded at this time")
FUTURE = _("This time has not come yet")
NO_LENGTH = _("The clip must end after it begins")
TOO_LONG = _("The clip is too long")
NOT_CUT = _("The clip could not be cut")
TOO_SLOW = _("Cutting the clip took too long")
GAVE_UP = _("Cutting the clip was broken off too often")
FORMAT_CHANGES = _("The camera's video format changes within this time: order what is before and what is after")
LOST = _("The clip was lost in a power cut, and what it was made of is gone")
NO_ROOM = _("There is too little room on the disk for this clip")
KEY_OUT_OF_USE = _("The centre's signing key is out of use: its administrator has to put a new one in place")
STORE_AWAY = _("The object store with this recording does not answer")
TOO_MANY_CONVERTED = _("As many pictures are being converted as this centre can at once: try again later")
NOT_CONVERTED = _("The picture could not be converted")
NOT_READABLE = _("The recording of this time cannot be read")

# Of these a disk is the cause, and not the camera.
OF_DISK = {STORAGE, DISK_FULL, DISK_READ_ONLY, DISK_HANGS}


class NotAvailable(Exception):
    """There is no picture to give; `reason` says why in plain words."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason
