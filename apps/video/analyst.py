"""One analyst process: looks at what the recorders of this host write, and says what is wrong with it.

It reads the growing files, so recorders know nothing of it and cannot be held up by it. Most of a file it never
touches: the heads of fragments tell their sizes, and of the pictures it decodes a keyframe every few seconds.
"""

import fcntl
import logging
import os
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from threading import Event
from uuid import UUID

import av
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from apps.cameras.models import Camera
from apps.video import alarms, motion
from apps.video.analysis import Judge, Movement, Usual
from apps.video.fields import EPOCH
from apps.video.fmp4 import TIMESCALE, Fragment, configuration_of, fragments
from apps.video.models import LONGEST_SEGMENT, CameraAlarm, Segment, UsualView
from apps.video.nal import BadStream
from apps.video.seeing import Glimpse, glimpse

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
# Where a camera's keyframes cost more, they are looked at less often: no camera may take more than its share of a core.
SHARE, SELDOM_SECONDS, OFTEN_SECONDS = 0.002, 15.0, 3.0
# What was written longer ago is counted, but no picture of it is decoded: the newest is to come.
LATE_SECONDS = 10.0
FLUSH_SECONDS = 15.0
REMEMBER_SECONDS = 600.0
RECENT = timedelta(minutes=3)
# A camera that nothing was recorded of for so long is not looked at.
GONE_SECONDS = 60.0
DECODERS = 16


