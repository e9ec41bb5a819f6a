"""The public CCTV list into the registry and out of it.

`import_cctv` reads the list, finds where each row stands, and writes what is new or has changed. A row is known
again by its managing body and management number, so a second import updates and never doubles. What people have
set in the registry since (addresses of streams, surveyed directions, retention) stays, unless the list itself
has changed in that point.
"""

import csv
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import connection, transaction
from django.utils.translation import gettext as _

from apps.agencies.models import Agency
from apps.audit.actions import record
from apps.cameras import coverage, directions, standard_list
from apps.cameras.boundaries import load_boundaries
from apps.cameras.models import Camera, District, Purpose, Site, default_retention_days
from apps.cameras.owners import Owners
from apps.cameras.placing import Place, place
from apps.cameras.standard_list import Listed, Note

IMPORT_LOCK = 4_711_020  # any constant: two imports at once would race for the same numbers
# Farther out than this a position is doubtful: swapped, or a slip of the pen.
OUT_OF_CITY_M = 500.0
# Farther out than this it is another city's. Between the two a site is kept, with a warning: no call is near it.
ANOTHER_CITY_M = 100_000.0
BATCH = 2000
SITE_FIELDS = [
    "purpose", "purpose_text", "road_address", "lot_address", "direction_text", "installed", "phone", "pixels_10k",
    "region_code", "as_of", "location", "district", "dong",
]  # fmt: skip
CAMERA_FIELDS = ["purpose", "location", "bearing_deg", "fov_deg", "coverage", "retention_days", "is_enabled"]


