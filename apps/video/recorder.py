"""One recorder process: takes its share of the cameras, records them, and keeps the index."""

import logging
import queue
import time
import uuid
from datetime import UTC, datetime
from math import ceil
from threading import Event, Thread

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from apps.cameras.actions import set_status
from apps.cameras.models import Camera
from apps.video import healing, partitions, reasons
from apps.video.feed import Closed, Feed, Opened, Status
from apps.video.fields import MILLISECOND, whole_millisecond
from apps.video.live_server import LiveServer
from apps.video.models import RECORDER_SILENCE, Lease, Recorder, Segment
from apps.video.recording import Recording

logger = logging.getLogger(__name__)

BEAT_SECONDS = 1.0
HEAL_SECONDS = 10.0
PREPARE_SECONDS = 600.0
STOP_SECONDS = 7.0
# Cameras given back per beat when another recorder has room: moving one costs a gap of about a second.
MOVED_PER_BEAT = 5

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
    """Brings what was written to the disk itself once a second, and closes finished files, off the cameras' threads."""

    def __init__(self):
        self._open: set[Recording] = set()
        self._finished: queue.SimpleQueue = queue.SimpleQueue()
        self._stop = Event()
        self._thread = Thread(target=self._run, name="sync", daemon=True)

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

    def _run(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            self._pass()
        self._pass()

    def _pass(self) -> None:
        for recording in list(self._open):
            self._try(recording.sync, recording)
        while not self._finished.empty():
            recording = self._finished.get()
            self._try(recording.close, recording)

    def _try(self, act, recording: Recording) -> None:
        try:
            act()
        except OSError as error:
            logger.error("%s cannot be brought to disk: %s", recording.path, error)


class RecorderProcess:
    def __init__(self, *, capacity: int | None = None):
        self.id = uuid.uuid4()
        self.capacity = capacity or settings.RECORDER_CAPACITY
        self._news: queue.SimpleQueue = queue.SimpleQueue()
        self._unwritten: list = []
        self._feeds: dict[int, Feed] = {}
        self._leaving: list[Feed] = []
        self._healed_at = 0.0
        self._prepared_at = float("-inf")
        self._stop = Event()
        self._syncer = Syncer()
        self.live = LiveServer(settings.RECORDER_HOST)

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        settings.VIDEO_ROOT.mkdir(parents=True, exist_ok=True)
        self.live.start()
        self._syncer.start()
        logger.info("recorder %s listens on %s", self.id, self.live.address)
        try:
            while not self._stop.is_set():
                self._beat()
                self._listen(BEAT_SECONDS)
        finally:
            self._shut_down()

    # --- the beat ---

    def _beat(self) -> None:
        try:
            self._say_alive()
            mine = self._leases()
            self._keep(mine)
            self._write_news()
            self._heal()
            self._prepare()
        except DatabaseError as error:
            # Recording goes on without the database: what happened is written down when it is back.
            logger.error("the database does not answer: %s", error)
            connection.close()

    def _say_alive(self) -> None:
        if not Recorder.objects.filter(pk=self.id).update(seen_at=Now()):
            Recorder.objects.create(id=self.id, address=self.live.address, capacity=self.capacity)
        Recorder.objects.silent().filter(leases=None).delete()

    def _leases(self) -> dict[int, str]:
        """Cameras this recorder holds, with their addresses, after taking and giving back its share."""
        Lease.objects.filter(recorder=self.id).exclude(camera__in=Camera.objects.streaming()).delete()
        wanted, others = Camera.objects.streaming().count(), Recorder.objects.alive().count()
        share = min(self.capacity, ceil(wanted / max(1, others)))
        held = Lease.objects.filter(recorder=self.id)
        count = held.count()
        if count < share:
            self._take(share - count)
        elif count > share:
            surplus = held.order_by("-camera_id").values("pk")[: min(count - share, MOVED_PER_BEAT)]
            Lease.objects.filter(pk__in=list(surplus.values_list("pk", flat=True))).delete()
        return dict(held.values_list("camera_id", "camera__rtsp_url"))

    def _take(self, room: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(TAKE, {"me": self.id, "silence": RECORDER_SILENCE, "room": room})
            taken = [row[0] for row in cursor.fetchall()]
        now = timezone.now()
        for camera_id in taken:
            healing.adopt(camera_id, now=now)

    def _keep(self, mine: dict[int, str]) -> None:
        """Run a feed for exactly the cameras in `mine`."""
        for camera_id, feed in list(self._feeds.items()):
            if mine.get(camera_id) != feed.url or not feed.is_alive:
                self._drop(camera_id)
        for camera_id in mine.keys() - self._feeds.keys():
            self._pull(camera_id, mine[camera_id])
        self._leaving = [feed for feed in self._leaving if feed.is_alive]

    def _pull(self, camera_id: int, url: str) -> None:
        channel = self.live.open(camera_id)
        feed = Feed(camera_id, url, root=settings.VIDEO_ROOT, channel=channel, tell=self._hear)
        self._feeds[camera_id] = feed
        feed.start()

    def _drop(self, camera_id: int) -> None:
        feed = self._feeds.pop(camera_id)
        feed.stop()
        self._leaving.append(feed)
        self.live.close(camera_id)
        if not Camera.objects.streaming().filter(pk=camera_id).exists():
            set_status(camera_id, Camera.Status.OFF, reasons.DISABLED)

    def _heal(self) -> None:
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
                self._unwritten.append(self._news.get(timeout=min(left, 0.2)))
            except queue.Empty:
                continue
            try:
                self._write_news()
            except DatabaseError as error:
                logger.error("the database does not answer: %s", error)
                connection.close()
                self._stop.wait(until - time.monotonic())
                return

    def _write_news(self) -> None:
        """Write down what happened, in order. What could not be written stays."""
        while not self._news.empty():
            self._unwritten.append(self._news.get())
        while self._unwritten:
            self._write(self._unwritten[0])
            self._unwritten.pop(0)

    def _write(self, news: object) -> None:
        if isinstance(news, Opened):
            self._write_opened(news)
        elif isinstance(news, Closed):
            self._write_closed(news)
        elif isinstance(news, Status) and news.camera_id in self._feeds:
            set_status(news.camera_id, news.status, news.reason)

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
        stuck = [f.camera_id for f in (*self._feeds.values(), *self._leaving) if not f.join(until - time.monotonic())]
        if stuck:
            logger.warning("cameras %s did not let go; their segments are healed later", stuck)
        self.live.stop()
        self._syncer.stop()
        try:
            self._write_news()
            Recorder.objects.filter(pk=self.id).delete()
        except DatabaseError as error:
            logger.error("the database does not answer: %s", error)
        finally:
            connection.close()
