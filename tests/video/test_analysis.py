"""What the analysis thinks of drawn streets, by day and by night, left alone and tampered with."""

import av
import numpy as np
import pytest

from apps.showroom.virtual.scene import Scene, View
from apps.showroom.virtual.tampered import Tampered
from apps.video.analysis import Belief, Judge, Movement, Usual
from apps.video.seeing import glimpse, likeness, luma_of

AT = 1_790_000_000.0
STEP, GOOD = 4.0, 60.0


def frame(planes: np.ndarray) -> av.VideoFrame:
    return av.VideoFrame.from_ndarray(planes, format="yuv420p")


def noisy(planes: np.ndarray, number: int) -> np.ndarray:
    """As a sensor gives it: no two pictures are the same."""
    grain = np.random.default_rng(number).normal(0, 3, planes.shape)
    return np.clip(planes + grain, 0, 255).astype(np.uint8)


def watch(judge: Judge, source, seconds: float, *, start: float = AT) -> list[set[str]]:
    times = np.arange(start, start + seconds, STEP)
    return [set(judge.look(glimpse(frame(source(at))), at)) for at in times]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "alarm", "hour"),
    [
        ("black", "black", 0.0),
        ("covered", "covered", 12.0),
        ("blurred", "covered", 0.0),
        ("moved", "moved", 0.0),
        ("moved", "moved", 12.0),
        ("frozen", "frozen", 12.0),
    ],
)
def test_what_is_done_to_a_camera_is_told_with_begin_and_end(how, alarm, hour):
    tampered = Tampered(Scene(1, (320, 180), daylight=hour), how, GOOD)
    judge = Judge()
    before = watch(judge, tampered.frame, GOOD)
    meanwhile = watch(judge, tampered.frame, GOOD, start=AT + GOOD)
    after = watch(judge, tampered.frame, GOOD, start=AT + 2 * GOOD)
    assert not any(before)
    assert meanwhile[-1] == {alarm}
    assert all(wrong in (set(), {alarm}) for wrong in meanwhile)
    assert after[-1] == set()


@pytest.mark.slow
def test_a_day_and_a_night_of_traffic_alarm_nobody():
    judge, scene = Judge(), Scene(6, (320, 180))
    found = set()
    for at in np.arange(AT, AT + 86_400, 480):  # 8 min between glimpses: dusk comes faster than in life
        found |= judge.look(glimpse(frame(scene.frame(at))), at)
    assert found == set()


@pytest.mark.slow
def test_a_camera_that_turns_by_command_is_never_moved():
    tampered = Tampered(Scene(1, (320, 180), daylight=12.0), "moved", GOOD)
    assert not any(watch(Judge(is_fixed=False), tampered.frame, 2 * GOOD))


@pytest.mark.slow
def test_a_small_turn_is_seen_and_may_be_accepted():
    judge, scene = Judge(), Scene(2, (320, 180), daylight=12.0)
    watch(judge, scene.frame, GOOD)
    scene.look(View(pan=8.0))
    assert watch(judge, scene.frame, 2 * GOOD, start=AT + GOOD)[-1] == {"moved"}
    judge.forget_view()
    assert not any(watch(judge, scene.frame, 2 * GOOD, start=AT + 3 * GOOD))


@pytest.mark.slow
def test_a_usual_view_survives_being_kept():
    judge, scene = Judge(), Scene(1, (320, 180), daylight=12.0)
    watch(judge, scene.frame, GOOD)
    usual = Usual.unpacked(judge.usual.packed(), judge.usual.detail)
    seen = glimpse(frame(scene.frame(AT + 100)))
    assert usual.likeness(seen) == pytest.approx(judge.usual.likeness(seen), abs=0.02)
    scene.look(View(pan=25.0))
    assert usual.likeness(glimpse(frame(scene.frame(AT)))) < 0.35


@pytest.mark.parametrize("data", [b"x", b"view" * 2000, bytes(2593 * 2 - 1)])
def test_a_kept_view_of_another_making_is_refused(data):
    with pytest.raises(ValueError, match="usual view"):
        Usual.unpacked(data, 0.5)


def test_nothing_is_no_view():
    assert not Usual.unpacked(b"", 0.0).is_known


