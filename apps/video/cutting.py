"""Cutting a clip from the recorded segments: no re-encoding, and the first picture is exactly the one asked for."""

import hashlib
import logging
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Timer
from zoneinfo import ZoneInfo

import ffmpeg
from django.conf import settings
from django.db.models import F, Q
from django.utils import timezone

from apps.video import reasons, signing, storage
from apps.video.fmp4 import ROW, TIMESCALE, Fragment, fragments
from apps.video.models import Clip, Segment, recorded
from apps.video.nal import BadStream
from apps.video.playback import SEAM
from apps.video.recording import sync_directory

logger = logging.getLogger(__name__)

POLITE = ["nice", "-n", "10", "ionice", "-c", "3", "ffmpeg"]
# A clip whose workers died this often is poison, and not bad luck.
MOST_ATTEMPTS = 5
FLUSH_SECONDS = 4.0
# The edit list begins this much before the first picture, so that rounding never hides it. In ticks.
MARGIN = 3


class Lost(Exception):
    """Somebody else cuts this clip by now, or it was destroyed."""


class Failed(Exception):
    """The clip cannot be made; the message is one of `reasons`."""


@dataclass(frozen=True)
class Part:
    """What the clip takes from one segment: the file to read, the time of its first picture, its end."""

    segment: Segment
    file: Path
    begins: datetime
    ends: datetime
    sha256: str
    bytes: int


def claim(clip_id: str) -> Clip | None:
    """Take the clip, if it waits and nobody else is at work on it."""
    now = timezone.now()
    free = Q(state=Clip.State.QUEUED) | Q(state=Clip.State.CUTTING, touched_at__lt=now - Clip.PATIENCE)
    token = uuid.uuid4()
    taken = Clip.objects.filter(free, pk=clip_id).update(
        state=Clip.State.CUTTING, claim=token, touched_at=now, progress=0, attempts=F("attempts") + 1
    )
    return Clip.objects.select_related("camera").get(pk=clip_id, claim=token) if taken else None


def cut(clip: Clip) -> None:
    """Cut a claimed clip. Killed at any point, it leaves nothing that the next attempt does not clear."""
    job = _Job(clip)
    try:
        job.run()
    except Lost:
        logger.info("clip %s is in other hands", clip.pk)
    finally:
        job.clear()


