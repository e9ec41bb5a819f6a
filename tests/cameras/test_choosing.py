from uuid import uuid4

import pytest
from django.contrib.gis.db.models.functions import Distance
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from apps.agencies.models import Agency
from apps.cameras.choosing import choose, chosen_queryset
from apps.cameras.models import Camera, Site
from tests.cameras.conftest import CENTRE, metres
from tests.cameras.crowd import crowd

pytestmark = pytest.mark.django_db


def chosen(point=CENTRE, *, among=None, limit=5, radius_m=500, outer_radius_m=1000, **more):
    cameras = Camera.objects.all() if among is None else among
    return choose(point, among=cameras, limit=limit, radius_m=radius_m, outer_radius_m=outer_radius_m, **more)


def numbers(**options) -> list[str]:
    return [each.camera.number for each in chosen(**options)]


def test_nobody_to_choose(db):
    assert chosen() == []


def test_covering_first_then_distance(camera):
    camera("near, looks away", metres(10), bearing_deg=0)
    camera("far, looks here", metres(45), bearing_deg=180)
    camera("farther", metres(200), bearing_deg=180)
    camera("near, looks here", metres(-30), bearing_deg=0)
    assert numbers() == ["near, looks here", "far, looks here", "near, looks away", "farther"]
    assert [each.covers for each in chosen()] == [True, True, False, False]


def test_an_unknown_direction_covers_its_circle(camera):
    camera("unknown", metres(45))
    camera("all round", metres(-45), fov_deg=360)
    assert all(each.covers for each in chosen())


@pytest.mark.parametrize("status", ["off", "serious", "critical"])
def test_those_without_a_picture_come_last(camera, status):
    camera("dead, covers", metres(5), status=status)
    camera("far", metres(900), status="caution")
    assert numbers() == ["far", "dead, covers"]
    assert numbers(limit=1) == ["far"]


def test_the_living_are_found_behind_many_dead(camera):
    for turn in range(30):
        camera(f"dead {turn}", metres(1 + turn), status="serious")
    camera("alive", metres(0, 800))
    assert numbers(limit=3) == ["alive", "dead 0", "dead 1"]


def test_a_covering_camera_is_found_behind_many_nearer(camera):
    for turn in range(30):
        camera(f"looks away {turn}", metres(1 + turn), bearing_deg=0, fov_deg=60)
    camera("long sight", metres(-400), bearing_deg=0, range_m=500)
    assert numbers(limit=2) == ["long sight", "looks away 0"]


def test_nothing_beyond_the_outer_ring(camera):
    camera("inner", metres(499))
    camera("outer", metres(501))
    camera("edge", metres(0, -999))
    camera("beyond", metres(0, 1001), range_m=2000)
    assert [(each.camera.number, each.ring) for each in chosen()] == [
        ("inner", "inner"), ("outer", "outer"), ("edge", "outer"),
    ]  # fmt: skip


def test_without_an_outer_ring_the_radius_bounds(camera):
    camera("inner", metres(499))
    camera("outer", metres(501))
    assert numbers(outer_radius_m=500) == ["inner"]


def test_the_limit_counts(camera):
    for turn in range(8):
        camera(f"{turn}", metres(100 + turn))
    assert numbers(limit=3) == ["0", "1", "2"]
    assert numbers(limit=0) == []


def test_disabled_cameras_are_not_chosen(camera):
    camera("disabled", is_enabled=False)
    assert numbers() == []


def test_the_filters_of_the_caller_hold_in_every_branch(camera):
    for status in ("normal", "off"):
        camera(f"plate {status}", metres(1), purpose="plate", status=status)
        camera(f"traffic {status}", metres(400), purpose="traffic", status=status)
    assert numbers(among=Camera.objects.exclude(purpose="plate")) == ["traffic normal", "traffic off"]
    assert numbers(among=Camera.objects.none()) == []


def test_filters_across_tables_and_an_order_of_their_own(camera):
    camera("mine", metres(20))
    other = Agency.objects.create(code="other", name_ko="other", name_en="other", kind="city")
    camera("theirs", metres(10), bearing_deg=90)
    Camera.objects.filter(number="theirs").update(owner=other)
    among = Camera.objects.filter(owner__code="seo-gu", site__purpose="security").order_by("-number")
    assert numbers(among=among) == ["mine"]


@pytest.mark.parametrize(("north", "east", "bearing"), [(-100, 0, 0), (0, -100, 90), (100, 0, 180), (0, 100, 270)])
def test_the_bearing_is_from_the_camera_to_the_place(camera, north, east, bearing):
    camera("one", metres(north, east))
    (one,) = chosen()
    assert one.bearing_deg == pytest.approx(bearing, abs=0.5)
    assert one.distance_m == pytest.approx(100, abs=0.5)
    assert one.turn is None


