from django.db import migrations

from apps.cameras.seams import close_seams

WHOLE = """(
    SELECT ST_Multi(ST_Union(shape)) FROM (
        SELECT shape FROM cameras_district WHERE code = ANY (mou.districts) UNION ALL SELECT mou.drawn
    ) AS part
)"""
# Square degrees: a square of a few metres.
ALIKE = 1e-9


def close(_apps, schema_editor):
    """In a city that has its boundaries; and in agreements that cover no more and no less than their districts."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM mous_mou AS mou WHERE ST_Area(ST_SymDifference(area, {WHOLE})) < {ALIKE}")  # noqa: S608
        of_districts = [number for (number,) in cursor.fetchall()]
        close_seams("cameras_district")
        close_seams("cameras_dong")
        cursor.execute(f"UPDATE mous_mou AS mou SET area = {WHOLE} WHERE id = ANY (%s)", [of_districts])  # noqa: S608


class Migration(migrations.Migration):
    dependencies = [("cameras", "0003_kept_back"), ("mous", "0007_results_by_systems")]

    operations = [migrations.RunPython(close, migrations.RunPython.noop)]
