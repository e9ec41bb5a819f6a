"""Making a clip of the recorded segments: the first picture is exactly the one asked for, and the file is sealed."""

import contextlib
import errno
import itertools
import logging
import math
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import wait
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from apps.audit.actions import record
from apps.video import coding, joining, reasons, seal, signing, storage
from apps.video.coding import Failed, Work
from apps.video.joining import Joined
from apps.video.locks import only_one
from apps.video.models import Clip, Segment, recorded
from apps.video.nal import BadStream
from apps.video.parts import Part, change_of_format, comparing, digest_of, fingerprint, gaps, part_of
from apps.video.recording import sync_directory

logger = logging.getLogger(__name__)

# A clip whose workers died this often is poison, and not bad luck.
MOST_ATTEMPTS = 5
FLUSH_SECONDS = 4.0
# How soon a cancelled clip's worker hears of it.
TOUCH_EVERY_SECONDS = 0.5
# What a clip leaves free on the disk: recording comes first.
RESERVE_BYTES = 1 << 30
QUEUE_LOCK = 4_711_014  # any constant: names the queue of clips among Postgres' advisory locks
RESTORE_LOCK = 4_711_018  # and this the look at those that a power cut may have taken


class Lost(Exception):
    """Somebody else makes this clip by now, or it was cancelled or destroyed."""


def claim_next() -> Clip | None:
    """Take the clip whose turn it is, unless as many as allowed are being made."""
    now, token = timezone.now(), uuid.uuid4()
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("select pg_advisory_xact_lock(%s)", [QUEUE_LOCK])
        if Clip.objects.in_work(now).count() >= settings.CLIPS_AT_ONCE:
            return None
        waiting = Clip.objects.waiting(now)
        if _no_room_for_viewing(now):
            waiting = waiting.filter(kind=Clip.Kind.EVIDENCE)
        chosen = waiting.values_list("pk", flat=True).first()
        work = {"state": Clip.State.CUTTING, "claim": token, "touched_at": now, "progress": 0}
        Clip.objects.filter(pk=chosen).update(**work, attempts=F("attempts") + 1)
    return Clip.objects.select_related("camera").filter(pk=chosen, claim=token).first()


def _no_room_for_viewing(now: datetime) -> bool:
    """Viewing copies take minutes of a processor: one place, if there are more, is left to evidence."""
    viewing = Clip.objects.in_work(now).filter(kind=Clip.Kind.VIEWING).count()
    return viewing >= max(1, settings.CLIPS_AT_ONCE - 1)


def cut(clip: Clip) -> None:
    """Make a claimed clip. Killed at any point, it leaves nothing that the next attempt does not clear."""
    job = _Job(clip)
    try:
        job.run()
    except Lost:
        logger.info("clip %s is in other hands, or not wanted any more", clip.pk)
    finally:
        job.clear()


