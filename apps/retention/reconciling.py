"""Comparing the index with what is really there, on this disk and in the object store, both ways.

Nothing is trusted: names are read as names, links are not followed, and what is not ours is only told. What is mended:

    adopted    A file that is a recording, but has no row, gets one.
    forgotten  A row whose file is gone. It is told and put on record: this video is lost.
    removed    A file without a row whose days are over, or whose hold has ended; an object without a row.

When more than a fifth of the rows, or of the files, would go, nothing is done: then the disk is not mounted, or the
database is an old one, and mending would destroy what could still be saved.
"""

import errno
import logging
import os
import stat
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.agencies.models import User
from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.retention.models import Hold
from apps.video import healing, storage
from apps.video.models import HeldSegment, PurgeMark, Segment, Store
from apps.video.recording import path_of, start_of, sync_directory

logger = logging.getLogger(__name__)

MOST = 0.2
# A file is written before its row; a copy too.
YOUNG_SECONDS = 900
SHOWN = 20


class Kind(StrEnum):
    ORPHAN = "file without a row: a recording"
    OVER = "file without a row: its days, or its hold, are over"
    LOST = "row without a file"
    SIZE = "file of another size than its row says"
    FOREIGN = "not ours"
    FOREIGN_OBJECT = "not ours, in the object store"
    HELD_LOST = "held copy without a file"
    HELD_ORPHAN = "file of a hold without a row"
    OBJECT_LOST = "row without an object"
    OBJECT_OVER = "object without a row"


FORGOTTEN = {Kind.LOST, Kind.OBJECT_LOST}
REMOVED = {Kind.OVER, Kind.OBJECT_OVER}


@dataclass(frozen=True)
class Difference:
    kind: Kind
    path: str
    camera_id: int = 0
    started_at: datetime | None = None

    def __str__(self):
        # A name may hold any bytes.
        return f"{self.kind}: {self.path.encode(errors='backslashreplace').decode()}"


@dataclass
class Survey:
    """How much there is, how much of it differs, and some of what does."""

    rows: int = 0
    files: int = 0
    counts: Counter = field(default_factory=Counter)
    shown: dict[Kind, list[Difference]] = field(default_factory=lambda: defaultdict(list))

    def add(self, found: Difference) -> None:
        self.counts[found.kind] += 1
        if len(self.shown[found.kind]) < SHOWN:
            self.shown[found.kind].append(found)

    @property
    def going(self) -> int:
        return sum(self.counts[kind] for kind in FORGOTTEN | REMOVED)

    @property
    def share(self) -> float:
        """The larger part that would go: of all rows, or of all files and objects."""
        rows = sum(self.counts[kind] for kind in FORGOTTEN) / max(1, self.rows)
        return max(rows, sum(self.counts[kind] for kind in REMOVED) / max(1, self.files))


class TooMuch(Exception):
    """More than a fifth would go. The message says how much."""


def survey() -> Survey:
    """Look at everything; change nothing."""
    found = Survey()
    for difference in differences(found):
        found.add(difference)
    return found


def tell(found: Survey) -> None:
    """Put what differs on record, and tell the centre; nothing when nothing does."""
    if not found.counts:
        return
    counts = {kind.name.lower(): number for kind, number in sorted(found.counts.items())}
    with transaction.atomic():
        record("storage.differs", rows=found.rows, files=found.files, **counts)
        publish([Event(kind="storage.differs", object_id=0, detail=counts)])


def mend(found: Survey, *, confirmed_by: User | None = None, reason: str = "") -> Counter:
    """Mend what `survey` found; how many of each kind were. Raises TooMuch unless a person answers for it by name."""
    if found.share > MOST:
        if confirmed_by is None or not reason.strip():
            raise TooMuch(f"{found.share:.0%} ({found.going}) would go")
        record("storage.mended_beyond_limit", actor=confirmed_by, reason=reason, share=round(found.share, 3))
    most, mended, lost = found.going, Counter(), []
    for difference in differences(Survey()):
        if sum(mended[kind] for kind in FORGOTTEN | REMOVED) >= most and difference.kind in FORGOTTEN | REMOVED:
            continue
        if difference.kind in MENDERS and MENDERS[difference.kind](difference):
            mended[difference.kind] += 1
            lost += [difference] if difference.kind in FORGOTTEN else []
    _put_on_record(mended, lost, confirmed_by)
    return mended


