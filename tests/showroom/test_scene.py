from itertools import pairwise

import numpy as np
import pytest

from apps.showroom.virtual import light
from apps.showroom.virtual.lens import Lens
from apps.showroom.virtual.movement import CYCLE, RED
from apps.showroom.virtual.scene import Scene, View
from apps.showroom.virtual.streets import KINDS, street_of

AT = 1_790_000_000.0
pytestmark = pytest.mark.slow


def test_same_seed_and_time_give_the_same_pixels_whatever_came_before():
    fresh, used = Scene(1, daylight=21.0), Scene(1, daylight=21.0)
    for i in range(15):
        used.frame(AT - 9 + i / 2)
    assert np.array_equal(fresh.frame(AT), used.frame(AT))


def test_seeds_differ_and_things_move():
    one, other = Scene(1, daylight=14.0), Scene(7, daylight=14.0)
    picture = one.frame(AT)
    assert np.mean(picture[:360] != other.frame(AT)[:360]) > 0.3
    changed = np.mean(picture[30:340] != one.frame(AT + 1)[30:340])
    assert 0.003 < changed < 0.5


@pytest.mark.parametrize("seed", range(1, len(KINDS) + 1))
def test_night_is_darker_than_day_and_has_lights(seed):
    day, night = (Scene(seed, daylight=hour).frame(AT)[40:340] for hour in (13.0, 23.0))
    assert np.median(night) < np.median(day) * 0.8
    assert np.percentile(night, 99.7) > 110


def test_light_follows_the_sun():
    daejeon = 127.3845, 36.3504
    noon, midnight = 1_790_000_000 // 86_400 * 86_400 + 3.5 * 3600, 1_790_000_000 // 86_400 * 86_400 + 15.5 * 3600
    assert light.sun_height(noon, daejeon) == pytest.approx(54, abs=3)
    assert light.sun_height(midnight, daejeon) < -45
    assert light.light_at(54).lamps == 0
    assert light.light_at(-45).lamps == 1
    assert light.held_height(12.4) > 50
    assert light.held_height(0) < -10


def test_a_turned_camera_sees_elsewhere_and_comes_back():
    scene = Scene(3, daylight=14.0)
    home = scene.frame(AT)
    scene.look(View(pan=25, tilt=-3, zoom=2.0))
    turned = scene.frame(AT)
    assert np.mean(np.abs(turned[40:340].astype(int) - home[40:340])) > 8
    scene.look(View())
    assert np.array_equal(scene.frame(AT), home)


@pytest.mark.parametrize("view", [View(pan=500, tilt=500, zoom=100), View(pan=-500, tilt=-500, zoom=0.01)])
def test_a_view_stays_inside_the_painting(view):
    picture = Scene(5, daylight=14.0)
    picture.look(view)
    assert picture.frame(AT)[40:340].std() > 5


def test_large_pictures_show_the_same_street():
    small, large = (Scene(3, size, daylight=14.0).frame(AT) for size in ((640, 360), (1280, 720)))
    assert large.shape == (1080, 1280)
    assert np.abs(large[100:680:2, ::2].astype(int) - small[50:340]).mean() < 12


def test_no_car_runs_the_red_light_and_none_drives_through_another():
    lanes = [lane for lane in street_of(1).lanes if lane.stop is not None]
    assert lanes
    for lane in lanes:
        for tick in range(round(CYCLE * 5)):
            at = 10 * CYCLE + tick / 5
            before, after = lane.cars(at - 0.2), lane.cars(at)
            if 1.0 < at % CYCLE < RED[1]:
                passed = sum(front(car) > lane.stop + 1.2 for car in after)
                assert passed <= sum(front(car) > lane.stop + 1.2 for car in before) + (at % CYCLE < 2.0)
            ordered = sorted(after, key=lambda car: car.along)
            for behind, ahead in pairwise(ordered):
                assert ahead.along - ahead.look.shape.length / 2 > front(behind) - 0.3


def front(car) -> float:
    return car.along + car.look.shape.length / 2


def test_people_cross_only_while_cars_wait():
    street = street_of(1)
    seen = 0
    for tick in range(round(CYCLE * 10)):
        at = 20 * CYCLE + tick / 2
        on_road = [w for path in street.paths if (w := path.walker(at)) and -12.4 < w.x < 1.4 and 10 < w.y < 25]
        seen += bool(on_road)
        assert not on_road or at % CYCLE < RED[1] + 3
    assert seen > 20


def test_projection_meets_the_ground():
    lens = Lens(height=6, pitch=15, yaw=-10)
    for point in ((0, 12, 0), (-8, 40, 0), (5, 90, 0)):
        assert lens.ground_distance(lens.project(point)[1]) == pytest.approx(lens.distance(point), rel=1e-6)
    assert lens.outline([(0, -5, 0), (1, -5, 0), (1, -6, 0)]) == []
    assert len(lens.outline([(-1, -5, 0), (1, -5, 0), (1, 20, 0), (-1, 20, 0)])) == 4
