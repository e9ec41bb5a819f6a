"""The copies that holds keep: taken by hard link, checked against the index, destroyed when the hold ends.

A copy is on disk before its row says so, and its row is forgotten only when its file is surely gone; so whatever
is broken off, the next run finishes. Purging and early purging touch originals only.
"""

import hashlib
import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Value
from django.utils import timezone
from django.utils.translation import gettext_noop as _

from apps.audit.actions import record
from apps.audit.words import on_record
from apps.cameras.models import Camera
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.mous.models import LedgerEntry
from apps.retention.models import Certificate, Hold
from apps.video import disk, storage
from apps.video.models import LONGEST_SEGMENT, HeldSegment, Segment, Store, held_path
from apps.video.recording import path_of

logger = logging.getLogger(__name__)

# A segment is closed, healed or adopted well within this.
LATE = LONGEST_SEGMENT * 4
COPIED = ("camera_id", "started_at", "ended_at", "session", "bytes", "init_bytes", "width", "height", "sha256", "codec")
# Another may be taking the same: whoever comes second waits for the first, and writes what that left.
INSERT = f"""
insert into video_heldsegment (hold, condition, taken_at, store, {", ".join(COPIED)})
{{select}} on conflict do nothing returning camera_id, started_at, store
"""
Condition = HeldSegment.Condition


@dataclass
class Taken:
    copies: int = 0
    # Cameras of which something could not be copied: nothing of theirs may be purged before it is.
    failed: set[int] = field(default_factory=set)


def take(hold: Hold, *, stores: tuple[str, ...] = tuple(Store)) -> Taken:
    """Copy what `hold` wants, is closed, and it has not yet. May be called at any time, by several at once."""
    now, taken = timezone.now(), Taken()
    for camera_id in hold.cameras.values_list("pk", flat=True):
        wanted = _wanted(hold, camera_id, stores)
        for day in wanted.datetimes("started_at", "day", tzinfo=UTC):
            copies, failed = _take_day(hold, wanted.of_day(camera_id, day))
            taken.copies += copies
            taken.failed |= {camera_id} if failed else set()
    if hold.period_until + LATE < now and not taken.failed and len(stores) == len(Store):
        _complete(hold, now)
    return taken


def _wanted(hold: Hold, camera_id: int, stores: tuple[str, ...]):
    had = hold.held.filter(camera=camera_id, started_at=OuterRef("started_at"))
    there = Segment.objects.covering(camera_id, hold.period_from, hold.period_until)
    return there.filter(~Exists(had), state=Segment.State.CLOSED, store__in=stores).order_by()


@transaction.atomic
def _take_day(hold: Hold, wanted) -> tuple[int, bool]:
    """Copy `wanted`, the segments of one folder; how many copies there are now, and whether any could not be made.

    The rows are written first, by the database itself, and are nobody's to see before the copies are on disk.
    """
    rows = _write_down(hold, wanted)
    left, failed = _linked(hold, rows), False
    for row in left:
        try:
            store = storage.link_or_copy(Segment(**row), _path(hold, row))
        except FileNotFoundError:
            logger.error("%s: %s is in the index, but its file is gone", hold, Segment(**row))
            _copies(hold, [row]).delete()
        except OSError as error:
            logger.error("%s: %s cannot be copied: %s", hold, Segment(**row), error)
            _copies(hold, [row]).delete()
            failed = True
        else:
            _copies(hold, [row]).update(store=store)
    if rows:
        storage.sync_copies([_path(hold, rows[0])])
    # Ended meanwhile: then the copies go at once.
    if rows and not Hold.objects.in_force().select_for_update().filter(pk=hold.pk).exists():
        for copy in _copies(hold, rows):
            storage.delete(copy)
        transaction.set_rollback(True)
        return 0, failed
    return _copies(hold, rows).count() if left else len(rows), failed


