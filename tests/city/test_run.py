"""The city killed, up again, and stopped: no process is left over, and the data stays. The last that is done to it."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from daejeon_soc.up import city_env, processes, run
from tests.city.client import sql
from tests.running_city import RunningCity, brought_up, environment
from tests.waiting import until

pytestmark = [pytest.mark.city, pytest.mark.slow]


def count_cameras(city) -> int:
    ((count,),) = sql(city, "select count(*) from cameras_camera")
    return count


def test_kill_and_come_back(city):
    folder, demo = city.var_dir, city.demo
    cameras, secrets = count_cameras(city), city_env.read(folder / "city.env")
    os.kill(demo["pid"], signal.SIGKILL)
    city.process.wait()
    until(lambda: not processes.marked(str(folder)))
    with brought_up(folder, DEMO_CALL="False") as city:
        assert count_cameras(city) == cameras
        assert city_env.read(folder / "city.env") == secrets
        assert city.demo["users"] == demo["users"]
        assert "already up" in refusal_of_a_second(city)
        kill_front_server(city)
        until(lambda: is_well(city))
    assert processes.marked(str(folder)) == set()
    assert "pid" not in city.demo and "base_url" not in city.demo


def refusal_of_a_second(city: RunningCity) -> str:
    second = subprocess.run(
        [sys.executable, "-m", "daejeon_soc.up", "run"],
        cwd=run.BASE,
        env=environment(city.var_dir, PORT="1"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert second.returncode == 1
    return second.stderr


def kill_front_server(city: RunningCity) -> None:
    """Its workers would keep the port, and no new one could have it, unless the runner ends them."""
    file = city.var_dir / "run" / "nginx" / "nginx.pid"
    killed = file.read_text()
    os.kill(int(killed), signal.SIGKILL)
    until(lambda: file.read_text() not in ("", killed))


def is_well(city: RunningCity) -> bool:
    try:
        return httpx.get(f"{city.base_url}/healthz", timeout=30).status_code == 200
    except httpx.TransportError:
        return False
