"""How tests wait for what other threads, processes and browsers do."""

import time
from collections.abc import Callable
from typing import TypeVar

Said = TypeVar("Said")
# Seconds. Far longer than anything takes, however much else the machine does: who says less means a promise.
PATIENCE = 60


def until(check: Callable[[], Said], what: str = "", *, within: float = PATIENCE, every: float = 0.05) -> Said:
    """What `check` says as soon as it says something; an error that names `what` after `within` seconds."""
    give_up_at = time.monotonic() + within
    while not (said := check()):
        assert time.monotonic() < give_up_at, f"not within {within} s: {what or check}"
        time.sleep(every)
    return said
