"""The end of a process by SIGKILL, at a step of one's choice."""

import os
import signal
import time
from collections.abc import Callable

from django.db import connection


def killed_at(act: Callable[[], object], place, name: str, calls: int = 0) -> None:
    """Let a child of this process `act`, until it calls `name` of `place` for the time after so many `calls`.

    The test needs a database of real transactions.
    """
    before = _sessions()
    child = os.fork()
    if not child:
        _act_until_killed(act, place, name, calls)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL, f"{name} was not called so often"
    # Postgres hears of it a moment later, and only then lets go of what the child had locked.
    end = time.monotonic() + 10
    while _sessions() - before and time.monotonic() < end:
        time.sleep(0.005)


def _sessions() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute("select pid from pg_stat_activity where datname = current_database() and usename is not null")
        return {pid for (pid,) in cursor.fetchall()}


def _act_until_killed(act: Callable[[], object], place, name: str, calls: int) -> None:
    parents = connection.connection  # kept: letting go of it would end the parent's session
    connection.connection = None
    real, done = getattr(place, name), []

    def dies(*args, **kwargs):
        if len(done) >= calls:
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(args)
        return real(*args, **kwargs)

    setattr(place, name, dies)
    try:
        act()
    finally:
        os._exit(parents is None)