def _write_down(hold: Hold, wanted) -> list[dict]:
    """Write the rows of copies to be made of `wanted`: camera, start and store of each segment."""
    there = wanted.annotate(
        hold=Value(hold.pk), condition=Value(Condition.TAKEN), taken_at=Value(timezone.now())
    ).values_list("hold", "condition", "taken_at", "store", *COPIED)
    sql, parameters = there.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(INSERT.format(select=sql), parameters)
        return [dict(zip(("camera_id", "started_at", "store"), row, strict=True)) for row in cursor.fetchall()]


def _linked(hold: Hold, rows: list[dict]) -> list[dict]:
    """Link what is on this machine, as one folder; the rows for which that was not to be."""
    here = {path_of(row["camera_id"], row["started_at"]).name: row for row in rows if row["store"] == Store.LOCAL}
    left = [row for row in rows if row["store"] != Store.LOCAL]
    if here:
        folder = path_of(rows[0]["camera_id"], rows[0]["started_at"]).parent
        target = Path(_path(hold, rows[0])).parent
        left += [here[name] for name in storage.link_files(folder, target, here)]
    return left


def _path(hold: Hold, row: dict) -> str:
    return held_path(hold.pk, row["camera_id"], row["started_at"])


def _copies(hold: Hold, rows: list[dict]):
    return hold.held.filter(
        camera__in={row["camera_id"] for row in rows}, started_at__in=[r["started_at"] for r in rows]
    )


@transaction.atomic
def _complete(hold: Hold, now: datetime) -> None:
    if Hold.objects.unfinished().filter(pk=hold.pk).update(taken_at=now):
        record("hold.complete", target=hold, copies=hold.held.count())


def take_unfinished() -> set[int]:
    """Let every hold take what it has not yet; the cameras of which that failed."""
    return {camera for hold in Hold.objects.unfinished() for camera in take(hold).failed}


def check(*, seconds: float) -> int:
    """Read copies that nobody has read since they were taken, for so long at most; how many are damaged."""
    damaged, end = 0, time.monotonic() + seconds
    for copy in HeldSegment.objects.filter(condition=Condition.TAKEN).order_by("pk").iterator(chunk_size=200):
        if time.monotonic() > end:
            break
        damaged += not _is_whole(copy)
    return damaged


def _is_whole(copy: HeldSegment) -> bool:
    """Settle whether the bytes of a copy are those that the index knew. A store that is away settles nothing."""
    try:
        is_whole = storage.fingerprint(copy) == copy.sha256
    except FileNotFoundError:
        is_whole = False
    except storage.StoreAway as error:
        logger.warning("%s cannot be checked: %s", copy, error)
        return True
    condition = Condition.WHOLE if is_whole else Condition.DAMAGED
    with transaction.atomic():
        changed = HeldSegment.objects.filter(pk=copy.pk, condition=Condition.TAKEN).update(condition=condition)
        if changed and not is_whole:
            _tell_damage(copy)
    return is_whole


def _tell_damage(copy: HeldSegment) -> None:
    hold = Hold.objects.get(pk=copy.hold)
    record("hold.damaged", target=hold, path=copy.path, sha256=copy.sha256)
    tell(hold, "hold.damaged", path=copy.path)


def tell(hold: Hold, kind: str, *, by=None, **detail) -> None:
    """An event for the centre's screens; called last in a transaction."""
    publish([Event(kind=kind, object_id=hold.pk, by=str(by or ""), detail={"number": hold.number, **detail})])


def remind(now: datetime) -> int:
    """Tell the centre, once, of every hold whose day of review has come."""
    due = list(Hold.objects.to_be_reviewed(now))
    for hold in due:
        with transaction.atomic():
            if Hold.objects.to_be_reviewed(now).filter(pk=hold.pk).update(reminded_at=now):
                record("hold.review_due", target=hold, owner=hold.owner, ends_at=hold.ends_at.isoformat())
                tell(hold, "hold.review_due", owner=hold.owner)
    return len(due)


# --- the end ---


