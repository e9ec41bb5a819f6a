"""A whole city for tests and benchmarks: brought up as a person would, on ports and in a folder of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daejeon_soc.up import city_env, ports

BASE = Path(__file__).resolve().parent.parent
SECONDS_TO_COME_UP = 600


@dataclass(frozen=True)
class RunningCity:
    base_url: str
    var_dir: Path
    process: subprocess.Popen

    @property
    def demo(self) -> dict:
        """The sign-ins and keys, as `make run` wrote them down."""
        return json.loads((self.var_dir / "demo.json").read_text())

    def manage(self, *words: str) -> str:
        """What a `manage.py` command says, run as in a second shell."""
        return subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=BASE,
            env=environment(self.var_dir),
            capture_output=True,
            text=True,
            check=True,
        ).stdout


def environment(var_dir: Path, **more: str) -> dict[str, str]:
    """This process's environment without what the tests' own settings have put there."""
    outer = {name: value for name, value in os.environ.items() if name not in (*city_env.NAMES, "DEBUG")}
    return outer | {"VAR_DIR": str(var_dir)} | more


@contextmanager
def running_city(**settings: str) -> Iterator[RunningCity]:
    """A city in a temporary folder, gone afterwards. No exercise call comes by itself, unless DEMO_CALL says so."""
    with tempfile.TemporaryDirectory(prefix="soc-city-", dir="/var/tmp") as folder:
        var_dir = Path(folder)
        var_dir.chmod(0o755)  # started by root, the database runs as another user, who must pass through
        with brought_up(var_dir, **{"DEMO_CALL": "False"} | settings) as city:
            yield city


@contextmanager
def brought_up(var_dir: Path, **settings: str) -> Iterator[RunningCity]:
    port = ports.choose(besides=set())
    with (var_dir / "up.log").open("a") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "daejeon_soc.up", "run"],
            cwd=BASE,
            env=environment(var_dir, **{"PORT": str(port)} | settings),
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_up(process, var_dir)
        yield RunningCity(f"http://127.0.0.1:{port}", var_dir, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_up(process: subprocess.Popen, var_dir: Path) -> None:
    """Until demo.json names this runner, which it does when every part is well."""
    give_up_at = time.monotonic() + SECONDS_TO_COME_UP
    while runner_named_in(var_dir / "demo.json") != process.pid:
        if process.poll() is not None or time.monotonic() > give_up_at:
            raise AssertionError(f"the city did not come up:\n{(var_dir / 'up.log').read_text()}")
        time.sleep(0.2)


def runner_named_in(demo: Path) -> int | None:
    return json.loads(demo.read_text()).get("pid") if demo.exists() else None
