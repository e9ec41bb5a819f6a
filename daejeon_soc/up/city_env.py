"""`var/city.env`: what this checkout's city chose for itself once: ports and secrets, and the addresses they make.

Settings read it last, so `manage.py` in a second shell finds the running city without being told.
"""

import os
import secrets
from pathlib import Path

import environ

from daejeon_soc.up import ports
from daejeon_soc.up.files import private_file
from daejeon_soc.up.steps import NotUp

SECRETS = (
    "SECRET_KEY",
    "RECORDER_SECRET",
    "POSTGRES_PASSWORD",
    "SOC_OWNER_PASSWORD",
    "SOC_APP_PASSWORD",
    "REDIS_PASSWORD",
    "SUPERVISOR_PASSWORD",
)
PORTS = ("POSTGRES_PORT", "REDIS_PORT", "WEB_PORT", "SOCKETS_PORT", "SUPERVISOR_PORT", "VIRTUAL_RTSP_PORT")
# A demonstration on this machine, unless the environment or `.env` says otherwise.
DEFAULTS = {"DEMO": "True", "PLAIN_HTTP": "True"}
# The private servers have these addresses; any other would be a different city's.
ADDRESSES = ("DATABASE_URL", "OWNER_DATABASE_URL", "REDIS_URL")
NAMES = (*SECRETS, *PORTS, *DEFAULTS, *ADDRESSES)


def read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def write(path: Path, values: dict[str, str]) -> None:
    note = "# Written by `make run`. To change a setting, use the environment or .env.\n"
    private_file(path, note + "".join(f"{name}={value}\n" for name, value in values.items()))


def with_secrets(values: dict[str, str]) -> dict[str, str]:
    return {name: secrets.token_hex(32) for name in SECRETS} | values


def with_free_ports(values: dict[str, str], *, besides: set[int]) -> dict[str, str]:
    """Keep each port that is still free; choose another for one that somebody else has taken."""
    taken, chosen = set(besides), {}
    for name in PORTS:
        kept = int(values.get(name, 0))
        port = kept if kept and kept not in taken and ports.is_free(kept) else ports.choose(besides=taken)
        taken.add(port)
        chosen[name] = str(port)
    return values | chosen


def with_addresses(values: dict[str, str]) -> dict[str, str]:
    database = f"@127.0.0.1:{values['POSTGRES_PORT']}/soc"
    return values | {
        "DATABASE_URL": f"postgis://soc_app:{values['SOC_APP_PASSWORD']}{database}",
        "OWNER_DATABASE_URL": f"postgis://soc_owner:{values['SOC_OWNER_PASSWORD']}{database}",
        "REDIS_URL": f"redis://:{values['REDIS_PASSWORD']}@127.0.0.1:{values['REDIS_PORT']}/0",
    }


def settle(path: Path, *, besides: set[int]) -> dict[str, str]:
    """The city's own values, complete and written down."""
    values = with_free_ports(with_secrets(DEFAULTS | read(path)), besides=besides)
    values = with_addresses(values)
    write(path, values)
    return values


def read_dot_env(base: Path) -> None:
    """Take `.env` into the environment as the settings do: what the shell has set stays."""
    if (base / ".env").exists():
        environ.Env.read_env(base / ".env")


def refuse_foreign_addresses() -> None:
    foreign = [name for name in ADDRESSES if name in os.environ]
    if foreign:
        raise NotUp(
            f"{', '.join(foreign)} is set in the environment or in .env, but `make run` brings its own Postgres "
            "and Redis. Unset it here; docker/ shows how to run on servers of your own."
        )
