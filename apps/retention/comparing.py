"""What differs between the index and what is really there: a folder, the day of one camera, at a time.

Nothing is trusted: names are read as names, links are not followed, and what is not ours is only told. A day is
compared as a whole, names with sizes, and looked into only when that differs; so memory is a day of one camera,
and the names of its objects.
"""

import os
import stat
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from enum import StrEnum
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.cameras.models import Camera
from apps.retention.models import Hold
from apps.video import partitions, storage
from apps.video.fields import EPOCH
from apps.video.models import HeldSegment, PurgeMark, Segment, Store
from apps.video.recording import path_of, start_of

# A file is written before its row; a copy too.
YOUNG_SECONDS = 900
SHOWN = 20

# Read before the files: a recording that is closed in between is then neither lost nor of another size.
# What ended before the purge mark is about to vanish, what ended before its `removed` has vanished.
ROWS = """
select to_char(s.started_at at time zone 'utc', 'HH24MISS.MS"Z.mp4"'), s.bytes, s.store,
       s.state = 'closed' and (m.until is null or s.ended_at >= m.until)
  from video_segment s left join video_purgemark m using (camera_id)
 where s.camera_id = %(camera)s and s.started_at >= %(since)s and s.started_at < %(before)s
   and (s.ended_at is null or m.removed is null or s.ended_at >= m.removed or s.state = 'purging')
"""


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
    # 0 of what belongs to no camera, or to a hold.
    camera_id: int = 0
    started_at: datetime | None = None

    def __str__(self):
        # A name may hold any bytes.
        return f"{self.kind}: {self.path.encode(errors='backslashreplace').decode()}"


@dataclass
class Survey:
    """How much there is, how much of it differs, where, and some of what does."""

    rows: int = 0
    files: int = 0
    counts: Counter[Kind] = field(default_factory=Counter)
    shown: dict[Kind, list[str]] = field(default_factory=lambda: defaultdict(list))
    cameras: set[int] = field(default_factory=set)

    def add(self, found: Difference) -> None:
        self.counts[found.kind] += 1
        self.cameras.add(found.camera_id)
        if len(self.shown[found.kind]) < SHOWN:
            self.shown[found.kind].append(str(found))

    @property
    def going(self) -> int:
        return sum(self.counts[kind] for kind in FORGOTTEN | REMOVED)

    @property
    def share(self) -> float:
        """The larger part that would go: of all rows, or of all files and objects."""
        rows = sum(self.counts[kind] for kind in FORGOTTEN) / max(1, self.rows)
        return max(rows, sum(self.counts[kind] for kind in REMOVED) / max(1, self.files))

    def as_json(self) -> dict:
        return {
            "rows": self.rows,
            "files": self.files,
            "counts": {kind.name: number for kind, number in self.counts.items()},
            "shown": {kind.name: shown for kind, shown in self.shown.items()},
            "cameras": sorted(self.cameras),
        }

    @classmethod
    def from_json(cls, said: dict) -> "Survey":
        found = cls(said.get("rows", 0), said.get("files", 0), cameras=set(said.get("cameras", ())))
        found.counts.update({Kind[name]: number for name, number in said.get("counts", {}).items()})
        found.shown.update({Kind[name]: shown for name, shown in said.get("shown", {}).items()})
        return found


# --- what belongs to nobody ---


def of_root(cameras: set[int]) -> Iterator[Difference]:
    """What stands beside the cameras' folders. The city's own workshops begin with a dot."""
    for entry in _entries(settings.VIDEO_ROOT):
        if not entry.name.startswith(".") and not _is_camera(entry, cameras):
            yield Difference(Kind.FOREIGN, entry.name)
    if storage.has_object_store():
        ours = {storage.HELD, *map(str, cameras)}
        yield from (Difference(Kind.FOREIGN_OBJECT, name) for name in storage.stored_folders() if name not in ours)


def _entries(folder: Path | str) -> list[os.DirEntry]:
    """What is in a folder, in order of name; nothing when there is no such folder."""
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except (FileNotFoundError, NotADirectoryError):
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


# --- a camera ---


def indexed_days() -> set[str]:
    """The days of which the index knows something, as folders are called."""
    return {f"{day:%Y%m%d}" for day in partitions.days("video_segment") | partitions.caught("video_segment")}


def over(camera_id: int) -> datetime:
    """What began before this is over, whether by days or by a purge that went further."""
    days = Camera.objects.values_list("retention_days", flat=True).get(pk=camera_id)
    marked = PurgeMark.objects.filter(camera=camera_id).values_list("until", flat=True).first() or EPOCH
    # A day more: what began before the limit may have ended after it.
    return max(timezone.now() - timedelta(days=days + 1), marked - timedelta(days=1))


