"""One supervisor over the processes of one city, from the first to the last."""

import fcntl
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from daejeon_soc.up import processes, supervision
from daejeon_soc.up.files import private_file
from daejeon_soc.up.processes import MARK
from daejeon_soc.up.steps import NotUp
from daejeon_soc.up.supervision import Group, Supervisor

# Longer than the slowest program is given to stop, shorter than a person's patience.
SECONDS_TO_STOP = 45


@contextmanager
def sole_runner(var: Path) -> Iterator[None]:
    """Refuse a second runner on the same folder. The lock goes with the process, however that ends."""
    try:
        (var / "run").mkdir(parents=True, exist_ok=True)
        lock = (var / "run" / "lock").open("a+")
    except PermissionError as error:
        raise NotUp(f"{error.filename} belongs to another user: run as that user, or set VAR_DIR.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            lock.seek(0)
            raise NotUp(f"This city is already up (process {lock.read().strip()}).") from error
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def end_leftovers(var: Path) -> int:
    """End what a runner that was killed has left behind; how many processes that were."""
    return processes.end_all(lambda: processes.marked(str(var)), patience=SECONDS_TO_STOP)


def environment(var: Path, values: dict[str, str], **more: str) -> dict[str, str]:
    """What every process of this city is started with. The rest of `values` they read from city.env."""
    addresses = {name: values[name] for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL")}
    return {**os.environ, **addresses, "VAR_DIR": str(var), MARK: str(var), "PYTHONUNBUFFERED": "1", **more}


@contextmanager
def supervised(
    groups: list[Group], *, base: Path, var: Path, values: dict[str, str]
) -> Iterator[tuple[Supervisor, subprocess.Popen]]:
    """Start supervisor and the first of `groups`; on the way out stop them all, the first one last."""
    for folder in ("log", "redis"):
        (var / folder).mkdir(exist_ok=True)
    file = var / "run" / "supervisor.conf"
    private_file(file, supervision.configuration(groups, folder=base, var=var, values=values))
    processes.adopt_orphans()
    # A session of its own: Ctrl-C is for the runner, which then stops everything in order.
    process = subprocess.Popen(
        supervision.command(file),
        cwd=base,
        env=environment(var, values),
        stdin=subprocess.DEVNULL,
        stdout=(var / "log" / "supervisord.out").open("w"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
        umask=0o077,  # recordings and logs are nobody else's to read
    )
    try:
        supervisor = Supervisor(values)
        supervisor.wait_until_answering(patience=20)
        supervisor.start(groups[0])
        yield supervisor, process
    finally:
        stop(process)


def stop(process: subprocess.Popen) -> None:
    """End supervisor and everything below this process. A second Ctrl-C does not leave half of it running."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    process.terminate()
    try:
        process.wait(timeout=SECONDS_TO_STOP)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    processes.end_all(lambda: processes.descendants_of(os.getpid()), patience=5)


def end_orphans(process: subprocess.Popen) -> None:
    """A supervised program that was killed leaves its own children to us: the next copy brings new ones."""
    orphans = processes.children_of(os.getpid()) - {process.pid}
    processes.tell(orphans, signal.SIGKILL)
    processes.reap(besides=process.pid)
