"""Forgetting recordings when their days are over.

    mark     One row a camera, `PurgeMark.until`, puts all that ended before it out of everybody's sight.
    unlink   The files that rows name, folder by folder. A file without a row is a stranger, and stays.
    fsync    Every folder touched.
    note     `PurgeMark.removed` follows, with an entry in the audit, in one transaction.
    forget   A day that is wholly over goes from the index, as one partition.

Broken off anywhere, the next run goes on from `removed`: a file already gone is as good as one it removes, and
nothing is forgotten while its file may still be there.
"""

import logging
import os
from collections import Counter
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Max

from apps.audit.actions import record
from apps.cameras.models import Camera
from apps.retention import holding
from apps.video import disk, partitions, storage
from apps.video.fields import EPOCH
from apps.video.healing import heal_left_behind
from apps.video.models import LONGEST_SEGMENT, PurgeMark, Segment
from apps.video.recording import path_of, start_of, sync_directory

logger = logging.getLogger(__name__)

TABLE, MOTION = "video_segment", "video_motion"
CAMERAS_AT_ONCE = 100
# The object store is asked to remove so many at a time: each takes as long as the way there and back.
OBJECTS_AT_ONCE = 16
# When more files than this of one folder will not go, the disk is in trouble, not the files.
STUBBORN = 10
PURGE_LOCK = 4_711_003  # any constant: names the purge among Postgres' advisory locks

# The rows of camera `m` that ended between `m.removed` and `m.until`.
BETWEEN = """
    s.camera_id = m.camera_id and s.state = 'closed' and s.ended_at >= m.removed and s.ended_at < m.until
    and s.started_at > m.removed - %(longest)s and s.started_at < m.until
"""
# What each camera keeps is over before `until`.
CAMERAS = """
    select c.id as camera_id, c.number, c.retention_days, c.id in (select camera_id from video_purgemark) as is_known,
           coalesce((select removed from video_purgemark where camera_id = c.id), %(epoch)s) as removed,
           %(now)s - c.retention_days * interval '24 hours' as until
      from cameras_camera c
"""
DUE = f"""
select m.camera_id, m.number, m.retention_days, s.segments, s.size, s.oldest
  from ({CAMERAS}) m
 cross join lateral (select count(*) as segments, sum(bytes)::bigint as size, min(started_at) as oldest
                       from video_segment s where {BETWEEN}) s
 where s.segments > 0 order by m.camera_id
"""  # noqa: S608
MARK = f"""
insert into video_purgemark (camera_id, until, removed)
select m.camera_id, m.until, m.removed from ({CAMERAS}) m
 where m.until > m.removed and (m.is_known or exists (select from video_segment s where {BETWEEN}))
   and m.camera_id <> all(%(spared)s)
    on conflict (camera_id) do update set until = greatest(video_purgemark.until, excluded.until)
"""  # noqa: S608
MARK_THESE = """
insert into video_purgemark (camera_id, until, removed)
select camera_id, until, %(epoch)s from unnest(%(cameras)s::bigint[], %(until)s::timestamptz[]) u(camera_id, until)
    on conflict (camera_id) do update set until = greatest(video_purgemark.until, excluded.until)
"""
NOTHING_BETWEEN = f"""
update video_purgemark m set removed = until
 where removed < until and not exists (select from video_segment s where {BETWEEN})
"""  # noqa: S608
# The oldest day of each camera that has something to remove; what runs over midnight goes with its day.
STRETCHES = f"""
select m.camera_id, m.removed,
       least(m.until, date_trunc('day', o.started_at, 'utc') + interval '24 hours' + %(longest)s) as until
  from video_purgemark m
 cross join lateral (select s.started_at from video_segment s where {BETWEEN} order by s.started_at limit 1) o
 where m.removed < m.until and m.camera_id <> all(%(in_trouble)s)
 order by m.camera_id limit %(cameras)s
"""  # noqa: S608
FOLDERS = f"""
select m.camera_id, (s.started_at at time zone 'utc')::date as day, count(*), sum(s.bytes)::bigint,
       min(s.started_at), max(s.ended_at),
       coalesce(array_agg(to_char(s.started_at at time zone 'utc', 'HH24MISS.MS"Z.mp4"'))
                filter (where s.store = 'local'), '{{}}'),
       coalesce(array_agg(s.started_at) filter (where s.store <> 'local'), '{{}}')
  from unnest(%(cameras)s::bigint[], %(removed)s::timestamptz[], %(until)s::timestamptz[]) m(camera_id, removed, until)
  join video_segment s on {BETWEEN}
 group by m.camera_id, day order by m.camera_id, day
"""  # noqa: S608
NOTE = """
update video_purgemark m set removed = u.until
  from unnest(%(cameras)s::bigint[], %(until)s::timestamptz[]) u(camera_id, until) where m.camera_id = u.camera_id
"""
# Rows of one UTC day whose files are gone.
GONE = """
select s.camera_id, s.started_at
  from video_purgemark m join video_segment s using (camera_id)
 where m.removed >= %(over)s and s.started_at >= %(since)s and s.started_at < %(until)s
   and s.state = 'closed' and s.ended_at < m.removed
"""
MOTION_GONE = """
select from video_purgemark m join video_motion r using (camera_id)
 where r.minute >= %(since)s and r.minute < %(until)s and r.minute + interval '1 minute' <= m.removed
"""
FORGET = f"delete from video_segment where (camera_id, started_at) in ({GONE})"  # noqa: S608