def _put_on_record(mended: Counter, lost: list[Difference], by: User | None) -> None:
    by_camera = defaultdict(list)
    for difference in lost:
        by_camera[difference.camera_id].append(difference.started_at)
    for camera in Camera.objects.filter(pk__in=by_camera):
        times = by_camera[camera.pk]
        since, until = min(times).isoformat(), max(times).isoformat()
        record("video.lost", actor=by, target=camera, segments=len(times), since=since, until=until)
    if mended:
        record("storage.mended", actor=by, **{kind.name.lower(): number for kind, number in sorted(mended.items())})


# --- looking ---


def differences(seen: Survey) -> Iterator[Difference]:
    """Everything that differs, camera by camera; counts into `seen` how much was looked at."""
    cameras = set(Camera.objects.values_list("pk", flat=True))
    folders = set()
    for entry in _entries(settings.VIDEO_ROOT):
        if entry.name.startswith("."):
            # Workshops of the city's own: cache, clips being cut. Holds are looked at below.
            continue
        if _is_camera(entry, cameras):
            folders.add(int(entry.name))
        else:
            yield Difference(Kind.FOREIGN, entry.name)
    if storage.has_object_store():
        ours = {storage.HELD, *map(str, cameras)}
        yield from (Difference(Kind.FOREIGN_OBJECT, name) for name in storage.stored_folders() if name not in ours)
    for camera_id in sorted(cameras):
        rows = {row.started_at: row for row in Segment.objects.on_disk().filter(camera=camera_id)}
        seen.rows += len(rows)
        yield from _of_camera(camera_id, rows, seen, has_folder=camera_id in folders)
        if storage.has_object_store():
            yield from _of_objects(camera_id, rows, seen)
    yield from _of_holds(seen)


