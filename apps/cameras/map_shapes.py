"""The city's districts and dongs as GeoJSON for drawing: simplified, and kept until a boundary changes."""

import json
from functools import lru_cache

from django.contrib.gis.db.models import MultiPolygonField
from django.contrib.gis.db.models.functions import AsGeoJSON
from django.db import connection
from django.db.models import F, Func
from django.utils.translation import override

from apps.cameras.models import Area, District, Dong

# About 20 m and 10 m: below what a screen shows at the zoom where each is drawn.
SIMPLIFIED_DEGREES = {District: 0.0002, Dong: 0.0001}
DECIMALS = 5


class Simplified(Func):
    function = "ST_SimplifyPreserveTopology"
    output_field = MultiPolygonField(srid=4326)


def version() -> str:
    """Changes when any boundary or name is written: xmin is the transaction that wrote a row."""
    columns = "code, name_ko, name_en, xmin"
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT md5(concat(current_database(), string_agg(areas::text, '' ORDER BY code))) FROM (
                SELECT {columns} FROM {District._meta.db_table}
                UNION ALL SELECT {columns} FROM {Dong._meta.db_table}
            ) AS areas"""  # noqa: S608  the names are ours
        )
        return cursor.fetchone()[0]


@lru_cache(maxsize=8)
def geojson(version: str, language: str) -> bytes:
    """The FeatureCollection as of `version`, its names in `language`."""
    with override(language):
        features = [_feature(area) for model in SIMPLIFIED_DEGREES for area in _areas(model)]
    return json.dumps({"type": "FeatureCollection", "features": features}, ensure_ascii=False).encode()


def _areas(model: type[Area]):
    simplified = Simplified(F("shape"), SIMPLIFIED_DEGREES[model])
    return model.objects.defer("shape").annotate(outline=AsGeoJSON(simplified, precision=DECIMALS))


def _feature(area: Area) -> dict:
    return {
        "type": "Feature",
        "geometry": json.loads(area.outline),
        "properties": {"kind": area._meta.model_name, "code": area.code, "name": area.name},
    }
