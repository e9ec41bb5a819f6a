"""Which processes make a city, with the words that start each."""

import os
import shutil
import sys
from pathlib import Path
from socket import gethostname
from string import Template

from daejeon_soc.up import postgres
from daejeon_soc.up.files import private_file
from daejeon_soc.up.supervision import Group, Program

HERE = Path(__file__).parent
KEEPS_CONNECTIONS = {"DATABASE_CONN_MAX_AGE": "3600"}


def fill(template: str, names: dict[str, str]) -> str:
    """Fill in the ${NAMES}; nginx's own $variables stay as they are."""
    return Template((HERE / template).read_text()).safe_substitute(names)


def servers(var: Path, values: dict[str, str], *, durable: bool = True) -> Group:
    """The private Postgres and Redis: they start first, since everything else needs them."""
    data = postgres.data_folder(var)
    private_file(var / "run" / "redis.conf", fill("redis.conf.template", values | {"VAR_DIR": str(var)}))
    database = Program(
        "postgres",
        postgres.command(data, values["POSTGRES_PORT"], durable=durable),
        stop_signal="INT",  # "fast": open connections are ended, nothing is lost
        seconds_to_stop=20,
        as_user=postgres.as_server_user(),
    )
    return Group("servers", [database, Program("redis", ["redis-server", str(var / "run" / "redis.conf")])])


def application(var: Path, values: dict[str, str], *, port: int, demo: bool) -> Group:
    """What runs the product's own code, and nginx in front of it."""
    programs = [
        web(values),
        sockets(values),
        celery(
            "worker",
            "worker",
            "--without-mingle",
            "--without-gossip",
            *("-n", f"worker@{gethostname()}"),
            "--concurrency",
            os.environ.get("WORKER_CONCURRENCY", "2"),
        ),
        clips(),
        celery("beat", "beat", "--pidfile="),
        # It writes the end of each segment and its row before it goes.
        Program("recorder", manage("record"), seconds_to_stop=15),
        # It must never cost a recorded picture.
        Program("analyst", ["nice", "-n", "10", *manage("analyse")], seconds_to_stop=5),
        nginx(var, values, port=port),
    ]
    if demo:
        # Drawing streets must not slow those who look at them.
        programs.append(Program("virtual-cameras", ["nice", "-n", "5", *manage("virtual_cameras")], seconds_to_stop=5))
    return Group("city", programs)


def exercise() -> Group:
    """The call that shows a newcomer what the city is for."""
    return Group("exercise", [Program("demo-call", manage("demo_call"), runs_once=True, seconds_to_stop=2)])


def manage(*words: str) -> list[str]:
    return [sys.executable, "manage.py", *words]


def _tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def web(values: dict[str, str]) -> Program:
    """Pages and API by threads that keep their database connections (docs/adr/0002)."""
    command = [
        *(_tool("granian"), "--interface", "wsgi", "--no-ws"),
        *("--host", "127.0.0.1", "--port", values["WEB_PORT"]),
        *("--workers", os.environ.get("WEB_WORKERS", "1"), "--respawn-failed-workers"),
        *("--blocking-threads", os.environ.get("WEB_THREADS", "8")),
        # A thread takes its database connection with it, and the next call would wait for a new one.
        *("--blocking-threads-idle-timeout", "600"),
        *("--workers-kill-timeout", "5"),
        "daejeon_soc.wsgi:application",
    ]
    return Program("web", command, environment=KEEPS_CONNECTIONS)


def sockets(values: dict[str, str]) -> Program:
    """WebSockets, which ask the database by one thread and its connection (docs/adr/0002). Video does not compress,
    so deflate would only cost; a ping finds a dead client in 40 s.
    """
    command = [
        *(_tool("uvicorn"), "--host", "127.0.0.1", "--port", values["SOCKETS_PORT"]),
        *("--lifespan", "off", "--ws", "websockets-sansio", "--ws-per-message-deflate", "false"),
        *("--ws-max-size", "65536", "--no-access-log", "--no-use-colors"),
        *("--timeout-graceful-shutdown", "3"),
        "daejeon_soc.asgi:application",
    ]
    return Program("sockets", command, environment=KEEPS_CONNECTIONS)


def celery(name: str, *words: str) -> Program:
    return Program(name, [_tool("celery"), "-A", "daejeon_soc", *words, "--loglevel", "INFO"])


def clips() -> Program:
    """Those who make clips, behind everybody else: whatever is ordered, recording and calls go first."""
    making = celery(
        "clips", "worker", "--without-mingle", "--without-gossip", "-n", f"clips@{gethostname()}", "-Q", "clips"
    )
    command = [*making.command, "--concurrency", os.environ.get("CLIPS_AT_ONCE", "2")]
    return Program("clips", ["nice", "-n", "10", "ionice", "-c", "3", *command])


def nginx(var: Path, values: dict[str, str], *, port: int) -> Program:
    run = var / "run" / "nginx"
    run.mkdir(parents=True, exist_ok=True)
    names = {
        # As root its workers would become `nobody`, who cannot read a checkout below root's home.
        "NGINX_USER": "user root;" if os.geteuid() == 0 else "",
        "NGINX_WORKERS": os.environ.get("NGINX_WORKERS", "2"),
        "NGINX_RUN": str(run),
        "NGINX_LISTEN": f"127.0.0.1:{port}",
        "WEB_ADDRESS": f"127.0.0.1:{values['WEB_PORT']}",
        "SOCKETS_ADDRESS": f"127.0.0.1:{values['SOCKETS_PORT']}",
        "METRICS_ALLOW": "",
        "STATIC_ROOT": str(var / "static"),
        "VIDEO_ROOT": os.environ.get("VIDEO_ROOT", str(var / "video")),
        "CLIP_ROOT": os.environ.get("CLIP_ROOT", str(var / "clips")),
    }
    configuration = var / "run" / "nginx.conf"
    configuration.write_text(fill("nginx.conf.template", names))
    # Debian keeps it in /usr/sbin, which is not on an ordinary user's path.
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") or "nginx"
    return Program("nginx", [program, "-p", str(run), "-e", "stderr", "-c", str(configuration)])
