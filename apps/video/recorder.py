"""One recorder process: takes its share of the cameras, records them, and keeps the index."""

import logging
import queue
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from math import ceil, inf
from pathlib import Path
from threading import Event, Thread

from django.conf import settings
from django.db import DataError, IntegrityError, connection
from django.db import Error as DatabaseError
from django.db.models import Max, Sum
from django.db.models.functions import Now
from django.utils import timezone

from apps.cameras.models import Camera
from apps.video import healing, partitions, reasons
from apps.video.alarms import say_status
from apps.video.feed import Closed, Feed, Opened, Status
from apps.video.fields import MILLISECOND, whole_millisecond
from apps.video.live_server import LiveServer
from apps.video.models import LONGEST_SEGMENT, RECORDER_SILENCE, Lease, Recorder, Segment
from apps.video.network import Network
from apps.video.presence import Presence
from apps.video.pulse import Pulse
from apps.video.recording import Recording, sync_file_system
from apps.video.watchdog import SLOW_SYNC, Watchdog

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
SYNC_SECONDS = 0.3
# A disk that refused is told for so long after.
REFUSED_SECONDS = 4.0
# From so many files on, one sync of the file system costs less than one of each file (docs/adr/0010).
MANY_FILES = 10
HEAL_SECONDS = 10.0
PREPARE_SECONDS = 600.0
STOP_SECONDS = 7.0
# A process that does nothing any more shall not say that it lives.
STUCK_SECONDS = 60.0
# Cameras given back per beat when another recorder has room: moving one costs a gap of about a second.
MOVED_PER_BEAT = 5
ADOPTED_PER_BEAT = 20
# Whoever was cut off from the database may not conclude from others' silence that they are dead: they were too.
NEVER = timedelta(days=365)

# A camera is free when nobody leases it, or its recorder has been silent for too long. Two recorders may
# both try: the second finds the lease of a living one and leaves it.
TAKE = """
INSERT INTO video_lease (camera_id, recorder_id, taken_at)
SELECT c.id, %(me)s, now()
FROM cameras_camera c
LEFT JOIN video_lease l ON l.camera_id = c.id
LEFT JOIN video_recorder r ON r.id = l.recorder_id
WHERE c.is_enabled AND c.rtsp_url <> '' AND (l.camera_id IS NULL OR r.seen_at <= now() - %(silence)s)
ORDER BY c.id LIMIT %(room)s
ON CONFLICT (camera_id) DO UPDATE SET recorder_id = excluded.recorder_id, taken_at = excluded.taken_at
WHERE EXISTS (SELECT FROM video_recorder r WHERE r.id = video_lease.recorder_id
              AND r.seen_at <= now() - %(silence)s)
RETURNING camera_id
"""


class Syncer:
    """Brings what was written to the disk itself and closes finished files, off the cameras' threads."""

    def __init__(self, root: Path):
        self._root = root
        self._open: set[Recording] = set()
        self._finished: queue.SimpleQueue = queue.SimpleQueue()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="sync", daemon=True)
        self._since: float | None = None
        # When the disk last refused something of a camera; of all of them under None.
        self._refused: dict[int | None, float] = {}

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def opened(self, recording: Recording) -> None:
        self._open.add(recording)

    def closed(self, recording: Recording) -> None:
        self._open.discard(recording)
        self._finished.put(recording)

    def is_slow(self, now: float) -> bool:
        since = self._since
        return since is not None and now - since > SLOW_SYNC

    def is_refused(self, camera_id: int, now: float) -> bool:
        """Whether what was written of a camera does not reach the disk: it is tried again twice a second."""
        last = max(self._refused.get(camera_id, -inf), self._refused.get(None, -inf))
        return now - last < REFUSED_SECONDS

    def _run(self) -> None:
        while not self._stop.wait(SYNC_SECONDS):
            self._pass()
        self._pass()

    def _pass(self) -> None:
        self._since = time.monotonic()
        recordings = list(self._open)
        if len(recordings) >= MANY_FILES:
            self._try(None, lambda: sync_file_system(self._root))
        else:
            for recording in recordings:
                self._try(recording.camera_id, recording.sync)
        while not self._finished.empty():
            recording = self._finished.get()
            self._try(recording.camera_id, recording.close)
        self._since = None

    def _try(self, camera_id: int | None, act: Callable[[], None]) -> None:
        try:
            act()
        except OSError as error:
            logger.error("what was recorded cannot be brought to disk: %s", error)
            self._refused[camera_id] = time.monotonic()