class _Job:
    def __init__(self, clip: Clip):
        self.clip = clip
        self._touched = time.monotonic()
        self._desk = settings.VIDEO_ROOT / ".cuts" / f"{clip.pk}-{clip.claim}"
        self._target = clip.folder / f"{clip.pk}-{str(clip.claim)[:8]}.mp4"
        self._draft = self._target.with_suffix(".part")
        self._changes_at: datetime | None = None
        self._damaged: list[Part] = []

    # --- the row ---

    def settle(self, *, claim: uuid.UUID | None = None, **fields) -> None:
        """Write the end of the work, if the clip is still ours; whose `claim` stays has yet to be brought to disk."""
        mine = Clip.objects.filter(pk=self.clip.pk, claim=self.clip.claim, state=Clip.State.CUTTING)
        with transaction.atomic():
            if not mine.update(claim=claim, finished_at=timezone.now(), **fields):
                raise Lost
            # In the chain of the audit the fingerprint is out of everybody's reach.
            told = {name: fields[name] for name in ("error", "sha256", "bytes") if name in fields}
            record(f"clip.{fields['state']}", target=self.clip, **told)
        self._sweep(keep=fields.get("path"))

    def _sweep(self, *, keep: str | None) -> None:
        """Remove what earlier attempts, broken off between renaming and settling, left beside the clip."""
        for file in self.clip.files():
            if keep is None or file.name != Path(keep).name:
                file.unlink(missing_ok=True)

    def touch(self, progress: int | None = None) -> None:
        """Say that somebody is at work, and hear whether the clip is still wanted."""
        if time.monotonic() - self._touched < TOUCH_EVERY_SECONDS:
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
            self.settle(state=Clip.State.FAILED, error=str(error), changes_at=self._changes_at)
        except OSError as error:
            # Whoever destroys a clip takes its draft too: then it is Lost, and nothing is wrong.
            self._touched = -math.inf
            self.touch()
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            self.settle(state=Clip.State.FAILED, error=reasons.NO_ROOM)

    def _make(self) -> None:
        for desk in self._desk.parent.glob(f"{self.clip.pk}-*"):
            shutil.rmtree(desk, ignore_errors=True)
        self._desk.mkdir(parents=True)
        self._target.parent.mkdir(parents=True, exist_ok=True)
        self._wait_for_the_disk()
        parts = list(self._parts())
        while damaged := self._make_of(parts):
            self._damaged += damaged
            parts = [part for part in parts if part not in damaged]

    def _make_of(self, parts: list[Part]) -> list[Part]:
        """Make the clip of these parts; instead, those whose recording is not what was recorded any more."""
        if not parts:
            raise Failed(reasons.LOST if self.clip.manifest else reasons.NOT_RECORDED)
        self._refuse_what_one_file_cannot_hold(parts)
        self._leave_room(parts)
        starts_at = parts[0].first_picture(self.clip.starts_at)
        with comparing(parts) as compared:
            joined = self._produce(parts, starts_at)
            while not wait([compared], TOUCH_EVERY_SECONDS).done:
                self.touch()
        damaged = compared.result()
        for part in damaged:
            logger.error("segment %s is not what was recorded", part.segment.path)
            record("video.damaged", target=self.clip.camera, path=part.segment.path, sha256=part.sha256)
        if not damaged:
            self._publish(parts, starts_at, joined)
        return damaged

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
                part = part_of(segment, self._desk, clip.starts_at, clip.ends_at, reach=self._reach(segment))
            except (FileNotFoundError, storage.Damaged, BadStream):
                logger.warning("segment %s is gone or cannot be read", segment.path)
                continue
            if part:
                yield part

    def _reach(self, segment: Segment) -> float:
        """How many bytes of a recording may be in the clip: all, or of a lost one those that it was made of."""
        if not self.clip.manifest:
            return math.inf
        sources = {_name(source["segment"]): source["bytes"] for source in self.clip.manifest["sources"]}
        return sources.get(_name(segment.path), 0)

    def _refuse_what_one_file_cannot_hold(self, parts: list[Part]) -> None:
        """Evidence holds one format; a viewing copy is coded anew and minds the codec only. Says where it changes."""
        counts = 4 if self.clip.kind == Clip.Kind.EVIDENCE else 1
        self._changes_at = change_of_format(parts, counts)
        if self._changes_at:
            raise Failed(reasons.FORMAT_CHANGES)

    def _leave_room(self, parts: list[Part]) -> None:
        wanted = sum(fragment.size for part in parts for fragment in part.fragments)
        if shutil.disk_usage(self._target.parent).free - wanted < RESERVE_BYTES:
            raise Failed(reasons.NO_ROOM)

    def _produce(self, parts: list[Part], starts_at: datetime) -> Joined | None:
        """Write the draft; what is known of its bytes already."""
        clip, segment = self.clip, parts[0].segment
        if clip.kind == Clip.Kind.EVIDENCE:
            return joining.join(
                parts,
                self._draft,
                starts_at=starts_at,
                ends_at=clip.ends_at,
                size=(segment.width, segment.height),
                number=str(clip.pk),
                touch=self.touch,
            )
        listing = self._desk / "parts.txt"
        listing.write_text(_listing(parts))
        work = Work(
            listing=listing,
            target=self._draft,
            begins=parts[0].begins,
            hidden=(starts_at - parts[0].begins).total_seconds(),
            length=(min(clip.ends_at, parts[-1].ends) - starts_at).total_seconds(),
            number=str(clip.pk),
            touch=self.touch,
        )
        coding.code(work, size=_even(segment.width, segment.height), lines=clip.note["burned_in"])
        return None

    def _publish(self, parts: list[Part], starts_at: datetime, joined: Joined | None) -> None:
        manifest = self._seal(parts, starts_at, joined)
        fields = {name: manifest[name] for name in ("sources", "gaps", "sha256", "bytes")} | {"manifest": manifest}
        # Coded anew, a viewing copy would be another file: the disk has it before anybody else.
        later = self.clip.kind == Clip.Kind.EVIDENCE
        if not later:
            bring_to_disk(self._target)
        claim = self.clip.claim if later else None
        fields["path"] = str(self._target.relative_to(settings.CLIP_ROOT))
        try:
            self.settle(state=Clip.State.READY, claim=claim, progress=100, **fields)
        except Lost:
            self._target.unlink(missing_ok=True)
            raise
        if later:
            with contextlib.suppress(FileNotFoundError):  # destroyed by now
                bring_to_disk(self._target)
            Clip.objects.filter(pk=self.clip.pk, claim=claim).update(claim=None)

    def _seal(self, parts: list[Part], starts_at: datetime, joined: Joined | None) -> dict:
        """Seal the file and give it its name; return its signed manifest.

        The seal, which travels with the file, tells of the recording. The manifest tells the recipient the rest. A clip
        that was lost gets the seal that it had, and has to become the same file.
        """
        made = self.clip.manifest
        try:
            with self._draft.open("r+b") as file:
                digest, size = (joined.digest, joined.bytes) if joined else digest_of(file.fileno(), self.touch)
                content = {"sha256": digest.hexdigest(), "bytes": size}
                signed = _in_seal(made) if made else signing.sign(self._facts(parts, starts_at) | {"content": content})
                box = seal.sealed(signed)
                digest.update(box)
                file.seek(0, os.SEEK_END)
                file.write(box)
            whole = {"sha256": digest.hexdigest(), "bytes": size + len(box), "note": self.clip.note}
            manifest = made or signing.sign({**signed, **whole, "seal": signed["signature"]})
        except signing.OutOfUse as error:
            raise Failed(reasons.KEY_OUT_OF_USE) from error
        if manifest["sha256"] != whole["sha256"]:
            raise Failed(reasons.LOST)
        self._draft.rename(self._target)
        return manifest

    def _facts(self, parts: list[Part], first_picture: datetime) -> dict:
        """What the clip is: of the recording, and its line in the register; of no person."""
        clip = self.clip
        times = {"from": clip.starts_at, "to": clip.ends_at, "first_picture": first_picture, "made_at": timezone.now()}
        missing = gaps(parts, clip.starts_at, clip.ends_at)
        return {
            "version": 2,
            "clip": str(clip.pk),
            "kind": clip.kind,
            "camera": clip.camera.number,
            "ledger_number": clip.note.get("ledger_number"),
            "time_zone": settings.TIME_ZONE,
            **{name: _utc(at) for name, at in times.items()},
            **{f"{name}_local": _local(at) for name, at in times.items()},
            "sources": [{"segment": p.segment.path, "sha256": p.sha256, "bytes": p.bytes} for p in parts],
            "gaps": [{"from": _utc(start), "to": _utc(end)} for start, end in missing],
            "damaged": [part.segment.path for part in self._damaged],
        }


