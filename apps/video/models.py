import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, F, Func, Max, OuterRef, Q
from django.db.models.functions import Now
from django.db.models.lookups import Exact
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.video import reasons
from apps.video.fields import EPOCH, MILLISECOND, HexField, MillisecondField, milliseconds
from apps.video.recording import path_of

# A recorder that has not said it lives for this long is dead, and its cameras are free for another.
RECORDER_SILENCE = timedelta(seconds=5)
# No segment is longer; the recorder closes one sooner, so an overlap is found by its start alone.
LONGEST_SEGMENT = timedelta(minutes=5)


class RecorderQuerySet(models.QuerySet):
    def alive(self):
        return self.filter(seen_at__gt=Now() - RECORDER_SILENCE)

    def silent(self):
        return self.filter(seen_at__lte=Now() - RECORDER_SILENCE)


class Recorder(models.Model):
    """A running recorder process. Times are the database's, so that hosts need not agree on the clock."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    address = models.CharField(_("address"), max_length=100)
    capacity = models.PositiveIntegerField(_("cameras it may hold"))
    started_at = models.DateTimeField(_("started"), db_default=Now())
    seen_at = models.DateTimeField(_("seen"), db_default=Now())

    objects = RecorderQuerySet.as_manager()

    class Meta:
        verbose_name = _("recorder")
        verbose_name_plural = _("recorders")

    def __str__(self):
        return self.address


class Lease(models.Model):
    """Who records a camera. Worth as much as its recorder is alive."""

    camera = models.OneToOneField("cameras.Camera", models.CASCADE, primary_key=True, related_name="recording_lease")
    recorder = models.ForeignKey(Recorder, models.CASCADE, related_name="leases")
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = _("lease")
        verbose_name_plural = _("leases")

    def __str__(self):
        return f"{self.camera_id} @ {self.recorder_id}"


class PurgeMark(models.Model):
    """How far the past of a camera is over: one row a camera, whatever is purged.

    What ended before `until` is out of everybody's sight and on its way to vanish; what ended before `removed`
    surely has no file any more. Both only grow. Rows that `removed` has passed may still stand in the index.
    """

    camera = models.OneToOneField("cameras.Camera", models.CASCADE, primary_key=True, related_name="purge_mark")
    until = models.DateTimeField(_("purged until"))
    removed = models.DateTimeField(_("removed until"), default=EPOCH)

    class Meta:
        verbose_name = _("purge mark")
        verbose_name_plural = _("purge marks")
        constraints = [
            models.CheckConstraint(condition=Q(removed__lte=F("until")), name="nothing_is_removed_unmarked"),
        ]

    def __str__(self):
        return f"{self.camera_id} < {self.until}"


class FilmQuerySet(models.QuerySet):
    def begun_at(self, start_ms: int):
        """The recording of that name; `start_ms` comes from outside and may be any number."""
        try:
            return self.filter(started_at=EPOCH + start_ms * MILLISECOND)
        except OverflowError:
            return self.none()


class SegmentQuerySet(FilmQuerySet):
    def in_sight(self):
        """What anybody may still look at: neither purged nor about to be. The growing segment is always among it."""
        marked = PurgeMark.objects.filter(camera=OuterRef("camera_id"), until__gt=OuterRef("ended_at"))
        return self.filter(~Exists(marked)).exclude(state=Segment.State.PURGING)

    def on_disk(self):
        """What should have a file: all but what a purge has removed already."""
        removed = PurgeMark.objects.filter(camera=OuterRef("camera_id"), removed__gt=OuterRef("ended_at"))
        return self.filter(~Exists(removed) | Q(state=Segment.State.PURGING))

    def covering(self, camera_id: int, start: datetime, end: datetime):
        """What was recorded of a camera between `start` and `end`, in order, the growing segment included."""
        return (
            self.in_sight()
            .filter(
                Q(ended_at__gt=start) | Q(state=Segment.State.RECORDING),
                camera_id=camera_id,
                started_at__lt=end,
                started_at__gt=start - LONGEST_SEGMENT,
            )
            .order_by("started_at")
        )

    def newest_closed(self, camera_ids: Iterable[int], since: datetime) -> dict[int, datetime]:
        """Until when there is a whole file of each camera; without those of which none began after `since`."""
        closed = self.filter(state=Segment.State.CLOSED, camera__in=camera_ids, started_at__gt=since)
        return dict(closed.values_list("camera").annotate(Max("ended_at")))

    def of_day(self, camera_id: int, day: datetime):
        """What began in the UTC day of `day`: the rows of one folder."""
        since = day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        return self.filter(camera_id=camera_id, started_at__gte=since, started_at__lt=since + timedelta(days=1))


class Store(models.TextChoices):
    """Where the bytes of a recording are."""

    LOCAL = "local", _("This machine")
    OBJECTS = "objects", _("Object storage")


class Film:
    """What `storage` needs to know of a recording: `path`, `store`, `sha256`; and its name in addresses."""

    @property
    def file(self) -> Path:
        """Where it is, or would be, on this machine."""
        return settings.VIDEO_ROOT / self.path

    @property
    def start_ms(self) -> int:
        """Its name in addresses, together with the camera: milliseconds since 1970."""
        return milliseconds(self.started_at)


class Segment(Film, models.Model):
    """About a minute of one camera: a fragmented MP4 file that begins with a keyframe.

    The table is partitioned by the UTC day of `started_at`; name every query's days, and it reads no other.
    See docs/adr/0009-index-of-recordings.md.
    """

    class State(models.TextChoices):
        RECORDING = "recording", _("Being recorded")
        CLOSED = "closed", pgettext_lazy("segment", "Closed")
        # Only what a purge could not remove, and has to try again; the rest is told by PurgeMark.
        PURGING = "purging", _("Being purged")

    pk = models.CompositePrimaryKey("camera_id", "started_at")
    # No constraint in the database: making and dropping a day would lock the register of cameras.
    camera = models.ForeignKey("cameras.Camera", models.PROTECT, related_name="segments", db_constraint=False)
    started_at = MillisecondField(_("from"))
    ended_at = models.DateTimeField(_("until"), null=True)
    # Segments of one connection to the camera share it, and then their media times join without a seam.
    session = models.BigIntegerField(editable=False)
    # Who writes it. Not a foreign key: the recorder is gone long before the recording.
    recorder = models.UUIDField(null=True, editable=False)
    bytes = models.BigIntegerField(default=0)
    init_bytes = models.PositiveIntegerField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    sha256 = HexField(blank=True, default="")
    codec = models.CharField(max_length=40)
    state = models.CharField(max_length=10, choices=State, default=State.RECORDING)
    store = models.CharField(max_length=8, choices=Store, default=Store.LOCAL)

    objects = SegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("segment")
        verbose_name_plural = _("segments")
        indexes = [
            models.Index(fields=["state"], condition=~Q(state="closed"), name="segment_unfinished"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(state="recording")
                | Q(Exact(Func("sha256", function="octet_length", output_field=models.IntegerField()), 32))
                & Q(ended_at__isnull=False, bytes__gt=0),
                name="closed_segment_is_whole",
            ),
            models.CheckConstraint(
                condition=Q(ended_at__isnull=True) | Q(ended_at__gt=F("started_at")),
                name="segment_ends_after_its_start",
            ),
        ]

    def __str__(self):
        return self.path

    @property
    def path(self) -> str:
        """Relative to VIDEO_ROOT."""
        return str(path_of(self.camera_id, self.started_at))


class Leaving(models.Model):
    """Segments whose bytes, and rows, are the object store's by now; their files leave this machine at the next run."""

    cameras = ArrayField(models.BigIntegerField())
    starts = ArrayField(models.DateTimeField())