def of_camera(camera_id: int, seen: Survey, *, days: set[str], rest: Callable[[], None] = lambda: None):
    """Everything of a camera that differs, day by day, with a rest after each; counts into `seen`. `days` is
    `indexed_days`."""
    limit, folders = over(camera_id), set()
    root = settings.VIDEO_ROOT / str(camera_id)
    for entry in _entries(root) if not root.is_symlink() else ():
        if entry.is_dir(follow_symlinks=False):
            folders.add(entry.name)
        else:
            yield Difference(Kind.FOREIGN, f"{camera_id}/{entry.name}")
    stored: dict[str, set[str]] = defaultdict(set)
    if storage.has_object_store():
        yield from _of_objects(camera_id, stored, seen)
    for name in sorted(folders | days | stored.keys()):
        day = Day(camera_id, name, limit, stored.get(name, frozenset()))
        yield from day.differences(seen)
        rest()


def _of_objects(camera_id: int, stored: dict[str, set[str]], seen: Survey) -> Iterator[Difference]:
    """Sort a camera's objects by day."""
    for path, _size in storage.stored_objects(f"{camera_id}/"):
        seen.files += 1
        _camera, _, rest = path.partition("/")
        day, _, name = rest.partition("/")
        if _start_of(day, name) is None:
            yield Difference(Kind.FOREIGN_OBJECT, path)
        else:
            stored[day].add(name)


@dataclass
class Day:
    """One day of a camera: a folder, its rows, and what the object store has of it."""

    camera_id: int
    name: str
    # What began before it is over.
    limit: datetime
    objects: set[str] | frozenset[str]

    def differences(self, seen: Survey) -> Iterator[Difference]:
        rows, sizes, odd = self._read()
        seen.rows += len(rows)
        seen.files += len(sizes)
        if odd or not self._agree(rows, sizes):
            # Recorder and purge do not wait: only what differs when asked again does.
            first = set(self._differing(rows, sizes, odd))
            yield from (found for found in self._differing(*self._read()) if found in first)

    def _read(self) -> tuple[dict, dict[str, int], list[str]]:
        rows = self._rows()
        return rows, *_sizes(settings.VIDEO_ROOT / self.path)

    @property
    def path(self) -> str:
        return f"{self.camera_id}/{self.name}"

    def _rows(self) -> dict[str, tuple[int, str, bool]]:
        """By file name: bytes, store, and whether it must be there: what is growing, or going, may be."""
        day = _day_of(self.name)
        if day is None:
            return {}
        since = datetime.combine(day, time_of_day(), UTC)
        with connection.cursor() as cursor:
            cursor.execute(ROWS, {"camera": self.camera_id, "since": since, "before": since + timedelta(days=1)})
            return {name: row for name, *row in cursor.fetchall()}

    def _agree(self, rows: dict, sizes: dict[str, int]) -> bool:
        """Whether everything is in its place: the usual case, and the quick one."""
        if not all(must for _bytes, _store, must in rows.values()):
            return False
        here = {name: size for name, (size, store, _must) in rows.items() if store == Store.LOCAL}
        if len(here) == len(rows) and not self.objects:
            return here == sizes
        stored = {name for name, (_size, store, _must) in rows.items() if store == Store.OBJECTS}
        return len(here) + len(stored) == len(rows) and here == sizes and stored == self.objects

    def _differing(self, rows: dict, sizes: dict[str, int], odd: list[str]) -> Iterator[Difference]:
        yield from (Difference(Kind.FOREIGN, f"{self.path}/{name}") for name in odd)
        for name, size in sizes.items():
            yield from self._file(name, size, rows.get(name))
        for name, (_size, store, must) in rows.items():
            if must and store != Store.OBJECTS and name not in sizes:
                yield self._difference(Kind.LOST, name)
            if must and store == Store.OBJECTS and name not in self.objects:
                yield self._difference(Kind.OBJECT_LOST, name)
        # One whose row is still only here was just uploaded, or will be again.
        for name in sorted(self.objects - rows.keys()):
            found = self._difference(Kind.OBJECT_OVER, name)
            if not Segment.objects.filter(camera=found.camera_id, started_at=found.started_at).exists():
                yield found

    def _file(self, name: str, size: int, row: tuple[int, str, bool] | None) -> Iterator[Difference]:
        started = _start_of(self.name, name)
        if started is None:
            yield Difference(Kind.FOREIGN, f"{self.path}/{name}")
        elif row is None:
            if _is_settled(settings.VIDEO_ROOT / self.path / name):
                yield self._difference(Kind.OVER if started < self.limit else Kind.ORPHAN, name)
        elif row[2] and row[0] != size:
            yield self._difference(Kind.SIZE, name)

    def _difference(self, kind: Kind, name: str) -> Difference:
        return Difference(kind, f"{self.path}/{name}", self.camera_id, _start_of(self.name, name))


