"""A private PostgreSQL cluster: found, made once, and its roles."""

import hashlib
import os
import shutil
import subprocess
import time
from pathlib import Path

import psycopg2

from daejeon_soc.up.files import private_file
from daejeon_soc.up.steps import NotUp

# initdb and postgres refuse to run as root; Debian's package brings this user.
UNPRIVILEGED = "postgres"


def as_server_user() -> list[str]:
    """The words before a command that make it run as a user whom PostgreSQL accepts."""
    if os.geteuid() != 0:
        return []
    return ["setpriv", f"--reuid={UNPRIVILEGED}", f"--regid={UNPRIVILEGED}", "--init-groups"]


def data_folder(var: Path) -> Path:
    """`var/postgres`, or a folder in /var/tmp when the server's user may not pass through to `var`."""
    var.mkdir(parents=True, exist_ok=True)
    if subprocess.run([*as_server_user(), "test", "-x", var], check=False).returncode == 0:
        return var / "postgres"
    name = hashlib.sha256(str(var).encode()).hexdigest()[:12]
    return Path("/var/tmp") / f"daejeon-soc-{name}" / "postgres"  # noqa: S108  (made below, owned, mode 700)


def programs_folder(data: Path) -> Path:
    """Where `initdb` and `postgres` are: the release that made `data`, else the newest that has PostGIS."""
    version = data_version(data)
    if version:
        return _debian_release(version)
    for control in sorted(Path("/usr/share/postgresql").glob("*/extension/postgis.control"), reverse=True):
        return _debian_release(control.parent.parent.name)
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise NotUp("PostgreSQL with PostGIS was not found: install postgresql and postgresql-15-postgis-3.")


def data_version(data: Path) -> str:
    read = subprocess.run([*as_server_user(), "cat", data / "PG_VERSION"], check=False, capture_output=True, text=True)
    return read.stdout.strip()


def _debian_release(version: str) -> Path:
    folder = Path("/usr/lib/postgresql") / version / "bin"
    if folder.exists():
        return folder
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    raise NotUp(f"The database was made by PostgreSQL {version}, which is not installed any more.")


def make_cluster(data: Path, password: str) -> bool:
    """Make a cluster in `data` unless one is there; true when it was made.

    `initdb` works in a draft folder, so that an interrupted one is not taken for a cluster.
    """
    if data_version(data):
        return False
    draft = _empty_draft(data)
    secret = data.with_name("postgres.secret")
    private_file(secret, password)
    _hand_over(secret)
    made = subprocess.run(
        [
            *as_server_user(),
            programs_folder(data) / "initdb",
            f"--pgdata={draft}",
            "--username=postgres",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--data-checksums",
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
    )
    secret.unlink()
    if made.returncode:
        raise NotUp(f"initdb failed:\n{made.stderr.strip()}")
    draft.rename(data)
    return True


def _empty_draft(data: Path) -> Path:
    data.parent.mkdir(parents=True, exist_ok=True)
    if data.parent.stat().st_uid not in {os.geteuid(), data.parent.parent.stat().st_uid}:
        raise NotUp(f"{data.parent} belongs to somebody else: remove it, or set VAR_DIR.")
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    _hand_over(draft)
    return draft


def _hand_over(path: Path) -> None:
    if os.geteuid() == 0:
        shutil.chown(path, UNPRIVILEGED, UNPRIVILEGED)


def command(data: Path, port: str, *, durable: bool = True) -> list[str]:
    options = {
        "port": port,
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "random_page_cost": "1.1",
        "log_timezone": "UTC",
        "timezone": "UTC",
        "fsync": "on" if durable else "off",
    }
    settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return [str(programs_folder(data) / "postgres"), "-D", str(data), *settings]


def superuser_dsn(values: dict[str, str]) -> dict[str, str]:
    return {
        "host": "127.0.0.1",
        "port": values["POSTGRES_PORT"],
        "user": "postgres",
        "password": values["POSTGRES_PASSWORD"],
        "dbname": "postgres",
    }


def wait_until_answering(values: dict[str, str], *, patience: float) -> None:
    give_up_at = time.monotonic() + patience
    while True:
        try:
            psycopg2.connect(**superuser_dsn(values), connect_timeout=2).close()
            return
        except psycopg2.OperationalError as error:
            if "password authentication failed" in str(error):
                raise NotUp("var/city.env has lost the database's password: restore it.") from error
            if time.monotonic() > give_up_at:
                raise NotUp(f"PostgreSQL does not answer: see var/log/postgres.log ({error})") from error
        time.sleep(0.1)


def set_up_roles(values: dict[str, str]) -> None:
    dsn = superuser_dsn(values)
    login = {f"PG{name.upper().replace('DBNAME', 'DATABASE')}": value for name, value in dsn.items()}
    done = subprocess.run(
        ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", Path(__file__).with_name("roles.sql")],
        env={**os.environ, **values, **login},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise NotUp(f"Setting up the database's roles failed:\n{done.stderr.strip()}")


def let_owner_create_databases(values: dict[str, str]) -> None:
    """The tests make and drop databases of their own; in a city nobody but the superuser does."""
    connection = psycopg2.connect(**superuser_dsn(values))
    with connection, connection.cursor() as cursor:
        cursor.execute("alter role soc_owner createdb")
    connection.close()