class HeldSegmentQuerySet(FilmQuerySet):
    def in_sight(self):
        return self.exclude(condition=HeldSegment.Condition.DESTROYING)

    def covering(self, camera_id: int, start: datetime, end: datetime):
        """What holds keep of a camera between `start` and `end`, in order; each moment once."""
        return (
            self.in_sight()
            .filter(camera_id=camera_id, ended_at__gt=start, started_at__lt=end, started_at__gt=start - LONGEST_SEGMENT)
            .order_by("started_at", "pk")
            .distinct("started_at")
        )


class HeldSegment(Film, models.Model):
    """A hold's own copy of a segment: what the index said of it, kept when the index has forgotten the segment.

    A hard link, so it costs nothing while the recording itself is there; see docs/adr/0015-storage.md.
    """

    class Condition(models.TextChoices):
        TAKEN = "taken", _("Taken, not yet checked")
        WHOLE = "whole", _("Whole: its fingerprint is that of the recording")
        DAMAGED = "damaged", _("Damaged")
        DESTROYING = "destroying", _("Being destroyed")

    # A copy is only ever made of a whole segment.
    state = Segment.State.CLOSED

    # Not a foreign key: why something is held is no matter of this floor.
    hold = models.BigIntegerField(editable=False)
    camera = models.ForeignKey("cameras.Camera", models.PROTECT, related_name="held_segments")
    started_at = MillisecondField(_("from"))
    ended_at = models.DateTimeField(_("until"))
    session = models.BigIntegerField(editable=False)
    bytes = models.BigIntegerField(_("bytes"))
    init_bytes = models.PositiveIntegerField()
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    sha256 = HexField()
    codec = models.CharField(max_length=40)
    store = models.CharField(max_length=8, choices=Store, default=Store.LOCAL)
    condition = models.CharField(_("condition"), max_length=10, choices=Condition, default=Condition.TAKEN)
    taken_at = models.DateTimeField(_("taken"), default=timezone.now)

    objects = HeldSegmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("held segment")
        verbose_name_plural = _("held segments")
        indexes = [
            models.Index(fields=["camera", "started_at"], name="held_of_camera_at"),
            models.Index(fields=["hold"], condition=~Q(condition="whole"), name="held_unfinished"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["hold", "camera", "started_at"], name="held_once_by_a_hold"),
        ]

    def __str__(self):
        return self.path

    @property
    def path(self) -> str:
        """Relative to VIDEO_ROOT, and its name in the object store."""
        return held_path(self.hold, self.camera_id, self.started_at)