class _Job:
    def __init__(self, clip: Clip):
        self.clip = clip
        self._touched = time.monotonic()
        self._desk = settings.VIDEO_ROOT / ".cuts" / f"{clip.pk}-{clip.claim}"
        self._path = Path(f"{clip.created_at:%Y%m}", f"{clip.pk}-{str(clip.claim)[:8]}.mp4")
        self._target = settings.CLIP_ROOT / self._path
        self._draft = self._target.with_suffix(".part")

    # --- the row ---

    def settle(self, **fields) -> None:
        """Write the end of the work, if the clip is still ours; then nobody works on it any more."""
        mine = Clip.objects.filter(pk=self.clip.pk, claim=self.clip.claim, state=Clip.State.CUTTING)
        if not mine.update(claim=None, finished_at=timezone.now(), **fields):
            raise Lost
        self._sweep(keep=fields.get("path"))

    def _sweep(self, *, keep: str | None) -> None:
        """Remove what earlier attempts, broken off between renaming and settling, left beside the clip."""
        for file in self._target.parent.glob(f"{self.clip.pk}-*"):
            if keep is None or file.name != Path(keep).name:
                file.unlink(missing_ok=True)

    def touch(self, progress: int | None = None) -> None:
        """Say that somebody is at work, at most once a second."""
        if time.monotonic() - self._touched < 1:
            return
        self._touched = time.monotonic()
        fields = {"touched_at": timezone.now()} | ({} if progress is None else {"progress": progress})
        if not Clip.objects.filter(pk=self.clip.pk, claim=self.clip.claim).update(**fields):
            raise Lost

    # --- the work ---

    def run(self) -> None:
        try:
            if self.clip.attempts > MOST_ATTEMPTS:
                raise Failed(reasons.GAVE_UP)
            self._make()
        except Failed as error:
            self.settle(state=Clip.State.FAILED, error=str(error))

    def _make(self) -> None:
        for desk in self._desk.parent.glob(f"{self.clip.pk}-*"):
            shutil.rmtree(desk, ignore_errors=True)
        self._desk.mkdir(parents=True)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._wait_for_the_disk()
        parts = list(self._parts())
        if not parts:
            raise Failed(reasons.NOT_RECORDED)
        starts_at = self._first_picture(parts[0])
        self._join(parts, starts_at)
        digest = self._finish_file()
        self._publish(parts, starts_at, digest)

    def clear(self) -> None:
        shutil.rmtree(self._desk, ignore_errors=True)
        self._draft.unlink(missing_ok=True)

    def _wait_for_the_disk(self) -> None:
        """The last second before now may not be written yet."""
        ready = self.clip.ends_at + timedelta(seconds=FLUSH_SECONDS)
        while timezone.now() < ready:
            self.touch()
            time.sleep(0.2)

    def _parts(self) -> Iterator[Part]:
        clip = self.clip
        for segment in recorded(clip.camera_id, clip.starts_at, clip.ends_at):
            self.touch()
            try:
                part = self._part(segment)
            except (FileNotFoundError, storage.Damaged, BadStream):
                logger.warning("segment %s is gone or cannot be read", segment.path)
                continue
            if part:
                yield part

    def _part(self, segment: Segment) -> Part | None:
        """The segment as it is when all of it is wanted, else a copy of its wanted fragments."""
        name = self._desk / f"{segment.start_ms}.mp4"
        source = storage.local_file(segment)
        with _opened(source) as fd:
            found = list(fragments(fd, segment.init_bytes))
            wanted = _wanted(segment, found, self.clip.starts_at, self.clip.ends_at)
            if not wanted:
                return None
            if len(wanted) == len(found) and segment.state == Segment.State.CLOSED:
                os.link(source, name)
            else:
                _copy(fd, segment.init_bytes, wanted, name)
            sha256, size = segment.sha256, segment.bytes
            if segment.state == Segment.State.RECORDING:
                sha256, size = _fingerprint(fd, found[-1].end), found[-1].end
        begins, ends = (_moment(segment, found, tick) for tick in (wanted[0].at, _end(wanted)))
        return Part(segment, name, begins, ends, sha256, size)

    def _first_picture(self, part: Part) -> datetime:
        """The time of the picture that was on screen at the start of the clip."""
        with _opened(part.file) as fd:
            whole = list(fragments(fd))
            shown = [tick - whole[0].at for fragment in whole for tick in _ticks(fd, fragment)]
        wanted = (self.clip.starts_at - part.begins).total_seconds() * TIMESCALE
        on_screen = max((tick for tick in shown if tick <= wanted), default=min(shown))
        return part.begins + timedelta(seconds=on_screen / TIMESCALE)

    def _join(self, parts: list[Part], starts_at: datetime) -> None:
        listing = self._desk / "parts.txt"
        lines = ["ffconcat version 1.0"]
        for part, after in zip(parts, [*parts[1:], None], strict=True):
            lines.append(f"file {part.file.name}")
            # Where nothing was recorded time goes on all the same, so the clip's clock stays true.
            if after:
                lines.append(f"duration {(after.begins - part.begins).total_seconds():.6f}")
        listing.write_text("\n".join(lines) + "\n")
        hidden = (starts_at - parts[0].begins).total_seconds() - MARGIN / TIMESCALE
        length = (min(self.clip.ends_at, parts[-1].ends) - starts_at).total_seconds()
        _run(self._command(listing, max(hidden, 0.0), length, parts[0].segment), length, self.touch)

    def _command(self, listing: Path, hidden: float, length: float, segment: Segment) -> list[str]:
        source = ffmpeg.input(str(listing), f="concat", safe=0, itsoffset=f"{-hidden:.6f}")
        options = {
            "c": "copy",
            "t": f"{length:.6f}",
            "avoid_negative_ts": "disabled",
            "video_track_timescale": TIMESCALE,
            "movie_timescale": TIMESCALE,
            "fflags": "+bitexact",
            "metadata:g:0": f"comment={self.clip.pk}",
            "metadata:g:1": f"creation_time={self.clip.starts_at.astimezone(UTC).isoformat()}",
            "f": "mp4",
        } | ({"tag:v": "hvc1"} if segment.codec.startswith("hvc1") else {})
        quiet = ["-nostdin", "-hide_banner", "-loglevel", "error", "-nostats", "-progress", "pipe:1"]
        output = source["v:0"].output(str(self._draft), **options).global_args(*quiet)
        return output.overwrite_output().compile(cmd=POLITE)

    def _finish_file(self) -> str:
        """Bring the file to disk under its name; return its SHA-256."""
        with _opened(self._draft) as fd:
            os.fsync(fd)
            digest = _fingerprint(fd, os.fstat(fd).st_size, self.touch)
        self._draft.rename(self._target)
        sync_directory(self._target.parent)
        return digest

    def _publish(self, parts: list[Part], starts_at: datetime, digest: str) -> None:
        clip = self.clip
        fields = {
            "sha256": digest,
            "bytes": self._target.stat().st_size,
            "sources": [{"segment": p.segment.path, "sha256": p.sha256, "bytes": p.bytes} for p in parts],
            "gaps": gaps(parts, clip.starts_at, clip.ends_at),
        }
        try:
            self.settle(
                state=Clip.State.READY,
                progress=100,
                path=str(self._path),
                manifest=signing.sign(_manifest(clip, starts_at, fields)),
                **fields,
            )
        except Lost:
            self._target.unlink(missing_ok=True)
            raise