@dataclass
class Purged:
    segments: int = 0
    bytes: int = 0
    failed: int = 0


@dataclass
class Folder:
    """What is to go of one folder: the files here, by name, and what the object store has, by start."""

    camera_id: int
    day: date
    segments: int
    bytes: int
    since: datetime
    until: datetime
    names: list[str]
    stored: list[datetime]

    @property
    def path(self) -> Path:
        return settings.VIDEO_ROOT / str(self.camera_id) / f"{self.day:%Y%m%d}"

    def start_of(self, name: str) -> datetime:
        return start_of(self.path / name)


def due(now: datetime) -> list[dict]:
    """What a purge would take, camera by camera."""
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"now": now, "longest": LONGEST_SEGMENT, "epoch": EPOCH})
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def purge(now: datetime) -> Purged:
    """Finish what an earlier run began, then purge all that is due at `now`."""
    with _alone():
        heal_left_behind()
        # What a hold could not copy yet is spared until it can.
        mark(now, spared=holding.take_unfinished())
        return _vanish()


def purge_until(times: dict[int, datetime]) -> Purged:
    """Purge what cameras recorded before the time given for each, whatever they may keep."""
    with _alone():
        with connection.cursor() as cursor:
            cursor.execute(MARK_THESE, {"cameras": list(times), "until": list(times.values()), "epoch": EPOCH})
        return _vanish()


@contextmanager
def _alone() -> Iterator[None]:
    """One purge at a time; another waits for its end."""
    with connection.cursor() as cursor:
        cursor.execute("select pg_advisory_lock(%s)", [PURGE_LOCK])
        try:
            yield
        finally:
            cursor.execute("select pg_advisory_unlock(%s)", [PURGE_LOCK])


