"""Several pytest processes on one machine: each has a Redis and a folder of its own, as it has a test database.

Loaded before the settings are (`-p tests.parallel`), and without effect on a pytest that runs alone.
"""

import atexit
import os
import subprocess
from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from daejeon_soc.up import ports

IN_TIME = (
    "tests/city/",
    "tests/video/test_analyst.py",
    "tests/video/test_feed.py",
    "tests/video/test_live.py",
    "tests/video/test_outages.py",
    "tests/video/test_power_cut.py",
    "tests/video/test_recorder.py",
)
BEHIND = 10  # of nice


def settle(worker: str) -> None:
    shared = Path(os.environ["VAR_DIR"])
    folder = shared / worker
    folder.mkdir(exist_ok=True)
    if not (folder / "city.env").exists():
        (folder / "city.env").symlink_to(shared / "city.env")
    port = ports.choose(besides=set())
    words = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    redis = subprocess.Popen(["redis-server", *words], stdout=subprocess.DEVNULL)
    atexit.register(redis.terminate)
    os.environ |= {"VAR_DIR": str(folder), "REDIS_URL": f"redis://127.0.0.1:{port}/0"}


class ByFile(LoadScopeScheduling):
    """A file stays in one process, for what its tests share; so does all that keeps time with cameras."""

    def _split_scope(self, nodeid: str) -> str:
        return "in time" if keeps_time(nodeid) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log) -> ByFile:
    return ByFile(config, log)


def keeps_time(nodeid: str) -> bool:
    return nodeid.startswith(IN_TIME)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What keeps time with cameras takes longest, and begins, in its order: it shares one city. Beside it comes what
    needs no browser.
    """

    def place(item: pytest.Item) -> int:
        return 0 if keeps_time(item.nodeid) else 2 if "browser" in item.fixturenames else 1

    items.sort(key=place)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """All else gives way to what keeps time: there is time enough while that waits for pictures."""
    if "PYTEST_XDIST_WORKER" in os.environ and not keeps_time(item.nodeid):
        os.setpriority(os.PRIO_PROCESS, 0, BEHIND)


if "PYTEST_XDIST_WORKER" in os.environ:
    settle(os.environ["PYTEST_XDIST_WORKER"])