@dataclass
class Imported:
    """What an import did: numbers of sites, of cameras made, and the notes that went into the report."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    cameras: int = 0
    notes: list[Note] = field(default_factory=list)
    report: Path | None = None

    def count(self, severity: str) -> int:
        return sum(note.severity == severity for note in self.notes)


def import_cctv(
    path: str | Path,
    *,
    by=None,
    owner: Agency | None = None,
    report: str | Path | None = None,
    tolerance_m: float = ANOTHER_CITY_M,
) -> Imported:
    """Import a national standard list; `owner` is for rows that name no managing body. Raises NotAList, OSError."""
    path = Path(path)
    report = Path(report) if report else path.with_name(f"{path.name}.rejected.csv")
    rows, notes = standard_list.read(path.read_bytes(), default_owner=owner.name_ko if owner else "")
    with _report(report) as write_report, transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [IMPORT_LOCK])
        done = _import_rows(rows, notes, tolerance_m, owner)
        done.notes, done.report = sorted(notes, key=lambda note: note.line), report
        record(
            "cameras.imported",
            actor=by,
            file=path.name,
            created=done.created,
            updated=done.updated,
            rejected=done.count("rejected"),
        )
        write_report(done.notes)
    return done


def _import_rows(rows: list[Listed], notes: list[Note], tolerance_m: float, owner: Agency | None) -> Imported:
    if not District.objects.exists():
        load_boundaries()
    placed = _placed(rows, notes, tolerance_m)
    owners = Owners()
    by_owner = {name: owners.named(name) for name in dict.fromkeys(row.owner for row, _place in placed)}
    if owner:
        by_owner[owner.name_ko] = owner
    _warn_of_dirt(placed, notes)
    done = Imported()
    sites = _write_sites(placed, by_owner, done)
    _write_cameras(sites, done)
    return done


# --- where rows stand ---------------------------------------------------------


def _placed(rows: list[Listed], notes: list[Note], tolerance_m: float) -> list[tuple[Listed, Place]]:
    """Rows with where they lie, swapped coordinates put right. Those farther out than `tolerance_m` are rejected."""
    straight = place([row.lon for row in rows], [row.lat for row in rows]) if rows else []
    crossed = [row for row, at in zip(rows, straight, strict=True) if at.outside_m > OUT_OF_CITY_M]
    swapped = place([row.lat for row in crossed], [row.lon for row in crossed]) if crossed else []
    put_right = {row.line: at for row, at in zip(crossed, swapped, strict=True) if at.outside_m <= OUT_OF_CITY_M}
    placed = []
    for row, at in zip(rows, straight, strict=True):
        if row.line in put_right:
            row.lon, row.lat, at = row.lat, row.lon, put_right[row.line]
            notes.append(_note(row, "warning", _("latitude and longitude were swapped: put right")))
        if at.outside_m > OUT_OF_CITY_M:
            severity = "rejected" if at.outside_m > tolerance_m else "warning"
            reason = _("the position lies %.1f km outside the city") % (at.outside_m / 1000)
            notes.append(_note(row, severity, reason))
        if at.outside_m <= tolerance_m:
            placed.append((row, at))
    return placed


def _warn_of_dirt(placed: list[tuple[Listed, Place]], notes: list[Note]) -> None:
    names = dict(District.objects.values_list("pk", "name_ko"))
    first_at: dict[tuple[float, float], int] = {}
    for row, at in placed:
        earlier = first_at.setdefault((row.lon, row.lat), row.line)
        if earlier != row.line:
            notes.append(_note(row, "warning", _("stands on the same point as line %d") % earlier))
        claimed = _claimed_district(row, names)
        if at.district_id and claimed and claimed != at.district_id:
            reason = _("lies in %(lies)s, but is listed under %(listed)s")
            notes.append(_note(row, "warning", reason % {"lies": names[at.district_id], "listed": names[claimed]}))
        if not directions.parse(row.direction).is_known:
            notes.append(_note(row, "warning", _("no direction: counts as looking all round")))


def _claimed_district(row: Listed, names: dict[int, str]) -> int | None:
    """The district its managing body belongs to; else the one in its address."""
    for text in (row.owner, row.road_address, row.lot_address):
        for word in text.split():
            for pk, name in names.items():
                if word.removesuffix("청") == name:
                    return pk
    return None


def _note(row: Listed, severity: str, reason: str) -> Note:
    return Note(row.line, severity, row.management_no, reason, row.text)


# --- sites and cameras ---------------------------------------------------------


@dataclass
class _Kept:
    """A site with its row; `before` is what the registry held until now, None for a new site."""

    site: Site
    row: Listed
    before: dict | None


def _write_sites(placed: list[tuple[Listed, Place]], owners: dict[str, Agency], done: Imported) -> list[_Kept]:
    known = {
        (site.owner_id, site.management_no): site
        for site in Site.objects.filter(owner__in={agency.pk for agency in owners.values()})
    }
    kept: list[_Kept] = []
    new, changed = [], []
    for row, at in placed:
        agency = owners[row.owner]
        site = known.get((agency.pk, row.management_no))
        if site is None:
            site = known[agency.pk, row.management_no] = Site(owner=agency, management_no=row.management_no)
            kept.append(_Kept(site, row, None))
            new.append(site)
            _fill(site, row, at)
        else:
            before = _state(site)
            _fill(site, row, at)
            kept.append(_Kept(site, row, before))
            if _state(site) != before:
                changed.append(site)
    Site.objects.bulk_create(new, batch_size=BATCH)
    _upsert(Site, changed, SITE_FIELDS)
    done.created, done.updated = len(new), len(changed)
    done.unchanged = len(placed) - len(new) - len(changed)
    return kept


def _fill(site: Site, row: Listed, at: Place) -> None:
    site.purpose, site.purpose_text = row.purpose, row.purpose_text
    site.road_address, site.lot_address = row.road_address, row.lot_address
    site.direction_text = row.direction
    site.installed, site.phone, site.pixels_10k = row.installed, row.phone, row.pixels_10k
    site.region_code, site.as_of = row.region_code, row.as_of
    site.location = Point(row.lon, row.lat, srid=4326)
    site.district_id, site.dong_id = at.district_id, at.dong_id


def _state(site: Site) -> dict:
    values = {name: getattr(site, site._meta.get_field(name).attname) for name in SITE_FIELDS}
    return values | {"location": site.location.tuple}


def _write_cameras(kept: list[_Kept], done: Imported) -> None:
    """Bring each site to the listed number of cameras. Surplus ones are switched off: they may hold recordings."""
    known: dict[int, list[Camera]] = {}
    old = [each.site.pk for each in kept if each.before is not None]
    for camera in Camera.objects.filter(site__in=old).order_by("pk"):
        known.setdefault(camera.site_id, []).append(camera)
    taken = set(Camera.objects.values_list("number", flat=True)) if kept else set()
    new, changed = [], []
    for each in kept:
        cameras = known.get(each.site.pk, [])
        changed += [camera for turn, camera in enumerate(cameras) if _update(camera, turn, each)]
        for turn in range(len(cameras), each.row.count):
            new.append(_new_camera(each, turn, taken))
    _cover(new + changed)
    Camera.objects.bulk_create(new, batch_size=BATCH)
    _upsert(Camera, changed, CAMERA_FIELDS)
    done.cameras = len(new)


def _new_camera(each: _Kept, turn: int, taken: set[str]) -> Camera:
    site, row = each.site, each.row
    number = f"{row.management_no}-{turn + 1}"
    if number in taken:
        # Another body uses the same management number.
        number = f"{row.management_no}-{turn + 1}@{site.owner_id}"
    taken.add(number)
    camera = Camera(
        site=site,
        number=number,
        owner_id=site.owner_id,
        purpose=row.purpose,
        location=site.location,
        retention_days=row.retention_days or default_retention_days(),
    )
    _aim(camera, turn, row)
    return camera


def _update(camera: Camera, turn: int, each: _Kept) -> bool:
    """Take over what the list says anew; whether the camera differs from before."""
    row, before = each.row, each.before
    was = _camera_state(camera)
    if row.purpose != before["purpose"]:
        camera.purpose = row.purpose
    if each.site.location.tuple != before["location"]:
        camera.location = each.site.location
    if row.direction != before["direction_text"]:
        _aim(camera, turn, row)
    camera.retention_days = row.retention_days or camera.retention_days
    camera.is_enabled = turn < row.count
    return _camera_state(camera) != was


def _camera_state(camera: Camera) -> tuple:
    return (
        camera.purpose,
        camera.location.tuple,
        camera.bearing_deg,
        camera.fov_deg,
        camera.retention_days,
        camera.is_enabled,
    )


def _aim(camera: Camera, turn: int, row: Listed) -> None:
    looking = directions.parse(row.direction)
    camera.bearing_deg = looking.of_camera(turn, row.count)
    camera.fov_deg = looking.fov_deg or Camera.DEFAULT_FOV_DEG


def _cover(cameras: list[Camera]) -> None:
    if not cameras:
        return
    bearings = [np.nan if camera.sees_all_round else camera.bearing_deg for camera in cameras]
    shapes = coverage.polygons(
        np.array([camera.location.x for camera in cameras]),
        np.array([camera.location.y for camera in cameras]),
        np.array(bearings, float),
        np.array([camera.fov_deg for camera in cameras]),
        np.array([camera.range_m for camera in cameras]),
    )
    for camera, shape in zip(cameras, shapes, strict=True):
        camera.coverage = GEOSGeometry(memoryview(shape))


def _upsert(model, rows: list, fields: list[str]) -> None:
    model.objects.bulk_create(rows, batch_size=BATCH, update_conflicts=True, unique_fields=["pk"], update_fields=fields)


# --- the report ------------------------------------------------------------------


@contextmanager
def _report(path: Path) -> Iterator:
    """Opens the report before anything is imported, and puts it in place when all went well."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        os.chmod(handle, 0o644)
        with open(handle, "w", encoding="utf-8-sig", newline="") as stream:
            yield lambda notes: _write_report(stream, notes)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)


