import pytest

from apps.video.recorder import share_of


@pytest.mark.parametrize(
    ("rooms", "shares"),
    [((50, 50), [4, 4]), ((10, 30), [2, 6]), ((1, 30), [1, 8]), ((0, 30), [0, 8]), ((1, 2), [1, 2]), ((0,), [0])],
)
def test_each_recorder_holds_according_to_its_room_and_no_camera_is_left_over(rooms, shares):
    assert [share_of(room, 8, sum(rooms)) for room in rooms] == shares
