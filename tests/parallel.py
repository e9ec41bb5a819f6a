"""Several pytest processes on one machine: each has a Redis and a folder of its own, as it has a test database.

Loaded before the settings are (`-p tests.parallel`), and without effect on a pytest that runs alone.
"""

import atexit
import os
import subprocess
from pathlib import Path

import pytest

from daejeon_soc.up import ports


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


def pytest_itemcollected(item: pytest.Item) -> None:
    """A file stays in one process, for what its tests share; so does all that keeps time with cameras."""
    file = item.nodeid.partition("::")[0]
    item.add_marker(pytest.mark.xdist_group("in time" if in_time(item) else file))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What keeps time with cameras comes last: beside others it would be late."""
    items.sort(key=in_time)


def in_time(item: pytest.Item) -> bool:
    return any(item.get_closest_marker(name) for name in ("city", "in_time"))


if "PYTEST_XDIST_WORKER" in os.environ:
    settle(os.environ["PYTEST_XDIST_WORKER"])
