"""No process of the city outlives the city.

Three nets, because each has a hole: the kernel tells a process when its parent dies (a grandchild is not told);
the runner adopts every orphan below it (not when the runner itself was killed); and every process carries a
mark in its environment, by which the next start finds what an earlier one left behind.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

MARK = "SOC_RUN_FOR"
PR_SET_CHILD_SUBREAPER = 36


def adopt_orphans() -> None:
    """From now on a process whose parent died becomes a child of this one, not of init."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_CHILD_SUBREAPER)")


def told_when_parent_dies(command: list[str], signal_name: str = "TERM") -> list[str]:
    return ["setpriv", "--pdeathsig", signal_name, *command]


def every_pid() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def parent_of(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The second field is the program's name in brackets and may hold spaces and brackets itself.
    state, parent = stat.rpartition(")")[2].split()[:2]
    return None if state == "Z" else int(parent)


def children_of(parent: int) -> set[int]:
    return {pid for pid in every_pid() if parent_of(pid) == parent}


def descendants_of(pid: int) -> set[int]:
    parents = {child: parent_of(child) for child in every_pid()}
    found, look_below = set(), {pid}
    while look_below:
        look_below = {child for child, parent in parents.items() if parent in look_below} - found
        found |= look_below
    return found


def marked(value: str) -> set[int]:
    """Processes, other than this one, that were started for the city in folder `value`."""
    wanted = f"{MARK}={value}".encode()
    return {pid for pid in every_pid() if pid != os.getpid() and wanted in _environment(pid)}


def _environment(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:  # gone, or somebody else's
        return []


def tell(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue


def reap(*, besides: int = 0) -> None:
    """Take note of every child that has ended, except the one whose end somebody else waits for."""
    try:
        while (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) and ended.si_pid != besides:
            os.waitpid(ended.si_pid, 0)
    except ChildProcessError:
        return


def end_all(find: Callable[[], set[int]], *, patience: float) -> int:
    """Ask every process that `find` names to stop, insist after `patience` seconds; how many there were."""
    first = find()
    tell(first, signal.SIGTERM)
    insist_at = time.monotonic() + patience
    while remaining := find():
        if time.monotonic() > insist_at:
            tell(remaining, signal.SIGKILL)
        time.sleep(0.1)
        reap()
    return len(first)