def _in_seal(manifest: dict) -> dict:
    """The document in the seal of the clip that has this manifest."""
    signed = {name: value for name, value in manifest.items() if name not in ("sha256", "bytes", "note", "seal")}
    return signed | {"signature": manifest["seal"]}


def bring_to_disk(file: Path) -> None:
    """Make a clip survive a power cut. Nobody waits for evidence here: what the disk loses before is made again."""
    with storage.opened(file) as fd:
        os.fsync(fd)
    for folder in (file.parent, file.parent.parent):
        sync_directory(folder)


def restore_lost(now: datetime) -> None:
    """Look at the clips whose worker died before they were on disk; those that are not whole are made again."""
    with only_one(RESTORE_LOCK) as is_ours:
        for clip in Clip.objects.unsaved(now) if is_ours else ():
            try:
                _settle_doubt(clip, is_saved=_is_saved(clip))
            except OSError as error:
                logger.error("clip %s cannot be looked at: %s", clip.pk, error)


def _settle_doubt(clip: Clip, *, is_saved: bool) -> None:
    mine = Clip.objects.filter(pk=clip.pk, claim=clip.claim)
    if is_saved:
        mine.update(claim=None)
        return
    with transaction.atomic():
        if mine.update(state=Clip.State.QUEUED, claim=None, finished_at=None, progress=0, path=""):
            record("clip.lost", target=clip, sha256=clip.sha256)


def _is_saved(clip: Clip) -> bool:
    """Whether the disk has the clip whole. OSError when that cannot be known."""
    try:
        bring_to_disk(clip.file)
        with storage.opened(clip.file) as fd:
            # After a write that failed, memory shows what was meant, and not what the disk has.
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            return fingerprint(fd, clip.bytes) == clip.sha256
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.EIO):
            raise
        logger.warning("clip %s is not on disk: %s", clip.pk, error)
        return False


def sweep_scraps(now: datetime) -> None:
    """Remove what workers that died left of clips that nobody makes any more: no recording outlives its time here."""
    desks = list((settings.VIDEO_ROOT / ".cuts").glob("*"))
    in_hands = {f"{pk}-{claim}" for pk, claim in Clip.objects.unfinished().values_list("pk", "claim")}
    for desk in desks:
        if desk.name not in in_hands:
            shutil.rmtree(desk, ignore_errors=True)
    unwanted = [Clip.State.CANCELLED, Clip.State.DESTROYED, Clip.State.FAILED]
    for clip in Clip.objects.filter(state__in=unwanted, path="", finished_at__gt=now - timedelta(hours=1)):
        for file in clip.files():
            file.unlink(missing_ok=True)


def _listing(parts: list[Part]) -> str:
    """The parts as ffmpeg's concat reads them. Where nothing was recorded time goes on, so the clip's clock is true."""
    lines = ["ffconcat version 1.0"]
    for part, after in itertools.zip_longest(parts, parts[1:]):
        lines.append(f"file {part.alone().name}")
        if after:
            lines.append(f"duration {(after.begins - part.begins).total_seconds():.6f}")
    return "\n".join(lines) + "\n"


def _even(width: int, height: int) -> tuple[int, int]:
    """H.264 in its common form has no odd sizes."""
    return width // 2 * 2, height // 2 * 2


def _local(at: datetime) -> str:
    return at.astimezone(ZoneInfo(settings.TIME_ZONE)).isoformat(timespec="milliseconds")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _name(path: str) -> str:
    """Camera, day and start: a recording keeps it where only a hold has it any more."""
    return "/".join(path.split("/")[-3:])
