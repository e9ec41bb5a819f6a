"""One camera: pull its stream, record it, show it live. A thread of its own, so that none waits for another."""

import errno
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event, Thread

import av

from apps.video import reasons
from apps.video.channel import Channel
from apps.video.fmp4 import TIMESCALE, Sample, fragment_head
from apps.video.foreign import ForeignStream
from apps.video.media_clock import MediaClock, wall_offset
from apps.video.nal import H264, H265, BadStream, Track, track_from
from apps.video.network import Network, Stream
from apps.video.pulse import Pulse
from apps.video.recording import Recording
from apps.video.rtp import Shot, Unsupported
from apps.video.rtsp import Refused, Unusable

logger = logging.getLogger(__name__)

SEGMENT_SECONDS, SHORTEST_SECONDS = 60.0, 15.0
# Without a keyframe a segment cannot be cut; one longer than this is given up.
LONGEST_SEGMENT_SECONDS = 240.0
# With the lots of `network` and the sync to disk of `recorder`, a power cut loses less than the last second.
FRAGMENT_TICKS = TIMESCALE // 3
OPEN_SECONDS, READ_SECONDS, KEYFRAME_SECONDS = 6.0, 5.0, 10.0
# A date that moved further than this against the camera's steps was set, and does not merely drift: forward, the
# recording has a gap; back by at most SET_BACK, its order is kept and a tenth of each segment's length is caught up.
CLOCK_JUMP, SET_BACK, CATCH_UP = 2.0, 60.0, 0.1
# Neighbouring numbers fall far apart on the minute.
GOLDEN = 0.6180339887
BACK_OFF = (0.2, 1, 2, 4, 8, 15)
STEADY_SECONDS = 10.0
# Pictures that came incomplete are told to the log no more often.
LOST_EVERY = 60.0


@dataclass(frozen=True)
class Status:
    camera_id: int
    status: str
    reason: str = ""


@dataclass(frozen=True)
class Opened:
    camera_id: int
    session: int
    recording: Recording


@dataclass(frozen=True)
class Closed:
    recording: Recording
    ended: float


def why(error: Exception, *, connected: bool, seconds: float = 0.0) -> str:
    """What `error` of a stream, `seconds` after the start, means to the people in the control room."""
    if isinstance(error, Unusable):
        return str(error)
    if isinstance(error, Refused) and error.status < 500:
        return reasons.PASSWORD if error.status in (401, 403) else reasons.NO_SUCH_STREAM
    if not connected and seconds >= OPEN_SECONDS:
        return reasons.NO_ANSWER  # libav may call a connection it gave up invalid data
    for kinds, reason in (
        ((av.HTTPUnauthorizedError, av.HTTPForbiddenError), reasons.PASSWORD),
        (av.HTTPClientError, reasons.NO_SUCH_STREAM),
        (ConnectionRefusedError, reasons.REFUSED),
        ((TimeoutError, av.ExitError), reasons.STALLED if connected else reasons.NO_ANSWER),
        ((EOFError, ConnectionError, BrokenPipeError), reasons.ENDED if connected else reasons.UNREACHABLE),
        ((av.InvalidDataError, BadStream, ValueError), reasons.GARBAGE),
    ):
        if isinstance(error, kinds):
            return reason
    return reasons.ENDED if connected else reasons.UNREACHABLE