class HourOnDisk(models.Model):
    """How much of what was recorded in an hour is on this machine: summed once, for `VIDEO_QUOTA_BYTES`."""

    hour = models.DateTimeField(_("hour"), primary_key=True)
    bytes = models.BigIntegerField(_("bytes"))
    at = models.DateTimeField(_("summed"))

    class Meta:
        verbose_name = _("recordings of an hour on disk")
        verbose_name_plural = _("recordings of an hour on disk")

    def __str__(self):
        return f"{self.hour:%Y-%m-%d %H}"


def held_path(hold: int, camera_id: int, started_at: datetime) -> str:
    return f".holds/{hold}/{path_of(camera_id, started_at)}"


def recorded(camera_id: int, start: datetime, end: datetime) -> list[Segment | HeldSegment]:
    """What can be shown of a camera between `start` and `end`, in order: from the index, and where that has
    forgotten, from holds.
    """
    segments = list(Segment.objects.covering(camera_id, start, end))
    known = {segment.started_at for segment in segments}
    held = [copy for copy in HeldSegment.objects.covering(camera_id, start, end) if copy.started_at not in known]
    return sorted([*segments, *held], key=lambda film: film.started_at) if held else segments


def recording_named(camera_id: int, start_ms: int, start: datetime, end: datetime) -> Segment | HeldSegment | None:
    """The recording of that name, if it shows something between `start` and `end`."""
    found = (kind.objects.covering(camera_id, start, end).begun_at(start_ms).first() for kind in (Segment, HeldSegment))
    return next(filter(None, found), None)


class ClipQuerySet(models.QuerySet):
    def unfinished(self):
        return self.filter(state__in=[Clip.State.QUEUED, Clip.State.CUTTING])

    def in_hands(self):
        """Being cut, or ready and not yet on disk for certain."""
        return self.filter(claim__isnull=False)

    def unsaved(self, at: datetime):
        """Ready, but whoever made them died before they were on disk for certain."""
        return self.in_hands().filter(state=Clip.State.READY, touched_at__lt=at - Clip.PATIENCE)

    def in_work(self, at: datetime):
        """Being cut or brought to disk by somebody alive."""
        return self.in_hands().filter(touched_at__gte=at - Clip.PATIENCE)

    def waiting(self, at: datetime):
        """What may be taken up, in the order of the queue: evidence first, for a viewing copy takes far longer.

        What was being cut when its worker died waits like the rest.
        """
        died = Q(state=Clip.State.CUTTING, touched_at__lt=at - Clip.PATIENCE)
        return self.filter(Q(state=Clip.State.QUEUED) | died).order_by("kind", "created_at", "pk")