def mark(now: datetime, *, spared: set[int] = frozenset()) -> None:
    """Take all that is due, but of the cameras `spared`, out of everybody's sight, in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(MARK, {"now": now, "longest": LONGEST_SEGMENT, "epoch": EPOCH, "spared": list(spared)})


def _vanish() -> Purged:
    total = Purged()
    _remove_stubborn(total)
    _remove_marked(total)
    forget()
    forget_motion()
    return total


# --- unlink, fsync, note ---


def _remove_marked(total: Purged) -> None:
    """Remove what is marked, some cameras and one day of each at a time. One in trouble holds up no other."""
    with connection.cursor() as cursor:
        cursor.execute(NOTHING_BETWEEN, {"longest": LONGEST_SEGMENT})
    in_trouble: set[int] = set()
    while stretches := _stretches(in_trouble):
        folders = _folders(stretches)
        stuck = [name for folder in folders for name in _removed(folder, in_trouble)]
        for folder in folders:
            _made_durable(folder, in_trouble)
        total.failed += sum(folder.segments for folder in folders if folder.camera_id in in_trouble)
        note(
            {camera: until for camera, _removed, until in stretches if camera not in in_trouble},
            [folder for folder in folders if folder.camera_id not in in_trouble],
            [(camera, start) for camera, start in stuck if camera not in in_trouble],
            total,
        )


def _stretches(in_trouble: set[int]) -> list[tuple[int, datetime, datetime]]:
    """(camera, removed, until) of the next ones to be worked on."""
    with connection.cursor() as cursor:
        cursor.execute(
            STRETCHES, {"longest": LONGEST_SEGMENT, "in_trouble": list(in_trouble), "cameras": CAMERAS_AT_ONCE}
        )
        return cursor.fetchall()


def _folders(stretches: list[tuple[int, datetime, datetime]]) -> list[Folder]:
    cameras, removed, until = map(list, zip(*stretches, strict=True))
    with connection.cursor() as cursor:
        cursor.execute(FOLDERS, {"cameras": cameras, "removed": removed, "until": until, "longest": LONGEST_SEGMENT})
        return [Folder(*row) for row in cursor.fetchall()]


def _removed(folder: Folder, in_trouble: set[int]) -> list[tuple[int, datetime]]:
    """Remove what is to go of a folder; return what would not."""
    stuck = []
    try:
        stuck += [folder.start_of(name) for name in unlink(folder.path, folder.names)]
        with ThreadPoolExecutor(OBJECTS_AT_ONCE) as requests:
            stored = Segment.objects.filter(camera_id=folder.camera_id, started_at__in=folder.stored)
            list(requests.map(storage.delete, stored if folder.stored else ()))
    except OSError as error:
        logger.error("%s cannot be emptied: %s", folder.path, error)
        in_trouble.add(folder.camera_id)
    return [(folder.camera_id, start) for start in stuck]


def unlink(folder: Path, names: Collection[str]) -> list[str]:
    """Remove the files of a folder by name; return the names of those that would not go.

    OSError when that is more than a few, or the folder itself cannot be read. Not durable until it is synced.
    """
    stuck: list[str] = []
    try:
        fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except FileNotFoundError:
        # A day that is gone is gone. Where the camera's own folder is missing, so may the whole disk be.
        if names and not folder.parent.is_dir():
            raise
        return stuck
    try:
        for name in names:
            try:
                os.unlink(name, dir_fd=fd)
            except FileNotFoundError:
                continue
            except OSError as error:
                logger.error("%s/%s cannot be removed: %s", folder, name, error)
                stuck.append(name)
                if len(stuck) > STUBBORN:
                    raise
    finally:
        os.close(fd)
    return stuck


def _made_durable(folder: Folder, in_trouble: set[int]) -> None:
    try:
        sync(folder.path)
    except OSError as error:
        logger.error("%s cannot be brought to disk: %s", folder.path, error)
        in_trouble.add(folder.camera_id)


def sync(folder: Path) -> None:
    """Make removals durable; remove the folder of a day that is over, once nothing is in it."""
    try:
        sync_directory(folder)
    except FileNotFoundError:
        return
    recent = f"{datetime.now(UTC) - timedelta(days=1):%Y%m%d}"
    if folder.name < recent:
        # Not empty: strangers, or the rest of the day.
        with suppress(OSError):
            folder.rmdir()


@transaction.atomic
def note(until: dict[int, datetime], folders: list[Folder], stuck: list[tuple[int, datetime]], total: Purged) -> None:
    """Remember how far each camera's files are surely gone, what would not go, and put it on record."""
    bytes_ = sum(folder.bytes for folder in folders)
    for camera_id, start in stuck:
        segment = Segment.objects.get(camera_id=camera_id, started_at=start)
        bytes_ -= segment.bytes
        Segment.objects.filter(pk=segment.pk).update(state=Segment.State.PURGING)
    with connection.cursor() as cursor:
        cursor.execute(NOTE, {"cameras": list(until), "until": list(until.values())})
    counts: Counter[int] = Counter()
    for folder in folders:
        counts[folder.camera_id] += folder.segments
    counts.subtract(camera for camera, _start in stuck)
    if folders:
        disk.forget_sums(min(folder.since for folder in folders), max(folder.until for folder in folders))
    _put_on_record(counts, bytes_, [folder.since for folder in folders], [folder.until for folder in folders])
    total.segments += counts.total()
    total.bytes += bytes_
    total.failed += len(stuck)


