import pytest

from apps.video.media_clock import LONGEST_STEP, MediaClock

NOW = 1_700_000_000.0


def placed(*arrivals):
    clock = MediaClock()
    return clock, [clock.place(stamp, NOW + wall) for stamp, wall in arrivals]


def test_the_cameras_own_steps_are_kept():
    _clock, times = placed((70_000, 0), (76_000, 0.3), (82_000, 0.31))
    assert times == [0, 6000, 12000]


@pytest.mark.parametrize("stamp", [None, 5, 2**40, 70_000])
def test_a_broken_timestamp_falls_back_on_arrival(stamp):
    _clock, times = placed((70_000, 0), (stamp, 0.1))
    assert times == [0, 9000]


def test_time_never_stands_still():
    _clock, times = placed((None, 0), (None, 0), (None, -5))
    assert times == [0, 1, 2]


def test_a_wild_wall_clock_does_not_tear_the_line():
    _clock, times = placed((None, 0), (None, 1e6))
    assert times == [0, LONGEST_STEP]


@pytest.mark.parametrize("bits", [32, 33])
@pytest.mark.parametrize("late", [0.0, 0.2])
def test_wrapped_timestamps_go_on_whenever_they_arrive(bits, late):
    _clock, times = placed((2**bits - 9000, 0), (2**bits - 3000, 1 / 15), (3000, 2 / 15 + late), (9000, 3 / 15))
    assert times == [0, 6000, 12000, 18000]


def test_a_burst_of_older_pictures_shows_the_true_origin():
    clock, _times = placed(*((n * 6000, 0) for n in range(31)))
    assert clock.origin() == pytest.approx(NOW - 2)


def test_late_pictures_do_not_move_the_origin():
    clock, _times = placed((0, 0.1), (6000, 0.9), (12000, 12000 / 90000 + 0.05))
    assert clock.origin() == pytest.approx(NOW + 0.05)


def test_a_drifting_camera_is_followed():
    clock, _times = placed((0, 0))
    clock.forget()
    clock.place(90_000, NOW + 1.01)
    clock.forget()
    clock.place(180_000, NOW + 2.02)
    assert clock.origin() == pytest.approx(NOW + 0.02, abs=0.02)
    assert clock.origin() > NOW