def _sizes(folder: Path) -> tuple[dict[str, int], list[str]]:
    """The ordinary files of a folder with their sizes, and the names of everything else in it."""
    sizes, odd = {}, []
    for entry in _entries(folder):
        try:
            found = entry.stat(follow_symlinks=False)
        except FileNotFoundError:
            continue  # it has just gone
        if stat.S_ISREG(found.st_mode):
            sizes[entry.name] = found.st_size
        else:
            odd.append(entry.name)
    return sizes, odd


def _day_of(name: str) -> date | None:
    try:
        day = datetime.strptime(name, "%Y%m%d").replace(tzinfo=UTC).date()
    except ValueError:
        return None
    return day if f"{day:%Y%m%d}" == name else None


def _start_of(day: str, name: str) -> datetime | None:
    try:
        started = start_of(Path(day, name))
    except ValueError:
        return None
    return started if path_of(0, started) == Path("0", day, name) else None


def _is_settled(file: Path) -> bool:
    try:
        return time.time() - file.lstat().st_mtime > YOUNG_SECONDS
    except FileNotFoundError:
        return False


# --- holds ---


def of_holds(seen: Survey, *, rest: Callable[[], None] = lambda: None) -> Iterator[Difference]:
    """What differs between the copies of holds and their rows, a camera of a hold at a time."""
    ended = set(map(str, Hold.objects.exclude(ended_at=None).values_list("pk", flat=True)))
    known = {str(hold) for hold in HeldSegment.objects.order_by().values_list("hold", flat=True).distinct()}
    for hold in sorted(_below(storage.HELD) | known):
        rows = HeldSegment.objects.filter(hold=hold) if hold in known else HeldSegment.objects.none()
        cameras = set(map(str, rows.order_by().values_list("camera", flat=True).distinct()))
        # Without cameras: a stray file in place of a hold.
        for camera in sorted(_below(f"{storage.HELD}/{hold}") | cameras) or [""]:
            copies = rows.filter(camera=camera).exclude(store=Store.OBJECTS) if camera in cameras else ()
            path = f"{storage.HELD}/{hold}/{camera}".rstrip("/")
            yield from _of_held(path, {copy.path: copy for copy in copies}, hold in ended, seen)
            rest()
    if storage.has_object_store():
        yield from _of_held_objects(ended, seen)


def _below(path: str) -> set[str]:
    """What is in a folder, links to folders left out."""
    entries = _entries(settings.VIDEO_ROOT / path)
    return {entry.name for entry in entries if not (entry.is_symlink() and entry.is_dir())}


def _of_held(path: str, rows: dict[str, HeldSegment], is_ended: bool, seen: Survey) -> Iterator[Difference]:
    seen.rows += len(rows)
    here = set()
    for file in _files_below(settings.VIDEO_ROOT / path):
        name = str(file.relative_to(settings.VIDEO_ROOT))
        here.add(name)
        seen.files += 1
        if not stat.S_ISREG(file.lstat().st_mode):
            yield Difference(Kind.FOREIGN, name)
        elif name not in rows and _is_settled(file):
            yield Difference(Kind.OVER if is_ended or name.endswith(".part") else Kind.HELD_ORPHAN, name)
    yield from (_held_lost(copy) for name, copy in rows.items() if name not in here)


def _files_below(top: Path) -> Iterator[Path]:
    """Every file at or below `top`; links are not followed."""
    if os.path.lexists(top) and (top.is_symlink() or not top.is_dir()):
        yield top
    else:
        yield from (Path(folder, name) for folder, _folders, names in os.walk(top) for name in names)


def _of_held_objects(ended: set[str], seen: Survey) -> Iterator[Difference]:
    """Both sides come in order of hold, and a hold is no more than a person asked for."""
    stored = {path for path, _size in storage.stored_objects(f"{storage.HELD}/")}
    copies = {copy.path: copy for copy in HeldSegment.objects.filter(store=Store.OBJECTS)}
    seen.files += len(stored)
    seen.rows += len(copies)
    # What was just copied for a hold in force has no row yet.
    over = (path for path in sorted(stored - copies.keys()) if path.split("/")[1] in ended or path.endswith(".part"))
    yield from (Difference(Kind.OBJECT_OVER, path) for path in over)
    yield from (_held_lost(copy) for path, copy in copies.items() if path not in stored)


def _held_lost(copy: HeldSegment) -> Difference:
    return Difference(Kind.HELD_LOST, copy.path, copy.camera_id, copy.started_at)
