"""How much moved before a camera, second by second."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from psycopg2.extras import execute_values

from apps.video.models import Motion, PurgeMark

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)
# What is known already of a minute stays, whoever looks at the rest of it.
NOTE = """
insert into video_motion (camera_id, minute, levels) values %s
    on conflict (camera_id, minute) do update set levels = excluded.levels
"""


def levels(camera_id: int, start: datetime, end: datetime) -> list[tuple[datetime, int]]:
    """(second, level 1 to 255) of each second in [start, end) of which something is known and not yet to be forgotten.

    1 is a still picture. Levels compare one camera with itself; docs/adr/0011 says how they are found.
    """
    return [
        (second, level)
        for row in minutes(camera_id, start, end)
        for number, level in enumerate(bytes(row.levels))
        if level and start <= (second := row.minute + number * SECOND) < end
    ]


def minutes(camera_id: int, start: datetime, end: datetime) -> list[Motion]:
    """The rows that touch [start, end), in order."""
    mark = PurgeMark.objects.filter(camera_id=camera_id).first()
    since = max(start, mark.until) if mark else start
    rows = Motion.objects.filter(camera_id=camera_id, minute__gt=since - MINUTE, minute__lt=end)
    return list(rows.order_by("minute"))


def note(found: dict[tuple[int, datetime], bytes]) -> None:
    """Write the levels of whole minutes: 60 bytes for each camera and minute."""
    with connection.cursor() as cursor:
        execute_values(cursor, NOTE, [(camera, minute, levels) for (camera, minute), levels in found.items()])


def minute_of(second: int) -> tuple[datetime, int]:
    """The minute of a Unix second, and which of its seconds that is."""
    return datetime.fromtimestamp(second - second % 60, UTC), second % 60
