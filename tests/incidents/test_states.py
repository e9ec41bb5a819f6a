import pytest

from apps.incidents.states import EVENT_LABELS, OPEN, TRANSITIONS, NotAllowed, State, events_from, next_state

EXPECTED = {
    ("reported", "acknowledge"): "acknowledged",
    ("reported", "dispatch"): "dispatched",
    ("acknowledged", "dispatch"): "dispatched",
    ("dispatched", "arrive"): "on_scene",
    ("acknowledged", "resolve"): "resolved",
    ("dispatched", "resolve"): "resolved",
    ("on_scene", "resolve"): "resolved",
    **{(state, "close"): "closed" for state in OPEN},
    **{(state, "cancel"): "cancelled" for state in OPEN},
}


@pytest.mark.parametrize("state", State.values)
@pytest.mark.parametrize("event", TRANSITIONS)
def test_every_cell_of_the_table(state, event):
    if (state, event) in EXPECTED:
        assert next_state(state, event) == EXPECTED[state, event]
        assert event in events_from(state)
    else:
        with pytest.raises(NotAllowed):
            next_state(state, event)
        assert event not in events_from(state)


def test_every_event_has_a_label():
    assert set(EVENT_LABELS) == set(TRANSITIONS)