@pytest.mark.parametrize(("home", "turn"), [(None, -90), (0, -90), (270, 0), (180, 90), (100, 170), (80, -170)])
def test_a_turning_camera_covers_and_says_how_far_to_turn(camera, home, turn):
    camera("ptz", metres(0, 90), kind="ptz", range_m=100, bearing_deg=home)
    (one,) = chosen()
    assert one.covers
    assert one.turn == pytest.approx(turn, abs=0.5)


def test_a_turning_camera_out_of_range_does_not_turn(camera):
    camera("ptz", metres(0, 120), kind="ptz", range_m=100)
    (one,) = chosen()
    assert (one.covers, one.turn) == (False, None)


def test_a_camera_on_the_very_spot_has_no_bearing(camera):
    camera("ptz", CENTRE, kind="ptz")
    (one,) = chosen()
    assert (one.distance_m, one.covers, one.bearing_deg, one.turn) == (0, True, None, None)


def test_ties_are_listed_in_order(camera):
    for turn in range(5):
        camera(f"{turn}", metres(10))
    assert numbers() == ["0", "1", "2", "3", "4"]


def test_one_query(camera, django_assert_num_queries):
    for turn in range(6):
        camera(f"{turn}", metres(turn))
    with django_assert_num_queries(1):
        assert len(chosen()) == 5


def by_the_book(cameras, limit: int) -> list[tuple]:
    """The rule said plainly, one camera at a time: (without picture, does not cover, metres) of each chosen."""
    ranked = sorted(
        (camera.status not in Camera.ALIVE, not camera.coverage.intersects(CENTRE), round(camera.distance.m, 1))
        for camera in cameras
        if camera.distance.m <= 1000
    )
    return ranked[:limit]


@pytest.mark.slow
class TheShortQuery(HypothesisTestCase):
    """It finds what looking at every camera would find."""

    @settings(max_examples=20, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.integers(-1200, 1200),
                st.integers(-1200, 1200),
                st.sampled_from([None, 0, 90, 180, 270]),
                st.sampled_from([50, 400, 2000]),
                st.sampled_from(["normal", "serious", "off", "caution"]),
            ),
            max_size=12,
        ),
        st.integers(1, 6),
    )
    def test_agrees_with_the_rule(self, cameras, limit):
        owner = Agency.objects.create(code="seo-gu", name_ko="서구청", name_en="Seo-gu", kind="district")
        site = Site.objects.create(owner=owner, management_no="1", purpose="security", location=CENTRE)
        for turn, (north, east, bearing, range_m, status) in enumerate(cameras):
            Camera.objects.create(
                site=site, owner=owner, number=str(turn), purpose="security", location=metres(north, east),
                bearing_deg=bearing, range_m=range_m, status=status, rtsp_url="" if status == "off" else "rtsp://x",
            )  # fmt: skip
        everyone = Camera.objects.annotate(distance=Distance("location", CENTRE))
        found = [
            (each.camera.status not in Camera.ALIVE, not each.covers, each.distance_m) for each in chosen(limit=limit)
        ]
        assert found == by_the_book(everyone, limit)


@pytest.mark.slow
def test_the_plan_uses_the_indexes(db):
    crowd(10_000, alive=0.5)
    among = Camera.objects.exclude(purpose="plate")
    plan = chosen_queryset(CENTRE, among=among, limit=5, outer_radius_m=1000).explain()
    assert "Index Scan using camera_alive_location" in plan
    assert "Index Scan using camera_rest_location" in plan
    assert "cameras_camera_coverage" in plan
    assert "Seq Scan on cameras_camera" not in plan
    assert plan.count("Order By: (location <->") == 2


def test_a_kept_statement_serves_another_place(camera):
    here, there = camera("here", metres(0)), camera("there", metres(400))
    assert numbers(limit=1) == [here.number]
    assert chosen(there.location, limit=1)[0].camera == there
    assert chosen(limit=1)[0].distance_m == 0


def test_a_kept_statement_is_for_the_same_cameras_only(camera):
    camera("security", metres(0), purpose="security")
    camera("traffic", metres(1), purpose="traffic")
    for purpose in ("security", "traffic"):
        assert numbers(among=Camera.objects.filter(purpose=purpose)) == [purpose]


def test_cameras_known_by_a_name_are_written_once(camera):
    camera("security", metres(0), purpose="security")
    written = []

    def among():
        written.append(True)
        return Camera.objects.filter(purpose="security")

    for _ in range(3):
        assert numbers(among=among, known_as=uuid4()) == ["security"]
    name = uuid4()
    for _ in range(3):
        assert numbers(among=among, known_as=name) == ["security"]
    assert len(written) == 4