def gaps(parts: list[Part], starts_at: datetime, ends_at: datetime) -> list[dict]:
    """Times within the clip of which there is no video."""
    found, reached = [], starts_at
    for begins, ends in [*((p.begins, p.ends) for p in parts), (ends_at, ends_at)]:
        if begins - reached > SEAM:
            found.append({"from": _utc(reached), "to": _utc(begins)})
        reached = max(reached, ends)
    return found


def _manifest(clip: Clip, first_picture: datetime, fields: dict) -> dict:
    zone = ZoneInfo(settings.TIME_ZONE)
    return {
        "version": 1,
        "clip": str(clip.pk),
        "camera": clip.camera.number,
        "from": _utc(clip.starts_at),
        "to": _utc(clip.ends_at),
        "first_picture": _utc(first_picture),
        "time_zone": settings.TIME_ZONE,
        "from_local": clip.starts_at.astimezone(zone).isoformat(timespec="milliseconds"),
        "to_local": clip.ends_at.astimezone(zone).isoformat(timespec="milliseconds"),
        "made_at": _utc(timezone.now()),
        "note": clip.note,
        **fields,
    }


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- files ---


@contextmanager
def _opened(file: Path) -> Iterator[int]:
    fd = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def _end(found: list[Fragment]) -> int:
    return found[-1].at + found[-1].duration


def _moment(segment: Segment, found: list[Fragment], tick: int) -> datetime:
    return segment.started_at + timedelta(seconds=(tick - found[0].at) / TIMESCALE)


def _wanted(segment: Segment, found: list[Fragment], start: datetime, end: datetime) -> list[Fragment]:
    """The fragments from the last keyframe at or before `start` up to `end`."""
    inside = [f for f in found if _moment(segment, found, f.at) < end]
    keys = [i for i, f in enumerate(inside) if f.key and _moment(segment, found, f.at) <= start]
    chosen = inside[keys[-1] :] if keys else inside
    return chosen if chosen and _moment(segment, found, _end(chosen)) > start else []


def _copy(fd: int, init_bytes: int, wanted: list[Fragment], target: Path) -> None:
    with target.open("xb") as out:
        out.write(os.pread(fd, init_bytes, 0))
        for fragment in wanted:
            out.write(os.pread(fd, fragment.size, fragment.start))


def _ticks(fd: int, fragment: Fragment) -> Iterator[int]:
    """When each picture of a fragment is shown."""
    at = fragment.at
    rows = os.pread(fd, fragment.samples * ROW.size, fragment.start + 88)
    for duration, _, _, offset in ROW.iter_unpack(rows):
        yield at + offset
        at += duration


def _fingerprint(fd: int, size: int, touch=lambda: None) -> str:
    digest, position = hashlib.sha256(), 0
    while position < size and (block := os.pread(fd, min(1 << 20, size - position), position)):
        digest.update(block)
        position += len(block)
        touch()
    return digest.hexdigest()


def _run(command: list[str], length: float, touch) -> None:
    """Run ffmpeg, passing on how far it is; kill it when it takes longer than any healthy run."""
    limit = 60 + length / 2
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:  # noqa: S603
        timer = Timer(limit, process.kill)
        timer.start()
        try:
            for line in process.stdout:
                touch(_percent(line, length))
            said = process.stderr.read()
            code = process.wait()
        except Lost:
            process.kill()
            raise
        finally:
            timer.cancel()
    if code:
        logger.error("ffmpeg ended with %s: %s", code, said.strip()[-500:])
        raise Failed(reasons.TOO_SLOW if code == -9 else reasons.NOT_CUT)


def _percent(line: str, length: float) -> int | None:
    name, _, value = line.strip().partition("=")
    if name != "out_time_us" or not value.lstrip("-").isdigit():
        return None
    return min(99, max(0, int(int(value) / 10_000 / length)))
