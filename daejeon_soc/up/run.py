"""`make run`: from an installed checkout to a working city, and back."""

import hashlib
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import environ

from daejeon_soc.up import city_env, ports, postgres, programs, running
from daejeon_soc.up.files import private_file
from daejeon_soc.up.steps import NotUp, step
from daejeon_soc.up.supervision import Group, Supervisor

BASE = Path(__file__).resolve().parent.parent.parent
SECONDS_TO_COME_UP = 120
SECONDS_TO_CALL = 60


def run() -> None:
    city_env.read_dot_env(BASE)
    city_env.refuse_foreign_addresses()
    var = Path(os.environ.get("VAR_DIR") or BASE / "var").resolve()
    stop_when_told()
    try:
        with running.sole_runner(var):
            bring_up(var)
    except KeyboardInterrupt:
        print("\n  Stopped.", flush=True)


def stop_when_told() -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup: closing the terminal shall not stop the city
        signal.signal(signal.SIGHUP, _interrupt)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@dataclass(frozen=True)
class City:
    var: Path
    values: dict[str, str]
    port: int
    demo: bool

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def groups(self) -> list[Group]:
        """What runs, in the order of starting; the last starts a minute after the others."""
        return [
            programs.servers(self.var, self.values),
            programs.application(self.var, self.values, port=self.port, demo=self.demo),
            programs.exercise(),
        ]


def bring_up(var: Path) -> None:
    if left := running.end_leftovers(var):
        print(f"  Ended {left} processes that an earlier run had left behind.")
    port = chosen_port()
    # A killed runner could not take its address out of demo.json.
    tell_demo(var, base_url=None, pid=None)
    with step("ports and secrets"):
        values = city_env.settle(var / "city.env", besides={port})
    city = City(var, values, port, environ.Env().bool("DEMO", default=values["DEMO"] == "True"))
    with step("database files"):
        make_cluster(city)
    if (data := postgres.data_folder(var)).parent != var:
        print(f"  The database is in {data}, since its user may not pass through to {var}")
    _servers, application, exercise = groups = city.groups()
    try:
        with running.supervised(groups, base=BASE, var=var, values=values) as (supervisor, process):
            prepare(city)
            with step("web, sockets, worker, recorder, cameras"):
                supervisor.start(application)
                wait_until_well(f"{city.address}/healthz", supervisor, process)
            tell_demo(var, base_url=city.address, pid=os.getpid())
            announce(city)
            calls = [exercise] if city.demo and environ.Env().bool("DEMO_CALL", default=True) else []
            watch(process, supervisor, calls)
    finally:
        tell_demo(var, base_url=None, pid=None)


def chosen_port() -> int:
    wish = os.environ.get("PORT") or "8000"
    if not wish.isdecimal() or not 0 < int(wish) < 65_536:
        raise NotUp(f"PORT is not a port number: {wish}")
    if not ports.is_free(int(wish)):
        raise NotUp(f"Port {wish} is in use, or not yours to take. Choose another, for example: PORT=8010 make run")
    return int(wish)


def make_cluster(city: City) -> None:
    data = postgres.data_folder(city.var)
    if postgres.make_cluster(data, city.values["POSTGRES_PASSWORD"]):
        # What an earlier database had, a new one has not.
        for file in (city.var / "run" / "tables", city.var / "run" / "sample", city.var / "demo.json"):
            file.unlink(missing_ok=True)


def prepare(city: City) -> None:
    """Everything between an answering database and the first process of the application."""
    with step("Postgres with PostGIS, Redis"):
        postgres.wait_until_answering(city.values, patience=30)
        postgres.set_up_roles(city.values)
    manage, done = Manage(city.var, city.values), city.var / "run"
    with only_when_changed(done / "tables", table_changes()) as changed:
        if changed:
            with step("database tables"):
                manage("migrate", "--verbosity=0")
    with only_when_changed(done / "texts", texts := list((BASE / "locale").rglob("*.po"))) as changed:
        if changed and texts:
            with step("translations"):
                manage("compilemessages", "--verbosity=0", "--ignore=.venv", "--ignore=node_modules")
    with only_when_changed(done / "static", served_files()) as changed:
        if changed or not (city.var / "static").exists():
            with step("static files"):
                manage("collectstatic", "--noinput", "--verbosity=0")
    cameras = (city.values["VIRTUAL_RTSP_PORT"], os.environ.get("VIRTUAL_CAMERAS", ""))
    with only_when_changed(done / "sample", [], *cameras) as changed:
        if city.demo and (changed or not (city.var / "demo.json").exists()):
            with step("sample city"):
                manage("load_sample_city")