def _entries(folder: Path) -> list[os.DirEntry]:
    """What is in a folder, in order of name; nothing when there is no such folder."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError:
        return []


def _is_camera(entry: os.DirEntry, cameras: set[int]) -> bool:
    name = entry.name
    return (
        name.isascii()
        and name.isdecimal()
        and len(name) < 19
        and str(int(name)) == name
        and int(name) in cameras
        and entry.is_dir(follow_symlinks=False)
    )


def _of_camera(
    camera_id: int, rows: dict[datetime, Segment], seen: Survey, *, has_folder: bool
) -> Iterator[Difference]:
    over = _over(camera_id)
    here = set()
    for folder in _entries(settings.VIDEO_ROOT / str(camera_id)) if has_folder else ():
        if not folder.is_dir(follow_symlinks=False):
            yield Difference(Kind.FOREIGN, f"{camera_id}/{folder.name}")
            continue
        for entry in _entries(Path(folder.path)):
            path, started = f"{camera_id}/{folder.name}/{entry.name}", _start_of(entry, folder.name)
            found = started and _stat(entry)
            if not found:
                yield Difference(Kind.FOREIGN, path)
                continue
            seen.files += 1
            here.add(started)
            row = rows.get(started)
            if row is None:
                if _is_settled(found):
                    yield Difference(Kind.OVER if started < over else Kind.ORPHAN, path, camera_id, started)
            elif row.state == Segment.State.CLOSED and row.bytes != found.st_size:
                yield Difference(Kind.SIZE, path, camera_id, started)
    for started, row in rows.items():
        if row.state == Segment.State.CLOSED and row.store != Store.OBJECTS and started not in here:
            yield Difference(Kind.LOST, row.path, camera_id, started)


def _over(camera_id: int) -> datetime:
    """What began before this is over, whether by days or by a purge that went further."""
    days = Camera.objects.values_list("retention_days", flat=True).get(pk=camera_id)
    marked = PurgeMark.objects.filter(camera=camera_id).values_list("until", flat=True).first()
    # A day more: what began before the limit may have ended after it.
    by_days = timezone.now() - timedelta(days=days + 1)
    return max(by_days, marked - timedelta(days=1)) if marked else by_days


def _start_of(entry: os.DirEntry, day: str) -> datetime | None:
    try:
        return start_of(Path(day, entry.name))
    except ValueError:
        return None


def _stat(entry: os.DirEntry) -> os.stat_result | None:
    """Of an ordinary file; None for anything else, and for what has just gone."""
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _is_settled(found: os.stat_result) -> bool:
    return time.time() - found.st_mtime > YOUNG_SECONDS


def _of_objects(camera_id: int, rows: dict[datetime, Segment], seen: Survey) -> Iterator[Difference]:
    """An object whose row is still only here was just uploaded, or will be again: that is no difference."""
    there = set()
    for path, _size in storage.stored_objects(f"{camera_id}/"):
        seen.files += 1
        try:
            started = start_of(Path(path))
        except ValueError:
            started = None
        if started is None or path_of(camera_id, started) != Path(path):
            yield Difference(Kind.FOREIGN_OBJECT, path)
            continue
        there.add(started)
        if started not in rows and not Segment.objects.filter(camera=camera_id, started_at=started).exists():
            yield Difference(Kind.OBJECT_OVER, path, camera_id, started)
    for started, row in rows.items():
        if row.store == Store.OBJECTS and started not in there:
            yield Difference(Kind.OBJECT_LOST, row.path, camera_id, started)


def _of_holds(seen: Survey) -> Iterator[Difference]:
    rows = {row.path: row for row in HeldSegment.objects.all()}
    seen.rows += len(rows)
    ended = {str(pk) for pk in Hold.objects.exclude(ended_at=None).values_list("pk", flat=True)}
    here, stored = set(), set()
    # Links are not followed, so nothing outside is reached.
    for folder, _folders, names in os.walk(settings.VIDEO_ROOT / storage.HELD):
        for name in names:
            path = str(Path(folder, name).relative_to(settings.VIDEO_ROOT))
            here.add(path)
            seen.files += 1
            found = Path(folder, name).lstat()
            if not stat.S_ISREG(found.st_mode):
                yield Difference(Kind.FOREIGN, path)
            elif path not in rows and _is_settled(found):
                yield Difference(Kind.OVER if _is_over(path, ended) else Kind.HELD_ORPHAN, path)
    if storage.has_object_store():
        stored = {path for path, _size in storage.stored_objects(f"{storage.HELD}/")}
        seen.files += len(stored)
        # What was just copied for a hold in force has no row yet.
        over = (path for path in sorted(stored - rows.keys()) if _is_over(path, ended))
        yield from (Difference(Kind.OBJECT_OVER, path) for path in over)
    for path, row in rows.items():
        if path not in (stored if row.store == Store.OBJECTS else here):
            yield Difference(Kind.HELD_LOST, path, row.camera_id, row.started_at)


def _is_over(path: str, ended: set[str]) -> bool:
    """Whether a path below `.holds` is wanted no more. A hold that nobody knows may have been lost with its row."""
    return path.split("/")[1] in ended or path.endswith(".part")


# --- mending ---


def _adopt(orphan: Difference) -> bool:
    return healing.adopt_file(orphan.camera_id, orphan.path)


def _remove(difference: Difference) -> bool:
    file = settings.VIDEO_ROOT / difference.path
    try:
        file.unlink()
        sync_directory(file.parent)
    except OSError as error:
        if error.errno != errno.ENOENT:
            logger.error("%s cannot be removed: %s", difference, error)
        return False
    return True


def _remove_object(difference: Difference) -> bool:
    storage.remove_object(difference.path)
    return True


def _forget(difference: Difference) -> bool:
    """Forget a row whose file is gone, if that is so still."""
    row = Segment.objects.on_disk().filter(camera=difference.camera_id, started_at=difference.started_at).first()
    if row is None or storage.exists(row):
        return False
    Segment.objects.filter(pk=row.pk).delete()
    return True


MENDERS = {
    Kind.ORPHAN: _adopt,
    Kind.OVER: _remove,
    Kind.LOST: _forget,
    Kind.OBJECT_LOST: _forget,
    Kind.OBJECT_OVER: _remove_object,
}