class Claims:
    """Which recorders of this host this analyst looks after: each has one, and one that dies lets go."""

    def __init__(self, root: Path):
        self._recorders, self._folder = root / ".recorders", root / ".analysts"
        self._held: dict[UUID, int] = {}

    def hold(self) -> set[UUID]:
        """Claim whatever recorder is there and has no analyst."""
        self._folder.mkdir(parents=True, exist_ok=True)
        there = {UUID(name) for name in _names(self._recorders)}
        for gone in self._held.keys() - there:
            self._let_go(gone)
        for name in _names(self._folder) - set(map(str, there)):
            (self._folder / name).unlink(missing_ok=True)
        for new in there - self._held.keys():
            self._claim(new)
        return set(self._held)

    def end(self) -> None:
        for recorder in list(self._held):
            self._let_go(recorder)

    def _claim(self, recorder: UUID) -> None:
        fd = os.open(self._folder / str(recorder), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(fd)
        else:
            self._held[recorder] = fd

    def _let_go(self, recorder: UUID) -> None:
        os.close(self._held.pop(recorder))


def _names(folder: Path) -> set[str]:
    try:
        return {entry.name for entry in os.scandir(folder) if not entry.name.endswith(".new")}
    except FileNotFoundError:
        return set()


class Decoders:
    """Cameras of one make have the same parameter sets, and then share a decoder: it keeps nothing of a picture."""

    def __init__(self):
        self._kept: OrderedDict[tuple[str, bytes], av.CodecContext] = OrderedDict()

    def decode(self, init: bytes, picture: bytes) -> av.VideoFrame:
        """Of a keyframe. Raises BadStream."""
        key = configuration_of(init)
        decoder = self._kept.pop(key, None) or _decoder(*key)
        self._kept[key] = decoder
        if len(self._kept) > DECODERS:
            self._kept.popitem(last=False)
        try:
            frames = decoder.decode(av.Packet(picture)) or decoder.decode(None)
            decoder.flush_buffers()
        except av.FFmpegError as error:
            del self._kept[key]
            raise BadStream(str(error)) from None
        if not frames or not frames[0].format.name.startswith(("yuv", "gray", "nv12")):
            raise BadStream("no picture")
        return frames[0]


def _decoder(codec: str, configuration: bytes) -> av.CodecContext:
    decoder = av.CodecContext.create(codec, "r")
    decoder.extradata = configuration
    decoder.thread_count = 1
    decoder.options = {"skip_loop_filter": "all", "flags": "low_delay"}
    return decoder


class Tail:
    """What is written of one camera, file after file, as far as it was read."""

    def __init__(self):
        self._files: deque[tuple[Segment, int]] = deque()
        self._position, self._first, self._newest = 0, None, EPOCH
        self.init = b""

    def follow(self, segment: Segment) -> None:
        if segment.started_at <= self._newest:
            return
        self._newest = segment.started_at
        try:
            self._files.append((segment, os.open(segment.file, os.O_RDONLY | os.O_CLOEXEC)))
        except FileNotFoundError:
            return
        if len(self._files) == 1:
            self._begin()

    def read(self) -> Iterator[tuple[float, Fragment, int]]:
        """(Unix s, fragment, descriptor of its file) of what was written since."""
        while self._files:
            segment, fd = self._files[0]
            for fragment in fragments(fd, self._position):
                self._position = fragment.end
                self._first = fragment.at if self._first is None else self._first
                yield segment.started_at.timestamp() + (fragment.at - self._first) / TIMESCALE, fragment, fd
            if len(self._files) == 1:
                return
            os.close(self._files.popleft()[1])
            self._begin()

    def close(self) -> None:
        while self._files:
            os.close(self._files.popleft()[1])

    def _begin(self) -> None:
        segment, fd = self._files[0]
        self._position, self._first = segment.init_bytes, None
        self.init = os.pread(fd, segment.init_bytes, 0)


class Watch:
    """One camera as the analyst knows it."""

    def __init__(self, camera_id: int, judge: Judge, levels: dict[int, int]):
        """`levels` of movement by the second, as far as they are known already."""
        self.camera_id, self.judge, self.levels = camera_id, judge, levels
        self.tail, self.movement = Tail(), Movement()
        self.said = judge.wrong
        self.is_remembered = judge.usual.is_known
        self.growing_at = time.monotonic()
        self._looked_at, self._every = 0.0, OFTEN_SECONDS

    def read(self, decoders: Decoders, now: float) -> None:
        """Take in what is new in the camera's files."""
        for at, fragment, fd in self.tail.read():
            inter = fragment.samples - fragment.key
            if inter > 0:
                spent = (fragment.end - fragment.data - fragment.first * fragment.key) / inter
                self.movement.heard(at, spent)
            if fragment.key and at - self._looked_at >= self._every and now - at < LATE_SECONDS:
                self._look(decoders, at, os.pread(fd, fragment.first, fragment.data))

    def _look(self, decoders: Decoders, at: float, picture: bytes) -> None:
        began = time.thread_time()
        try:
            frame = decoders.decode(self.tail.init, picture)
        except BadStream as error:
            logger.info("camera %s: a keyframe cannot be decoded: %s", self.camera_id, error)
            self._looked_at = at
            return
        self._judge(glimpse(frame), at)
        cost = time.thread_time() - began
        self._looked_at = at
        self._every = min(SELDOM_SECONDS, max(OFTEN_SECONDS, cost / SHARE))

    def _judge(self, seen: Glimpse, at: float) -> None:
        self.judge.look(seen, at)
        self.levels.update(self.movement.saw(seen, at))

    def minutes(self, since: float) -> dict[tuple[int, object], bytes]:
        """The levels of the minutes that `since` (Unix s) and what came after it lie in; older ones are dropped."""
        first = int(since // 60 * 60)
        self.levels = {second: level for second, level in self.levels.items() if second >= first}
        found: dict = {}
        for second, level in self.levels.items():
            minute, number = motion.minute_of(second)
            found.setdefault((self.camera_id, minute), bytearray(60))[number] = level
        return {key: bytes(levels) for key, levels in found.items()}


class AnalystProcess:
    def __init__(self):
        self._claims, self._decoders = Claims(settings.VIDEO_ROOT), Decoders()
        self._watches: dict[int, Watch] = {}
        self._flushed_at = time.time()
        self._remembered_at = time.monotonic()
        self._stop = Event()

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        try:
            while not self._stop.is_set():
                self._beat()
                self._stop.wait(BEAT_SECONDS)
        finally:
            self._shut_down()

    def _beat(self) -> None:
        try:
            self._follow()
            for watch in list(self._watches.values()):
                self._read(watch)
            self._flush()
            self._remember()
        except DatabaseError as error:
            # The recording goes on, and so does looking at it: what was found is said when the database is back.
            logger.error("the database does not answer: %s", error)
            connection.close()

    def _follow(self) -> None:
        """Keep to the files that the recorders of this host write now."""
        growing = Segment.objects.filter(
            state=Segment.State.RECORDING,
            recorder__in=self._claims.hold(),
            started_at__gt=timezone.now() - LONGEST_SEGMENT,
        )
        for segment in growing:
            if segment.camera_id not in self._watches:
                self._watches[segment.camera_id] = _watch(segment.camera_id)
            watch = self._watches[segment.camera_id]
            watch.growing_at = time.monotonic()
            watch.tail.follow(segment)
        for watch in list(self._watches.values()):
            if time.monotonic() - watch.growing_at > GONE_SECONDS:
                self._give_up(watch)

    def _read(self, watch: Watch) -> None:
        try:
            watch.read(self._decoders, time.time())
        except (OSError, BadStream) as error:
            logger.warning("camera %s: what was recorded cannot be read: %s", watch.camera_id, error)
            watch.tail.close()
        self._say(watch, watch.judge.wrong)

    def _say(self, watch: Watch, wrong: set[str]) -> None:
        for kind in wrong - watch.said:
            logger.warning("camera %s: %s", watch.camera_id, kind)
            alarms.raise_alarm(watch.camera_id, kind)
        for kind in watch.said - wrong:
            alarms.clear_alarm(watch.camera_id, kind)
        watch.said = wrong

    def _give_up(self, watch: Watch) -> None:
        """No picture comes any more, and nothing is wrong with what is not there: its recorder says so."""
        self._say(watch, set())
        motion.note(watch.minutes(self._flushed_at - SELDOM_SECONDS * 2))
        watch.tail.close()
        del self._watches[watch.camera_id]

    def _flush(self) -> None:
        now = time.time()
        if now - self._flushed_at < FLUSH_SECONDS:
            return
        found: dict = {}
        for watch in self._watches.values():
            found |= watch.minutes(self._flushed_at - SELDOM_SECONDS * 2)
        motion.note(found)
        self._flushed_at = now

    def _remember(self) -> None:
        """Keep the usual views over a restart; one that somebody took away is learnt anew."""
        kept = set(UsualView.objects.filter(camera__in=self._watches).values_list("camera_id", flat=True))
        is_time = time.monotonic() - self._remembered_at > REMEMBER_SECONDS
        for watch in self._watches.values():
            if watch.is_remembered and watch.camera_id not in kept:
                watch.judge.forget_view()
                watch.is_remembered = False
            elif watch.judge.usual.is_known and (is_time or not watch.is_remembered):
                _keep(watch)
        if is_time:
            self._remembered_at = time.monotonic()

    def _shut_down(self) -> None:
        try:
            self._flushed_at -= FLUSH_SECONDS
            self._flush()
        except DatabaseError as error:
            logger.error("the last movement is not on record: %s", error)
        for watch in self._watches.values():
            watch.tail.close()
        self._claims.end()
        connection.close()


def _watch(camera_id: int) -> Watch:
    """A camera, with what was known of it when it was last looked at."""
    camera = Camera.objects.get(pk=camera_id)
    wrong = set(
        CameraAlarm.objects.open().filter(camera=camera, kind__in=alarms.OF_PICTURE).values_list("kind", flat=True)
    )
    now = timezone.now()
    levels = {int(second.timestamp()): level for second, level in motion.levels(camera_id, now - RECENT, now)}
    judge = Judge(_usual(camera), is_fixed=camera.kind == Camera.Kind.FIXED, wrong=wrong)
    return Watch(camera_id, judge, levels)


def _usual(camera: Camera) -> Usual | None:
    kept = UsualView.objects.filter(camera=camera).first()
    try:
        return Usual.unpacked(bytes(kept.looks), kept.detail) if kept else None
    except ValueError:
        return None  # kept by another edition: it is learnt anew


def _keep(watch: Watch) -> None:
    usual = watch.judge.usual
    fields = {"looks": usual.packed(), "detail": usual.detail, "learned_at": timezone.now()}
    UsualView.objects.update_or_create(camera_id=watch.camera_id, defaults=fields)
    watch.is_remembered = True