class Clip(models.Model):
    """A copy of recorded video, made for somebody: one MP4 that begins exactly where it was asked to."""

    PATIENCE = timedelta(seconds=10)

    class Kind(models.TextChoices):
        # The recorded pictures as they are, sealed.
        EVIDENCE = "evidence", _("Evidence")
        # Coded again, with the recipient, the register line and the time in every picture.
        VIEWING = "viewing", _("Viewing copy")

    class State(models.TextChoices):
        QUEUED = "queued", _("Waiting")
        CUTTING = "cutting", _("Being cut")
        READY = "ready", _("Ready")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")
        DESTROYED = "destroyed", _("Destroyed")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    camera = models.ForeignKey("cameras.Camera", models.PROTECT, related_name="clips")
    kind = models.CharField(_("kind"), max_length=10, choices=Kind, default=Kind.EVIDENCE)
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    state = models.CharField(_("state"), max_length=10, choices=State, default=State.QUEUED)
    progress = models.PositiveSmallIntegerField(_("progress"), default=0)
    path = models.CharField(max_length=200, blank=True)
    bytes = models.BigIntegerField(_("bytes"), default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    sources = models.JSONField(default=list)
    gaps = models.JSONField(default=list)
    note = models.JSONField(default=dict)
    # Written and signed when the clip is complete; never changed after.
    manifest = models.JSONField(default=dict)
    error = models.CharField(_("reason of the failure"), max_length=300, blank=True)
    # Where within the time asked the camera's video format changes, when that is the reason.
    changes_at = models.DateTimeField(_("format changes at"), null=True)
    created_at = models.DateTimeField(_("ordered"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished"), null=True)
    # Whoever cuts the clip holds `claim` and touches the row every second; until the file is on disk.
    claim = models.UUIDField(null=True, editable=False)
    touched_at = models.DateTimeField(default=timezone.now, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)

    objects = ClipQuerySet.as_manager()

    class Meta:
        verbose_name = _("clip")
        verbose_name_plural = _("clips")
        indexes = [
            models.Index(
                fields=["touched_at"],
                condition=Q(state__in=["queued", "cutting"]),
                name="clip_unfinished",
            ),
            models.Index(fields=["touched_at"], condition=Q(claim__isnull=False), name="clip_in_hands"),
            models.Index(fields=["sha256"], name="clip_by_fingerprint"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="clip_has_a_length"),
            models.CheckConstraint(condition=Q(progress__lte=100), name="clip_progress_is_percent"),
            models.CheckConstraint(
                condition=~Q(state="ready") | Q(sha256__regex="^[0-9a-f]{64}$", bytes__gt=0) & ~Q(path=""),
                name="ready_clip_is_whole",
            ),
        ]

    def __str__(self):
        return str(self.id)

    @property
    def file(self) -> Path:
        return settings.CLIP_ROOT / self.path

    @property
    def folder(self) -> Path:
        return settings.CLIP_ROOT / f"{self.created_at:%Y%m}"

    def files(self) -> list[Path]:
        """What lies on disk of it: the clip, a draft, and what broken attempts left."""
        return list(self.folder.glob(f"{self.pk}-*"))

    @property
    def told_state(self) -> "Clip.State":
        """One that a power cut may have torn, and nobody has looked at since, is not ready for anybody."""
        in_doubt = self.claim and self.touched_at < timezone.now() - self.PATIENCE
        return self.State.CUTTING if in_doubt and self.state == self.State.READY else self.State(self.state)

    @property
    def is_unfinished(self) -> bool:
        return self.told_state in (self.State.QUEUED, self.State.CUTTING)

    @property
    def position(self) -> int | None:
        """How many clips are taken up before this one, itself counted; None when it does not wait."""
        if self.state != self.State.QUEUED:
            return None
        earlier = Q(kind__lt=self.kind) | Q(kind=self.kind, created_at__lt=self.created_at)
        return Clip.objects.filter(earlier, state=self.State.QUEUED).count() + 1


class SigningKey(models.Model):
    """The public half of every key that the centre ever signed with. Never deleted: old clips outlive their key."""

    # The first 16 hexadecimal digits of the SHA-256 of the public key.
    id = models.CharField(_("key"), max_length=16, primary_key=True)
    public = models.CharField(_("public key (Ed25519, base64)"), max_length=44)
    since = models.DateTimeField(_("in use from"), default=timezone.now)
    until = models.DateTimeField(_("in use until"), null=True)
    compromised_at = models.DateTimeField(_("known to strangers from"), null=True)

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ["-since"]
        constraints = [
            models.CheckConstraint(
                condition=Q(compromised_at=None) | Q(until__isnull=False), name="compromised_key_is_out_of_use"
            ),
        ]

    def __str__(self):
        return self.id


class CameraAlarmQuerySet(models.QuerySet):
    def open(self):
        return self.filter(ended_at=None)


class CameraAlarm(models.Model):
    """Something is wrong with what a camera shows or with its recording: from when, and until when."""

    class Kind(models.TextChoices):
        FROZEN = "frozen", _(reasons.FROZEN)
        BLACK = "black", _(reasons.BLACK)
        COVERED = "covered", _(reasons.COVERED)
        MOVED = "moved", _(reasons.MOVED)
        NO_PICTURE = "no_picture", _("No picture comes")
        NOT_RECORDING = "not_recording", _("Pictures come, but are not recorded")
        DISK = "disk", _("The disk refuses")

    camera = models.ForeignKey("cameras.Camera", models.CASCADE, related_name="alarms", verbose_name=_("camera"))
    kind = models.CharField(_("kind"), max_length=16, choices=Kind)
    began_at = models.DateTimeField(_("since"), default=timezone.now)
    ended_at = models.DateTimeField(_("until"), null=True)
    detail = models.JSONField(default=dict)

    objects = CameraAlarmQuerySet.as_manager()

    class Meta:
        verbose_name = _("camera alarm")
        verbose_name_plural = _("camera alarms")
        ordering = ["-began_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["camera", "kind"], condition=Q(ended_at=None), name="one_open_alarm_a_kind"
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None) | Q(ended_at__gte=F("began_at")), name="alarm_ends_after_its_start"
            ),
        ]

    def __str__(self):
        return f"{self.camera_id}: {self.get_kind_display()}"

    @property
    def status(self) -> str:
        """How bad it is: a picture that shows something else can still be recorded."""
        lost = self.kind in (self.Kind.NO_PICTURE, self.Kind.NOT_RECORDING, self.Kind.DISK)
        return "serious" if lost else "caution"


class Motion(models.Model):
    """How much moved in a minute of a camera: a byte for each second, 1 (still) to 255; 0 where nothing is known.

    Partitioned by day like `Segment`, and forgotten with what was recorded.
    """

    pk = models.CompositePrimaryKey("camera_id", "minute")
    camera = models.ForeignKey("cameras.Camera", models.PROTECT, related_name="+", db_constraint=False)
    minute = models.DateTimeField()
    levels = models.BinaryField(max_length=60)

    class Meta:
        verbose_name = _("movement")
        verbose_name_plural = _("movement")

    def __str__(self):
        return f"{self.camera_id} {self.minute:%Y-%m-%d %H:%M}"


class UsualView(models.Model):
    """What a camera usually shows, as the analysis knows it: small pictures of edges, a byte for each."""

    camera = models.OneToOneField("cameras.Camera", models.CASCADE, primary_key=True, related_name="usual_view")
    looks = models.BinaryField()
    detail = models.FloatField()
    learned_at = models.DateTimeField(_("learned"), default=timezone.now)

    class Meta:
        verbose_name = _("usual view")
        verbose_name_plural = _("usual views")
        permissions = [("accept_view", _("Can accept a camera's new view"))]

    def __str__(self):
        return str(self.camera_id)
