"""The index by days: where rows go, and that nothing goes with a day that is still wanted."""

from contextlib import closing
from datetime import UTC, date, datetime, timedelta

import psycopg2
import pytest
from django.db import DatabaseError, connection, transaction

from apps.video import partitions, tasks
from apps.video.models import PurgeMark, Segment
from apps.video.partitions import call
from tests.cast import make_camera

pytestmark = [pytest.mark.slow, pytest.mark.django_db]
TABLE = "video_segment"
NOW = datetime.now(UTC)
DAY = timedelta(days=1)
# A day of which other tests know nothing.
THEN = (NOW - 400 * DAY).replace(hour=10, minute=0, second=0, microsecond=0)
CLOSED = {"state": "closed", "bytes": 1000, "sha256": "00" * 32}


def segment(camera, started_at: datetime, **details) -> Segment:
    row = {"session": 1, "init_bytes": 700, "width": 640, "height": 360, "codec": "avc1.640016", **CLOSED}
    ends = {} if details.get("state") == "recording" else {"ended_at": started_at + timedelta(minutes=1)}
    return Segment.objects.create(camera=camera, started_at=started_at, **row | ends | details)


def home(one: Segment) -> str:
    """The table that holds it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "select tableoid::regclass::text from video_segment where camera_id = %s and started_at = %s", list(one.pk)
        )
        return cursor.fetchone()[0]


def part(day: date | datetime) -> str:
    return f"video_segment_{day:%Y%m%d}"


def mark(camera, removed: datetime) -> None:
    PurgeMark.objects.create(camera=camera, until=removed, removed=removed)


def test_the_days_to_come_are_ready():
    partitions.make_ready(NOW)
    assert {(NOW + n * DAY).date() for n in range(4)} <= partitions.days(TABLE)
    partitions.make_ready(NOW)


def test_what_finds_no_day_is_caught_found_and_moved_to_its_own(camera):
    lost = segment(camera, THEN)
    assert home(lost) == "video_segment_default"
    assert list(Segment.objects.covering(camera.pk, THEN, THEN + DAY)) == [lost]
    tasks.keep_partitions()
    assert home(lost) == part(THEN)
    assert list(Segment.objects.covering(camera.pk, THEN, THEN + DAY)) == [lost]


@pytest.mark.parametrize("away", [20 * DAY, -4000 * DAY])
def test_a_clock_that_is_wrong_makes_no_days_and_loses_nothing(camera, away):
    strange = segment(camera, NOW + away)
    tasks.keep_partitions()
    assert home(strange) == "video_segment_default"
    with pytest.raises(DatabaseError, match="no day to be recorded"), transaction.atomic():
        call(f"{TABLE}_make_day", (NOW + away).date())


def test_a_segment_belongs_to_the_utc_day_of_its_start(camera):
    before, after = (THEN.replace(hour=hour, minute=minute) for hour, minute in ((23, 59), (0, 0)))
    rows = [segment(camera, before), segment(camera, after + DAY)]
    tasks.keep_partitions()
    assert [home(row) for row in rows] == [part(THEN), part(THEN + DAY)]


class TestArranging:
    @pytest.fixture
    def written(self, owner):
        """Two cameras, minute by minute, as recorders write."""
        cameras = [make_camera(owner) for _ in range(2)]
        call(f"{TABLE}_make_day", THEN.date())
        return [segment(camera, THEN + timedelta(minutes=n)) for n in range(3) for camera in cameras]

    def order(self) -> list[tuple[int, datetime]]:
        with connection.cursor() as cursor:
            cursor.execute(f"select camera_id, started_at from {part(THEN)} order by ctid")
            return cursor.fetchall()

    def test_a_day_that_is_over_is_put_in_the_order_of_cameras(self, written):
        assert self.order() == [row.pk for row in written]
        tasks.keep_partitions()
        assert self.order() == sorted(row.pk for row in written)
        assert not call(f"{TABLE}_arrange_day", THEN.date())

    def test_not_while_somebody_may_still_write_to_it(self, written, camera):
        torn = segment(camera, THEN, state="recording")
        assert not call(f"{TABLE}_arrange_day", THEN.date())
        torn.delete()
        assert call(f"{TABLE}_arrange_day", THEN.date())

    def test_not_today(self):
        today = datetime.now(UTC)
        partitions.make_ready(today)
        assert not call(f"{TABLE}_arrange_day", today.date())

    def test_rows_can_be_changed_and_added_after(self, written, camera):
        tasks.keep_partitions()
        Segment.objects.filter(pk=written[0].pk).update(state="purging")
        assert home(segment(camera, THEN)) == part(THEN)
        assert Segment.objects.count() == 7


class TestForgetting:
    @pytest.fixture
    def cameras(self, owner):
        call(f"{TABLE}_make_day", THEN.date())
        cameras = [make_camera(owner) for _ in range(5)]
        for camera in cameras:
            segment(camera, THEN)
        return cameras

    def left(self) -> set[int]:
        return set(Segment.objects.values_list("camera_id", flat=True))

    @pytest.mark.parametrize("over", [0, 1, 4, 5])
    def test_what_every_mark_has_passed_goes_and_nothing_else(self, cameras, over):
        for camera in cameras[:over]:
            mark(camera, THEN + timedelta(hours=1))
        assert call(f"{TABLE}_forget_day", THEN.date())
        assert self.left() == {camera.pk for camera in cameras[over:]}
        assert (THEN.date() in partitions.days(TABLE)) == (over < 5)

    def test_a_mark_in_the_middle_of_the_day_takes_what_it_has_passed(self, cameras):
        later = segment(cameras[0], THEN + timedelta(hours=2))
        mark(cameras[0], THEN + timedelta(hours=1))
        call(f"{TABLE}_forget_day", THEN.date())
        assert list(Segment.objects.filter(camera=cameras[0])) == [later]

    @pytest.mark.parametrize("state", ["recording", "purging"])
    def test_what_is_not_done_with_stays(self, cameras, state):
        for camera in cameras:
            mark(camera, THEN + DAY)
        kept = segment(cameras[0], THEN + timedelta(minutes=2), state=state)
        call(f"{TABLE}_forget_day", THEN.date())
        assert list(Segment.objects.all()) == [kept]
        assert home(kept) == part(THEN)

    def test_a_day_that_is_not_there_is_no_error(self):
        assert not call(f"{TABLE}_forget_day", date(2001, 1, 1))


def test_readers_come_first(camera):
    """Somebody holds the table: we give up soon, and try again another time."""
    own = connection.settings_dict
    words = {"host": own["HOST"], "port": own["PORT"], "user": own["USER"], "password": own["PASSWORD"]}
    with closing(psycopg2.connect(dbname=own["NAME"], **words)) as other, other.cursor() as cursor:
        cursor.execute(f"lock table {TABLE}_default in access share mode")
        with pytest.raises(DatabaseError, match="lock timeout"), transaction.atomic():
            call(f"{TABLE}_make_day", THEN.date())
    assert THEN.date() not in partitions.days(TABLE)


def test_nobody_calls_the_owners_functions_but_who_may_write():
    with connection.cursor() as cursor:
        cursor.execute(
            "select proname from pg_proc where proname like %s "
            "and (proacl is null or exists (select from unnest(proacl) granted where granted::text like '=%%'))",
            [f"{TABLE}_%"],
        )
        assert cursor.fetchall() == []
        cursor.execute("select proname from pg_proc where proname like %s and prosecdef", [f"{TABLE}_%"])
        names = {name for (name,) in cursor.fetchall()}
    assert names == {f"{TABLE}_{verb}_day" for verb in ("make", "arrange", "forget")}