class Manage:
    """Runs `manage.py` commands of this city."""

    def __init__(self, var: Path, values: dict[str, str]):
        self.environment = running.environment(var, values)

    def __call__(self, *words: str) -> None:
        done = subprocess.run(
            programs.manage(*words),
            cwd=BASE,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise NotUp(f"manage.py {' '.join(words)} failed:\n{(done.stdout + done.stderr).strip()[-4000:]}")


def table_changes() -> Iterator[Path]:
    """What the tables are made from; the migrations of packages are told by their lock."""
    yield from (BASE / "requirements.txt", BASE / "daejeon_soc" / "settings.py")
    yield from BASE.glob("apps/*/migrations/*.py")


def served_files() -> Iterator[Path]:
    """What the static folder is made from; packages are told by their locks."""
    for folder in (BASE / "static", *BASE.glob("apps/*/static")):
        yield from (path for path in folder.rglob("*") if path.is_file())
    yield from (BASE / "requirements.txt", BASE / "package-lock.json", BASE / "daejeon_soc" / "settings.py")


@contextmanager
def only_when_changed(stamp: Path, files: Iterable[Path], *words: str) -> Iterator[bool]:
    """Whether `files` or `words` differ from those of the last time that the work was finished."""
    digest = hashlib.sha256(repr(words).encode())
    for path in sorted(files):
        digest.update(f"{path}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    now = digest.hexdigest()
    yield not (stamp.exists() and stamp.read_text() == now)
    stamp.write_text(now)


def wait_until_well(url: str, supervisor: Supervisor, process: subprocess.Popen) -> None:
    give_up_at = time.monotonic() + SECONDS_TO_COME_UP
    while (answer := ask(url)) is not None:
        if failed := supervisor.failed():
            raise NotUp(f"{failed[0]} does not stay up: see var/log/{failed[0]}.log")
        if time.monotonic() > give_up_at or process.poll() is not None:
            raise NotUp(f"The city did not come up in time. {answer}")
        time.sleep(0.2)


def ask(url: str) -> str | None:
    """What is not well, or None."""
    try:
        with urllib.request.urlopen(url, timeout=5):  # noqa: S310  (our own address)
            return None
    except urllib.error.HTTPError as error:
        return error.read().decode()
    except OSError as error:
        return str(error)


def tell_demo(var: Path, **facts: object) -> None:
    """Put facts of this run into demo.json; None takes one out, so that no reader meets a stopped city's."""
    file = var / "demo.json"
    if not file.exists():
        return
    told = json.loads(file.read_text()) | facts
    private_file(file, json.dumps({name: fact for name, fact in told.items() if fact is not None}, indent=2))


def announce(city: City) -> None:
    print(f"\n  The city is up: {city.address}\n")
    file = city.var / "demo.json"
    people = json.loads(file.read_text())["users"] if file.exists() else []
    if people:
        print(f"    {'role':<15} {'sign in as':<13} {'password':<25} agency")
    for user in people:
        print(f"    {user['role']:<15} {user['username']:<13} {user['password']:<25} {user['agency']}")
    print("\n  Ctrl-C stops it. A second shell can use .venv/bin/python manage.py meanwhile.", flush=True)


def watch(process: subprocess.Popen, supervisor: Supervisor, calls: list[Group]) -> None:
    """Stay for as long as the city does, and let the exercise call come a minute after the start."""
    call_at = time.monotonic() + SECONDS_TO_CALL
    while process.poll() is None:
        running.end_orphans(process)
        if calls and time.monotonic() > call_at:
            supervisor.start(calls.pop())
        time.sleep(1)
    raise NotUp("Supervisor has ended, and the city with it: see var/log/supervisord.log")