def _put_on_record(counts: Counter[int], bytes_: int, since: list[datetime], until: list[datetime]) -> None:
    if not counts.total():
        return
    numbers = dict(Camera.objects.filter(pk__in=counts).values_list("pk", "number"))
    record(
        "video.purged",
        cameras={numbers[camera]: count for camera, count in sorted(counts.items()) if count},
        segments=counts.total(),
        bytes=bytes_,
        since=min(since).isoformat(),
        until=max(until).isoformat(),
    )


def _remove_stubborn(total: Purged) -> None:
    """Try once more what an earlier run could not remove."""
    gone = []
    for segment in Segment.objects.filter(state=Segment.State.PURGING).order_by("camera_id", "started_at"):
        try:
            storage.delete(segment)
            sync(segment.file.parent)
        except OSError as error:
            logger.error("%s cannot be removed: %s", segment.path, error)
            total.failed += 1
        else:
            gone.append(segment)
    with transaction.atomic():
        for segment in gone:
            Segment.objects.filter(pk=segment.pk).delete()
            disk.forget_sums(segment.started_at, segment.ended_at)
        counts = Counter(segment.camera_id for segment in gone)
        bytes_ = sum(segment.bytes for segment in gone)
        _put_on_record(counts, bytes_, [s.started_at for s in gone], [s.ended_at for s in gone])
    total.segments += len(gone)
    total.bytes += bytes_


# --- forget ---


def forget() -> None:
    """Drop the days of which nothing is wanted any more; of others, what is not."""
    reach = PurgeMark.objects.aggregate(reach=Max("removed"))["reach"]
    for day in sorted(partitions.days(TABLE) | partitions.caught(TABLE)):
        times = _times(day)
        if reach is None or times["over"] > reach:
            return
        if _anything(GONE, times) and _leaves_no_file(day, times):
            _forget_day(day, times)


def forget_motion() -> None:
    """What moved in a recording is forgotten with it, day by day."""
    reach = PurgeMark.objects.aggregate(reach=Max("removed"))["reach"]
    for day in sorted(partitions.days(MOTION)):
        times = _times(day)
        if reach is None or times["until"] > reach:
            return
        if _anything(MOTION_GONE, times):
            with suppress(OperationalError), transaction.atomic():  # read for longer than we wait for: the next run
                partitions.call(f"{MOTION}_forget_day", day)


def _times(day: date) -> dict[str, datetime]:
    """The day, and when all that began in it has ended."""
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=1)
    return {"since": since, "until": until, "over": until + LONGEST_SEGMENT}


def _leaves_no_file(day: date, times: dict) -> bool:
    """A file may have got its row after its camera's mark had passed. It goes now, with the rest of its day."""
    for folder in settings.VIDEO_ROOT.glob(f"*/{day:%Y%m%d}"):
        if not folder.parent.name.isdecimal():
            continue
        with connection.cursor() as cursor:
            cursor.execute(f"{GONE} and s.camera_id = %(camera)s", {**times, "camera": int(folder.parent.name)})
            known = {path_of(*row).name for row in cursor.fetchall()}
        try:
            if unlink(folder, known.intersection(os.listdir(folder))):
                return False
            sync(folder)
        except OSError as error:
            logger.error("%s cannot be emptied: %s", folder, error)
            return False
    return True


def _forget_day(day: date, times: dict) -> None:
    try:
        with transaction.atomic():
            if not partitions.call(f"{TABLE}_forget_day", day):
                # It never had a partition: the net held it.
                with connection.cursor() as cursor:
                    cursor.execute(FORGET, times)
    except OperationalError as error:
        # Somebody reads for longer than we wait for. The next run comes soon.
        logger.warning("%s is forgotten later: %s", day, error)


def _anything(query: str, parameters: dict) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"select exists ({query})", parameters)
        return cursor.fetchone()[0]