def storage_reason(error: OSError) -> str:
    """What the disk's refusal means to the people in the control room."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return reasons.DISK_FULL
    return reasons.DISK_READ_ONLY if error.errno == errno.EROFS else reasons.STORAGE


def next_cut(camera_id: int, started: float) -> float:
    """When (Unix s) a segment begun at `started` shall end.

    Each camera has its own second of the minute, so that files are not made, closed and brought to disk in waves.
    """
    phase = camera_id * GOLDEN % 1 * SEGMENT_SECONDS
    cut = started - (started - phase) % SEGMENT_SECONDS + SEGMENT_SECONDS
    return cut if cut - started >= SHORTEST_SECONDS else cut + SEGMENT_SECONDS


def check(track: Track, picture: bytes) -> None:
    """Refuse a stream whose first picture no decoder would take: random bytes can look like video for long."""
    decoder = av.CodecContext.create("hevc" if track.codec == H265 else "h264", "r")
    decoder.extradata = track.configuration()
    decoder.thread_count = 1
    decoder.options = {"err_detect": "explode"}
    try:
        seen = decoder.decode(av.Packet(picture)) or decoder.decode(None)
    except av.FFmpegError:
        seen = []
    if not seen:
        raise Unusable(reasons.GARBAGE)


class Feed:
    """Keeps one camera recorded until told to stop. What happens is told through `tell`, never waited for."""

    def __init__(
        self,
        camera_id: int,
        url: str,
        *,
        root: Path,
        channel: Channel,
        tell: Callable[[object], None],
        pulse: Pulse | None = None,
        network: Network | None = None,
        recorded_until: float = 0.0,
    ):
        """`recorded_until` (Unix s): whatever the clock says, nothing is filed before it."""
        self.camera_id, self.url = camera_id, url
        self._root, self._channel, self._tell = root, channel, tell
        self.pulse = pulse or Pulse()
        self._network = network or Network()
        self._is_foreign = False
        self._stop = Event()
        self._drops: deque[float] = deque(maxlen=3)
        self._thread = Thread(target=self._run, name=f"camera-{camera_id}", daemon=True)
        self._last_end = recorded_until
        self._said = ""
        # For the watchdog; seconds of the monotonic clock.
        self.pictured_at = float("-inf")
        self.writing_since: float | None = None
        self.recording: Recording | None = None
        self.storage_trouble: OSError | None = None
        self._begin_anew = Event()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()

    def join(self, seconds: float) -> bool:
        self._thread.join(max(0.0, seconds))
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def begin_anew(self) -> None:
        """Give up the file that is being written, at the next keyframe."""
        self._begin_anew.set()

    # --- the thread ---

    def _run(self) -> None:
        failures = 0
        while not self._stop.is_set():
            if not self.pulse.is_steady:
                self._stop.wait(0.1)  # until it is known whether this camera is still ours
                continue
            session, error = _Session(self), None
            try:
                session.run()
            except Unsupported as caught:
                logger.info("camera %s is left to libav: %s", self.camera_id, caught)
                self._is_foreign = True
                continue
            except (av.FFmpegError, OSError, EOFError, ValueError, Unusable, Refused) as caught:
                error = caught
            finally:
                session.close()
            self._is_foreign = self._is_foreign and session.recorded
            if error:
                self._failed(error, session)
            failures = 0 if session.recorded else failures + 1
            if failures or session.seconds < STEADY_SECONDS:
                wait = BACK_OFF[min(max(1, failures), len(BACK_OFF) - 1)]
            else:
                wait = BACK_OFF[0]
            self._stop.wait(wait * random.uniform(0.7, 1.3))  # noqa: S311 - spreads reconnections, no secret

    def source(self) -> Stream | ForeignStream:
        """A new connection to the camera."""
        if self._is_foreign:
            return ForeignStream(self.url, OPEN_SECONDS, READ_SECONDS)
        return self._network.open(self.url, OPEN_SECONDS, READ_SECONDS, lambda: bool(self._channel.viewers))

    def _failed(self, error: Exception, session: "_Session") -> None:
        reason = why(error, connected=session.connected, seconds=session.seconds)
        if reason != self._said:
            logger.info("camera %s: %s (%s: %s)", self.camera_id, reason, type(error).__name__, error)
        self._said = reason
        self._channel.down(reason)
        if session.recorded:
            self._drops.append(time.monotonic())
            if reason in (reasons.ENDED, reasons.PAUSED):
                return  # mended at once: it is told only when that fails, or when it happens again and again
        self._tell(Status(self.camera_id, "serious", reason))

    @property
    def unstable(self) -> bool:
        return len(self._drops) == self._drops.maxlen and time.monotonic() - self._drops[0] < 60

    # --- what a session tells ---

    def recording_began(self, session: int, recording: Recording) -> None:
        self._said, self.recording, self.storage_trouble = "", recording, None
        self._tell(Opened(self.camera_id, session, recording))
        self._tell(self.recorded_as)

    @property
    def recorded_as(self) -> Status:
        """The camera's status while its recording grows."""
        if self.unstable:
            return Status(self.camera_id, "caution", reasons.UNSTABLE)
        if self.recording and self.recording.track.codec == H265:
            return Status(self.camera_id, "caution", reasons.H265)
        return Status(self.camera_id, "normal")

    def storage_failed(self, error: OSError) -> None:
        logger.error("camera %s cannot be written: %s", self.camera_id, error)
        self.storage_trouble = error
        self._tell(Status(self.camera_id, "critical", storage_reason(error)))

    def recording_ended(self, recording: Recording, ended: float) -> None:
        self._last_end, self.recording = ended, None
        self._tell(Closed(recording, ended))