def end(hold: Hold, *, at: datetime) -> None:
    """Take the copies out of everybody's sight. Joins the caller's transaction, which says who and why."""
    hold.ended_at = at
    hold.save(update_fields=["ended_at", "released_by", "release_reason"])
    hold.held.update(condition=Condition.DESTROYING)


def end_those_over(now: datetime) -> int:
    """End the holds whose day has come."""
    ended = 0
    for pk in Hold.objects.over(now).values_list("pk", flat=True):
        with transaction.atomic():
            hold = Hold.objects.over(now).select_for_update(skip_locked=True).filter(pk=pk).first()
            if hold:
                end(hold, at=now)
                record("hold.ended", target=hold)
                tell(hold, "hold.ended")
                ended += 1
    return ended


def destroy_ended() -> int:
    """Destroy the copies of ended holds; how many holds could not be finished."""
    return sum(not destroy(hold) for hold in Hold.objects.filter(ended_at__isnull=False, destroyed_at=None))


def destroy(hold: Hold) -> bool:
    """Destroy all copies of an ended hold, certify it camera by camera; whether nothing is left."""
    # What was being taken while the hold ended.
    hold.held.exclude(condition=Condition.DESTROYING).update(condition=Condition.DESTROYING)
    done = [_destroy_of(hold, camera) for camera in hold.cameras.all()]
    if not all(done):
        return False
    storage.remove_folder(f"{storage.HELD}/{hold.pk}")
    with transaction.atomic():
        if Hold.objects.filter(pk=hold.pk, destroyed_at=None).update(destroyed_at=timezone.now()):
            record("hold.destroyed", target=hold)
    return True


def _destroy_of(hold: Hold, camera: Camera) -> bool:
    copies = list(hold.held.filter(camera=camera).order_by("started_at"))
    try:
        for copy in copies:
            storage.delete(copy)
        storage.sync_copies([copy.path for copy in copies if copy.store == Store.LOCAL])
    except OSError as error:
        logger.error("%s: copies of %s cannot be destroyed: %s", hold, camera, error)
        return False
    with transaction.atomic():
        held = hold.held.select_for_update().filter(pk__in=[copy.pk for copy in copies])
        if len(held) == len(copies) and copies:
            _certify(hold, camera, copies)
            held.delete()
            disk.forget_sums(copies[0].started_at, copies[-1].started_at)
    return True


def _certify(hold: Hold, camera: Camera, copies: list[HeldSegment]) -> None:
    listing = "".join(f"{copy.sha256}\n" for copy in copies)
    certificate = Certificate.objects.create(
        hold=hold,
        camera=camera,
        what=_what(hold, camera),
        period_from=copies[0].started_at,
        period_until=max(copy.ended_at for copy in copies),
        files=len(copies),
        sha256=hashlib.sha256(listing.encode()).hexdigest(),
        by=str(hold.released_by or on_record(_("the centre, on the due date"))),
    )
    LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.DESTROY,
        at=certificate.destroyed_at,
        file_name=hold.number,
        form=on_record(_("video file (MP4)")),
        officer=certificate.by,
        purpose=on_record(_("Certificate %(number)s")) % {"number": certificate.number},
        third_party=hold.agency.name_ko,
        ground=hold.legal_ground,
        period_from=certificate.period_from,
        period_until=certificate.period_until,
        cameras=[camera.number],
        incident_number=hold.incident_number,
        agency=hold.agency,
    )
    record("hold.certified", target=hold, certificate=certificate.number, camera=camera.number, files=len(copies))


def _what(hold: Hold, camera: Camera) -> str:
    """A copy's end is not the recording's, whose own days may not be over."""
    still_there = Segment.objects.covering(camera.pk, hold.period_from, hold.period_until).exists()
    kept, gone = (
        _("Held copy %(hold)s; the recording itself is still within its days"),
        _("Held copy %(hold)s; the recording itself was purged before"),
    )
    return on_record(kept if still_there else gone) % {"hold": f"{hold.number} ({hold.document_number})"}
