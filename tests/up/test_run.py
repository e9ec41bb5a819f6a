"""Up, killed, up again, stopped: no process is left over, and the data stays."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx
import pytest

from daejeon_soc.up import city_env, processes, run
from tests.city.client import sql
from tests.running_city import brought_up, environment

pytestmark = pytest.mark.city
# Drawing eight streets, and a call, would take the machine from what comes up.
QUIET = {"VIRTUAL_CAMERAS": "1", "DEMO_CALL": "False"}


@pytest.fixture
def folder():
    with tempfile.TemporaryDirectory(prefix="soc-run-", dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


def wait_until_none_is_left(var_dir: Path) -> set[int]:
    give_up_at = time.monotonic() + 40
    while (left := processes.marked(str(var_dir))) and time.monotonic() < give_up_at:
        time.sleep(0.2)
    return left


def count_cameras(city) -> int:
    ((count,),) = sql(city, "select count(*) from cameras_camera")
    return count


def test_kill_and_come_back(folder):
    with brought_up(folder, **QUIET) as city:
        cameras, secrets, demo = count_cameras(city), city_env.read(folder / "city.env"), city.demo
        os.kill(demo["pid"], signal.SIGKILL)
        city.process.wait()
        assert wait_until_none_is_left(folder) == set()
    with brought_up(folder, **QUIET) as city:
        assert count_cameras(city) == cameras
        assert city_env.read(folder / "city.env") == secrets
        assert city.demo["users"] == demo["users"]
        refused = again(folder)
        assert "already up" in refused
        kill_front_server(folder)
        assert httpx.get(f"{city.base_url}/healthz", timeout=30).status_code == 200
    assert processes.marked(str(folder)) == set()
    assert "pid" not in city.demo and "base_url" not in city.demo


def again(folder: Path) -> str:
    second = subprocess.run(
        [sys.executable, "-m", "daejeon_soc.up", "run"],
        cwd=run.BASE,
        env=environment(folder, PORT="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    return second.stderr


def kill_front_server(folder: Path) -> None:
    """Its workers would keep the port, and no new one could have it, unless the runner ends them."""
    pid = int((folder / "run" / "nginx" / "nginx.pid").read_text())
    os.kill(pid, signal.SIGKILL)
    give_up_at = time.monotonic() + 20
    while int((folder / "run" / "nginx" / "nginx.pid").read_text() or pid) == pid and time.monotonic() < give_up_at:
        time.sleep(0.2)
    time.sleep(1)
