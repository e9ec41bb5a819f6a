from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class State(models.TextChoices):
    REPORTED = "reported", _("Reported")
    ACKNOWLEDGED = "acknowledged", _("Acknowledged")
    DISPATCHED = "dispatched", _("Dispatched")
    ON_SCENE = "on_scene", _("On scene")
    RESOLVED = "resolved", _("Resolved")
    CLOSED = "closed", _("Closed")
    CANCELLED = "cancelled", _("Cancelled")


S = State
OPEN = (S.REPORTED, S.ACKNOWLEDGED, S.DISPATCHED, S.ON_SCENE, S.RESOLVED)

# event: (states it may leave, state it enters)
TRANSITIONS = {
    "acknowledge": ({S.REPORTED}, S.ACKNOWLEDGED),
    "dispatch": ({S.REPORTED, S.ACKNOWLEDGED}, S.DISPATCHED),
    "arrive": ({S.DISPATCHED}, S.ON_SCENE),
    "resolve": ({S.ACKNOWLEDGED, S.DISPATCHED, S.ON_SCENE}, S.RESOLVED),
    "close": (OPEN, S.CLOSED),
    "cancel": (OPEN, S.CANCELLED),
}

EVENT_LABELS = {
    "acknowledge": _("Acknowledge"),
    "dispatch": _("Units dispatched"),
    "arrive": _("Units on scene"),
    "resolve": _("Resolved"),
    "close": pgettext_lazy("incident", "Close"),
    "cancel": _("Cancel"),
}


class NotAllowed(Exception):
    """The event does not leave this state, or a colleague was first."""


def next_state(state: str, event: str) -> State:
    sources, after = TRANSITIONS[event]
    if state not in sources:
        raise NotAllowed(_("An incident that is “%(state)s” cannot take this step.") % {"state": State(state).label})
    return after


def events_from(state: str) -> list[str]:
    """The events that may leave `state`, in the order of the table: what the page's buttons are drawn from."""
    return [event for event, (sources, _after) in TRANSITIONS.items() if state in sources]