def _write_report(stream, notes: list[Note]) -> None:
    writer = csv.writer(stream)
    writer.writerow([_("line"), _("severity"), _("management number"), _("reason"), _("row")])
    severities = {"rejected": _("rejected"), "warning": _("warning")}
    for note in notes:
        cells = [note.management_no, note.reason, note.text]
        writer.writerow([note.line, severities[note.severity], *map(standard_list.disarmed, cells)])


# --- export ----------------------------------------------------------------------


def export_cctv(path: str | Path, *, by=None, encoding: str = "utf-8-sig", columns: int = 18) -> int:
    """Write the registry as a national standard list; the number of sites.

    Virtual cameras and sites whose cameras are all switched off are not on it. Raises UnicodeEncodeError where
    the encoding lacks a character, and then leaves no file.
    """
    path = Path(path)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.")
    try:
        os.chmod(handle, 0o644)
        with open(handle, "w", encoding=encoding, newline="") as stream:
            written = standard_list.write(_listed_sites(), stream, columns=columns)
        os.replace(name, path)
    finally:
        Path(name).unlink(missing_ok=True)
    record("cameras.exported", actor=by, file=path.name, sites=written)
    return written


def _listed_sites() -> Iterator[dict]:
    cameras: dict[int, list[int]] = {}
    listed = Camera.objects.shared().filter(is_enabled=True, is_virtual=False)
    for site_id, days in listed.order_by("pk").values_list("site_id", "retention_days"):
        cameras.setdefault(site_id, []).append(days)
    for site in Site.objects.select_related("owner").order_by("pk").iterator(chunk_size=BATCH):
        if days := cameras.get(site.pk):
            yield _listed(site, len(days), days[0])


def _listed(site: Site, count: int, retention_days: int) -> dict:
    return {
        "region_code": site.region_code,
        "management_no": site.management_no,
        "owner": site.owner.name_ko,
        "road_address": site.road_address,
        "lot_address": site.lot_address,
        "purpose": site.purpose_text or standard_list.NATIONAL_PURPOSE[Purpose(site.purpose)],
        "count": count,
        "pixels": site.pixels_10k,
        "direction": site.direction_text,
        "retention": retention_days,
        "installed": site.installed,
        "phone": site.phone,
        "lat": site.location.y,
        "lon": site.location.x,
        "as_of": site.as_of,
    }