class Heart:
    """Says in the database that this recorder lives, whatever else it is busy with."""

    def __init__(self, recorder_id: uuid.UUID):
        self._id = recorder_id
        self._stop = Event()
        self._thread = Thread(target=self._run, name="heart", daemon=True)
        self.body_moved_at = time.monotonic()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(STOP_SECONDS)

    def _run(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            if time.monotonic() - self.body_moved_at < STUCK_SECONDS:
                self._beat()
        connection.close()

    def _beat(self) -> None:
        try:
            Recorder.objects.filter(pk=self._id).update(seen_at=Now())
        except DatabaseError:
            connection.close()  # the process itself says so, and once


def share_of(capacity: int, cameras: int, room: int) -> int:
    """Each according to what it may hold, out of `room` in all: what a small one leaves, the large ones take."""
    return min(capacity, ceil(cameras * capacity / max(1, room)))


class RecorderProcess:
    def __init__(self, *, capacity: int | None = None):
        self.id = uuid.uuid4()
        self.capacity = settings.RECORDER_CAPACITY if capacity is None else capacity
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._unwritten: list = []
        self._feeds: dict[int, Feed] = {}
        self._leaving: dict[int, Feed] = {}
        self._returning: set[int] = set()
        self._to_adopt: list[int] = []
        self._troubles: dict[int, str] = {}
        self._healed_at = 0.0
        self._prepared_at = float("-inf")
        self._in_touch_since: float | None = None
        self._stop = Event()
        self._syncer, self._pulse, self._heart = Syncer(settings.VIDEO_ROOT), Pulse(), Heart(self.id)
        self._network = Network()
        self._presence = Presence(settings.VIDEO_ROOT, self.id)
        self._watchdog = Watchdog(settings.VIDEO_ROOT)
        self.live = LiveServer(settings.RECORDER_HOST)

    def stop(self) -> None:
        self._stop.set()
        self._news.put(None)

    def run(self) -> None:
        settings.VIDEO_ROOT.mkdir(parents=True, exist_ok=True)
        self._presence.show()
        self.live.start()
        for part in (self._syncer, self._pulse, self._heart):
            part.start()
        logger.info("recorder %s listens on %s", self.id, self.live.address)
        try:
            while not self._stop.is_set():
                self._beat()
                self._listen(BEAT_SECONDS)
        finally:
            self._shut_down()

    # --- the beat ---

    def _beat(self) -> None:
        self._heart.body_moved_at = time.monotonic()
        lapses = self._pulse.lapses
        try:
            self._say_alive()
            self._bury()
            self._keep(self._leases())
            self._pulse.verify(lapses)
            self._write_news()
            self._watch()
            self._heal()
            self._prepare()
        except DatabaseError as error:
            # Recording goes on without the database: what happened is written down when it is back.
            self._lost_touch(error)
            self._pulse.verify(lapses)

    def _lost_touch(self, error: DatabaseError) -> None:
        logger.error("the database does not answer: %s", error)
        self._in_touch_since = None
        connection.close()

    def _say_alive(self) -> None:
        if not Recorder.objects.filter(pk=self.id).update(seen_at=Now()):
            Recorder.objects.create(id=self.id, address=self.live.address, capacity=self.capacity)
        Recorder.objects.silent().filter(leases=None).delete()
        self._in_touch_since = self._in_touch_since or time.monotonic()

    def _bury(self) -> None:
        """Recorders of this host whose process has died need not be silent first: their cameras are free now."""
        if dead := self._presence.find_dead():
            logger.warning("recorders %s have died", ", ".join(map(str, dead)))
            Recorder.objects.filter(pk__in=dead).delete()
            self._presence.forget(dead)
            self._healed_at = 0.0

    @property
    def _silence(self) -> timedelta:
        """How long another must have been silent to be taken for dead."""
        in_touch = time.monotonic() - self._in_touch_since
        return RECORDER_SILENCE if in_touch > RECORDER_SILENCE.total_seconds() else NEVER

    def _leases(self) -> dict[int, str]:
        """Cameras this recorder shall record, with their addresses, after taking and giving back its share."""
        held = Lease.objects.filter(recorder=self.id)
        # A camera is given back once its file is closed, and not before: another may take it at once.
        given = {camera_id for camera_id in self._returning if camera_id not in self._busy}
        held.filter(camera__in=given).delete()
        self._returning -= given
        held.exclude(camera__in=Camera.objects.streaming()).delete()
        room = Recorder.objects.alive().aggregate(room=Sum("capacity"))["room"] or self.capacity
        share = share_of(self.capacity, Camera.objects.streaming().count(), room)
        count = held.count() - len(self._returning)
        if count < share:
            self._take(share - count)
        elif count > share:
            surplus = held.exclude(camera__in=self._returning).order_by("-camera_id")
            self._returning |= set(surplus.values_list("pk", flat=True)[: min(count - share, MOVED_PER_BEAT)])
        mine = held.exclude(camera__in=self._returning)
        return dict(mine.values_list("camera_id", "camera__rtsp_url"))

    def _take(self, room: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, {"me": self.id, "silence": self._silence, "room": room})
            self._to_adopt += [row[0] for row in cursor.fetchall()]

    @property
    def _busy(self) -> set[int]:
        """Cameras whose file may still be written by a feed of this process."""
        return self._feeds.keys() | {camera_id for camera_id, feed in self._leaving.items() if feed.is_alive}

    def _keep(self, mine: dict[int, str]) -> None:
        """Run a feed for exactly the cameras in `mine`."""
        for camera_id, feed in list(self._feeds.items()):
            if mine.get(camera_id) != feed.url or not feed.is_alive:
                self._drop(camera_id)
        # Two feeds of one camera would record it twice: the first must be gone.
        new = mine.keys() - self._busy
        recorded_until = self._recorded_until(new)
        for camera_id in new:
            self._pull(camera_id, mine[camera_id], recorded_until.get(camera_id, 0.0))
        self._leaving = {camera_id: feed for camera_id, feed in self._leaving.items() if feed.is_alive}

    def _recorded_until(self, cameras: set[int]) -> dict[int, float]:
        """Unix seconds at which the newest recordings of `cameras` end: a new one begins no sooner."""
        if not cameras:
            return {}
        newest = Segment.objects.filter(
            camera__in=cameras, started_at__gt=timezone.now() - LONGEST_SEGMENT, ended_at__isnull=False
        )
        ends = newest.values("camera_id").annotate(until=Max("ended_at")).values_list("camera_id", "until")
        return {camera_id: until.timestamp() for camera_id, until in ends}

    def _pull(self, camera_id: int, url: str, recorded_until: float) -> None:
        feed = Feed(
            camera_id,
            url,
            root=settings.VIDEO_ROOT,
            channel=self.live.open(camera_id),
            tell=self._hear,
            pulse=self._pulse,
            network=self._network,
            recorded_until=recorded_until,
        )
        self._feeds[camera_id] = feed
        feed.start()

    def _drop(self, camera_id: int) -> None:
        feed = self._feeds.pop(camera_id)
        feed.stop()
        self._leaving[camera_id] = feed
        self.live.close(camera_id)
        self._watchdog.forget(camera_id)
        self._troubles.pop(camera_id, None)
        if not Camera.objects.streaming().filter(pk=camera_id).exists():
            say_status(camera_id, Camera.Status.OFF, reasons.DISABLED)

    def _watch(self) -> None:
        """A camera whose pictures come but are not recorded is told, and its file begun anew."""
        now = time.monotonic()
        for feed in self._feeds.values():
            trouble = self._watchdog.look(feed, now)
            if trouble:
                feed.begin_anew()
            self._mind(feed, trouble or (self._trouble_of_disk(feed, now) if feed.recording else ""))

    def _trouble_of_disk(self, feed: Feed, now: float) -> str:
        if self._syncer.is_refused(feed.camera_id, now):
            return reasons.STORAGE
        return reasons.DISK_SLOW if self._syncer.is_slow(now) else ""

    def _mind(self, feed: Feed, trouble: str) -> None:
        before = self._troubles.get(feed.camera_id, "")
        if trouble == before:
            return
        self._troubles[feed.camera_id] = trouble
        if trouble:
            logger.error("camera %s: %s", feed.camera_id, trouble)
            status = Camera.Status.CAUTION if trouble == reasons.DISK_SLOW else Camera.Status.CRITICAL
            # A disk that refused has said why already, and better.
            if feed.storage_trouble is None:
                say_status(feed.camera_id, status, trouble)
        elif feed.recording:
            say_status(feed.camera_id, feed.recorded_as.status, feed.recorded_as.reason)

    def _heal(self) -> None:
        for camera_id in self._to_adopt[:ADOPTED_PER_BEAT]:
            healing.adopt(camera_id, now=timezone.now())
            self._to_adopt.remove(camera_id)
        if time.monotonic() - self._healed_at > HEAL_SECONDS:
            self._healed_at = time.monotonic()
            healing.heal_left_behind()

    # --- the index ---

    def _prepare(self) -> None:
        """The index has a place for tomorrow, even when nobody else runs that sees to it."""
        if time.monotonic() - self._prepared_at > PREPARE_SECONDS:
            self._prepared_at = time.monotonic()
            partitions.make_ready(timezone.now())

    def _hear(self, news: object) -> None:
        """Called on the cameras' threads; never waits."""
        if isinstance(news, Opened):
            self._syncer.opened(news.recording)
        elif isinstance(news, Closed):
            self._syncer.closed(news.recording)
        self._news.put(news)

    def _listen(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self._stop.is_set():
            try:
                self._unwritten.append(self._news.get(timeout=left))
            except queue.Empty:
                return
            try:
                self._write_news()
            except DatabaseError as error:
                self._lost_touch(error)
                self._stop.wait(until - time.monotonic())
                return

    def _write_news(self) -> None:
        """Write down what happened, in order. What could not be written stays."""
        while not self._news.empty():
            self._unwritten.append(self._news.get())
        while self._unwritten:
            try:
                self._write(self._unwritten[0])
            except (IntegrityError, DataError) as error:
                # It would never be accepted, and must not hold up the rest. The file remains, and can be adopted.
                logger.error("the index refuses %s: %s", self._unwritten[0], error)
            self._unwritten.pop(0)

    def _write(self, news: object) -> None:
        if isinstance(news, Opened):
            self._write_opened(news)
        elif isinstance(news, Closed):
            self._write_closed(news)
        elif isinstance(news, Status) and news.camera_id in self._feeds:
            say_status(news.camera_id, news.status, news.reason)

    def _write_opened(self, news: Opened) -> None:
        recording = news.recording
        Segment.objects.update_or_create(
            camera_id=recording.camera_id,
            started_at=recording.started_at,
            defaults={
                "recorder": self.id,
                "session": news.session,
                "init_bytes": recording.init_bytes,
                "codec": recording.track.name,
                "width": recording.track.width,
                "height": recording.track.height,
            },
        )
        Camera.objects.filter(pk=news.camera_id).exclude(
            width=recording.track.width, height=recording.track.height
        ).update(width=recording.track.width, height=recording.track.height)

    def _write_closed(self, news: Closed) -> None:
        recording = news.recording
        ended = whole_millisecond(datetime.fromtimestamp(news.ended, UTC))
        Segment.objects.filter(
            camera_id=recording.camera_id, started_at=recording.started_at, state=Segment.State.RECORDING
        ).update(
            recorder=None,
            ended_at=max(ended, recording.started_at + MILLISECOND),
            bytes=recording.size,
            sha256=recording.sha256,
            state=Segment.State.CLOSED,
        )

    # --- the end ---

    def _shut_down(self) -> None:
        """Close every file and give the cameras back, so that another recorder need not wait."""
        for feed in self._feeds.values():
            feed.stop()
        until = time.monotonic() + STOP_SECONDS
        feeds = (*self._feeds.values(), *self._leaving.values())
        stuck = [feed.camera_id for feed in feeds if not feed.join(until - time.monotonic())]
        if stuck:
            logger.warning("cameras %s did not let go; their segments are healed later", stuck)
        self.live.stop()
        for part in (self._syncer, self._pulse, self._heart):
            part.stop()
        try:
            self._write_news()
            Recorder.objects.filter(pk=self.id).delete()
        except DatabaseError as error:
            logger.error("the database does not answer: %s", error)
        finally:
            self._presence.end()
            connection.close()