class _Session:
    """One connection to the camera."""

    def __init__(self, feed: Feed):
        self._feed = feed
        # Counted from 1970, so that media times never repeat from one connection to the next.
        self._clock = MediaClock(int(time.time()) * TIMESCALE)
        self._number = int(time.time() * 1000)
        self._track: Track | None = None
        self._codec = H264
        self._told_lost = float("-inf")
        self._recording: Recording | None = None
        self._pending: list[Sample] = []
        self._sequence = 0
        self._waits_for_key = True
        self._key_at = time.monotonic()
        self._origin: float | None = None
        self._cut_at = 0.0
        self._began = self._dated = time.monotonic()
        self._lapses = feed.pulse.lapses
        self._offset = wall_offset()
        self.connected = self.recorded = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def run(self) -> None:
        with closing(self._feed.source()) as source:
            self._begin(source.codec, source.sets)
            for shot in source:
                self.connected = True
                if self._feed._stop.is_set():
                    return
                self._take(shot)

    def _begin(self, codec: str, announced: tuple[bytes, ...]) -> None:
        self._codec = codec
        self._key_at = time.monotonic()
        try:
            self._learn(announced)
        except BadStream:
            logger.info("camera %s announces broken parameter sets", self._feed.camera_id)

    def _learn(self, found: tuple[bytes, ...]) -> None:
        """Parameter sets came: when they say something new, the next keyframe begins a new segment."""
        track = self._track.with_sets(found) if self._track else track_from(self._codec, found)
        if track is not self._track:
            self._track = track
            self._waits_for_key = True
            self._finish()

    def _take(self, shot: Shot) -> None:
        now, key = time.monotonic(), shot.key
        if self._feed.pulse.lapses != self._lapses or self._feed.pulse.is_late(now):
            raise Unusable(reasons.PAUSED)
        if shot.sets:
            self._learn(shot.sets)
        if not shot.data:
            return
        self._watch_for_keys(key, now)
        wall = shot.arrived + self._offset
        at = self._clock.place(shot.stamp, wall)
        if key or now - self._dated > 1:
            self._mind_the_dates(shot, now)
        if self._track is None or (self._waits_for_key and not key):
            return
        if shot.lost and self.recorded:
            self._lost(shot.lost, now)
        self._place(Sample(shot.data, at, self._clock.step, key, shot.offset), wall)
        self._feed.pictured_at = now

    def _lost(self, count: int, now: float) -> None:
        if now - self._told_lost > LOST_EVERY:
            self._told_lost = now
            logger.warning("camera %s: pictures came incomplete or too fast, %s at once", self._feed.camera_id, count)

    def _mind_the_dates(self, shot: Shot, now: float) -> None:
        """Once a second: was this machine's clock set, and what date has the camera?"""
        self._dated = now
        offset = wall_offset()
        self._clock.set_by(offset - self._offset)
        self._offset = offset
        self._clock.dated(shot.date)

    def _watch_for_keys(self, key: bool, now: float) -> None:
        if key:
            self._key_at = now
        elif now - self._key_at > (KEYFRAME_SECONDS if self._waits_for_key else LONGEST_SEGMENT_SECONDS):
            raise Unusable(reasons.NO_KEYFRAME)

    def _place(self, taken: Sample, wall: float) -> None:
        if self._waits_for_key:
            check(self._track, taken.data)
            self._waits_for_key = False
            self._feed._channel.begin(self._track)
        self._sequence += 1
        self._feed._channel.publish(fragment_head(self._sequence, [taken]), taken.data, taken.key, wall)
        self._record(taken)

    # --- the recording ---

    def _record(self, taken: Sample) -> None:
        if self._pending:
            last = self._pending[-1]
            last.duration = taken.at - last.at
            if taken.key or taken.at - self._pending[0].at >= FRAGMENT_TICKS:
                self._flush()
        if taken.key and self._recording and self._cut_is_due(taken.at):
            self._finish(taken.at)
        if self._recording or self._pending or taken.key:
            self._pending.append(taken)

    def _cut_is_due(self, at: int) -> bool:
        taken = self._origin + at / TIMESCALE
        return (
            taken >= self._cut_at
            or self._feed._begin_anew.is_set()
            or self._was_set(self._drift)
            or datetime.fromtimestamp(taken, UTC).date() != self._recording.started_at.date()
        )

    def _flush(self) -> None:
        """Write the waiting pictures as one fragment, into a new segment if none is open."""
        samples, self._pending = self._pending, []
        try:
            self._feed.writing_since = time.monotonic()
            opened = self._recording is None
            if opened:
                self._open(samples[0].at)
            self._recording.add(samples)
        except OSError as error:
            self._feed.storage_failed(error)
            self._finish()
            return
        finally:
            self._feed.writing_since = None
        if opened:
            self.recorded = True
            self._feed.recording_began(self._number, self._recording)

    def _open(self, at: int) -> None:
        """Begin a segment with the picture of tick `at`."""
        if self._origin is None:
            self._origin = self._clock.origin()
        # One camera never has two pictures for one moment: neither by a clock that was set back a little, nor
        # by one that differs from another host's. What was filed under a wholly wrong date must not drag the rest.
        started = self._origin + at / TIMESCALE
        if started < self._feed._last_end <= started + SET_BACK:
            started = self._feed._last_end
        self._origin = started - at / TIMESCALE
        self._cut_at = next_cut(self._feed.camera_id, started)
        self._clock.forget()
        self._feed._begin_anew.clear()
        self._recording = Recording(self._feed._root, self._feed.camera_id, self._track, started, at)

    def _finish(self, at: int | None = None) -> None:
        """Close the segment; `at` is the tick of the picture that begins the next, if one follows at once."""
        if self._pending:
            self._flush()
        recording, self._recording = self._recording, None
        if recording is None:
            return
        if not recording.has_pictures:
            recording.close()
            (self._feed._root / recording.path).unlink(missing_ok=True)
            return
        end_tick = recording.first_tick + recording.written_ticks if at is None else at
        ended = self._origin + end_tick / TIMESCALE
        self._feed.recording_ended(recording, ended + self._follow(ended - recording.started))

    @property
    def _drift(self) -> float:
        """Seconds by which the date of the pictures ran off the camera's steps since the segment began."""
        return self._clock.origin() - self._origin

    @staticmethod
    def _was_set(drift: float) -> bool:
        return drift > CLOCK_JUMP or drift < -SET_BACK

    def _follow(self, length: float) -> float:
        """By how many seconds the segment of `length` seconds must end later for the date to be right again."""
        drift = self._drift
        if self._was_set(drift):
            # Begin anew, and let the seam show.
            self._number = int(time.time() * 1000)
            self._origin = None
            return 0.0
        drift = max(drift, -length * CATCH_UP)
        self._origin += drift
        return drift

    def close(self) -> None:
        self._finish()