def test_a_still_scene_with_a_sensors_grain_is_not_frozen():
    still = np.full((270, 320), 128, np.uint8)
    still[20:60, 20:200] = 60
    judge = Judge()
    wrong = [judge.look(glimpse(frame(noisy(still, n))), AT + n * STEP) for n in range(20)]
    assert not any("frozen" in found for found in wrong)


def coarsely(planes: np.ndarray, number: int) -> np.ndarray:
    """As a coder with too few bytes gives it: the same picture, differently spoilt each time."""
    spoilt = np.random.default_rng(number).normal(0, 2, (planes.shape[0] // 2, planes.shape[1] // 2))
    return np.clip(planes + np.kron(spoilt, np.ones((2, 2))), 0, 255).astype(np.uint8)


def test_a_clock_that_stops_betrays_a_frozen_picture_however_badly_it_is_coded():
    judge = Judge()
    for n in range(30):
        picture = np.full((270, 320), 128, np.uint8)
        picture[20:160, 20:300:8] = 60
        picture[5:20, 10 + min(n, 24) % 20 * 10 : 30 + min(n, 24) % 20 * 10] = 250  # the clock, until it stops
        wrong = judge.look(glimpse(frame(coarsely(picture, n))), AT + n * 10)
        assert ("frozen" in wrong) == (n >= 28)


def test_a_belief_needs_time_both_ways_and_does_not_flap():
    belief = Belief(10, 5)
    seen = [(0, True), (6, True), (8, False), (9, True), (15, True), (19, True), (21, None), (22, False), (26, False)]
    assert [belief.hear(seems, at) for at, seems in seen] == [False] * 5 + [True] * 3 + [True]
    assert belief.hear(False, 27) is False


def test_a_belief_survives_a_clock_that_was_set_back():
    belief = Belief(10, 5)
    belief.hear(True, 100)
    assert not belief.hear(True, 50)
    assert belief.hear(True, 60)


@pytest.mark.parametrize("size", [(320, 180), (704, 480), (1920, 1080), (160, 120), (1080, 1920)])
def test_a_picture_of_any_size_is_seen(size):
    width, height = size
    picture = np.random.default_rng(1).integers(0, 255, (height * 3 // 2, width), np.uint8)
    seen = glimpse(frame(picture))
    assert seen.edges.shape == (2, 27, 48)
    assert likeness(seen.edges, seen.edges) == pytest.approx(1)


def test_luma_is_read_without_the_padding():
    picture = np.arange(270 * 322, dtype=np.uint32).reshape(270, 322).astype(np.uint8)
    assert np.array_equal(luma_of(frame(picture)), picture[:180])


# --- movement ---


def levels(movement: Movement, pictures, *, sizes=None) -> list[int]:
    found = []
    for number, planes in enumerate(pictures):
        for second in range(2):
            movement.heard(AT + number * 2 - 2 + second, sizes[number] if sizes else 500)
        found += [level for _second, level in movement.saw(glimpse(frame(planes)), AT + number * 2)]
    return found


def test_a_still_scene_has_the_lowest_level():
    still = np.full((270, 320), 128, np.uint8)
    assert levels(Movement(), [still] * 4) == [1] * 6


def test_more_movement_is_a_higher_level():
    still = np.full((270, 320), 90, np.uint8)
    some, much = still.copy(), still.copy()
    some[100:130, 100:110], much[40:160, 50:220] = 200, 200
    found = levels(Movement(), [still, still, still, some, still, much])
    assert found[0] < 10 < found[4] < found[8] - 50


def test_where_the_picture_looks_the_same_the_coders_bytes_tell():
    still = np.full((270, 320), 90, np.uint8)
    found = levels(Movement(), [still] * 6, sizes=[500, 500, 500, 500, 4000, 500])
    assert min(found[6:8]) > 100
    assert max(found[:6]) < 10


def test_a_lamp_that_goes_on_is_no_movement():
    still = np.full((270, 320), 90, np.uint8)
    assert max(levels(Movement(), [still, still, still + 40, still + 40])) < 30


def test_nothing_is_said_of_a_gap():
    still = np.full((270, 320), 90, np.uint8)
    movement = Movement()
    assert list(movement.saw(glimpse(frame(still)), AT)) == []
    assert list(movement.saw(glimpse(frame(still)), AT + 3600)) == []
    assert [second - AT for second, _ in movement.saw(glimpse(frame(still)), AT + 3602)] == [3600, 3601]
