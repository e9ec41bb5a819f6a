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

# Takes longer than any other file, and would keep a process busy when the others have ended.
FIRST = "tests/up/test_run.py"
IN_TIME = (
    "tests/city/",
    "tests/video/test_analyst.py",
    "tests/video/test_feed.py",
    "tests/video/test_live.py",
    "tests/video/test_outages.py",
    "tests/video/test_power_cut.py",
    "tests/video/test_recorder.py",
)


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
        return "in time" if nodeid.startswith(IN_TIME) else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log) -> ByFile:
    return ByFile(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What keeps time with cameras comes last: beside others it would be late."""
    items.sort(key=lambda item: (item.nodeid.startswith(IN_TIME), not item.nodeid.startswith(FIRST)))


if "PYTEST_XDIST_WORKER" in os.environ:
    settle(os.environ["PYTEST_XDIST_WORKER"])
