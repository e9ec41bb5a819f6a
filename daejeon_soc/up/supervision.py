"""The processes of a city, in the order they start and the reverse of the order they stop, under supervisor."""

import shlex
import sys
import time
import xmlrpc.client
from dataclasses import dataclass, field
from pathlib import Path

from daejeon_soc.up.processes import told_when_parent_dies
from daejeon_soc.up.steps import NotUp


@dataclass(frozen=True)
class Program:
    """One supervised process."""

    name: str
    command: list[str]
    stop_signal: str = "TERM"
    seconds_to_stop: int = 10
    runs_once: bool = False
    environment: dict[str, str] = field(default_factory=dict)
    as_user: list[str] = field(default_factory=list)

    def section(self, folder: Path, logs: Path) -> str:
        settings = {
            "command": shlex.join([*self.as_user, *told_when_parent_dies(self.command, self.stop_signal)]),
            "directory": str(folder),
            "environment": ",".join(f'{name}="{value}"' for name, value in self.environment.items()),
            "autostart": "false",
            "autorestart": "false" if self.runs_once else "true",
            "startsecs": 0 if self.runs_once else 1,
            "startretries": 100,
            "stopsignal": self.stop_signal,
            "stopwaitsecs": self.seconds_to_stop,
            # The main process winds its own children down; only one that would not stop is ended as a group.
            "stopasgroup": "false",
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": str(logs / f"{self.name}.log"),
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 3,
        }
        return _section(f"program:{self.name}", settings)


def _section(title: str, settings: dict[str, object]) -> str:
    lines = [f"{name} = {str(value).replace('%', '%%')}" for name, value in settings.items() if value != ""]
    return "\n".join([f"[{title}]", *lines, ""])


@dataclass(frozen=True)
class Group:
    """Programs that start together and stop together. Groups stop one after the other, the last one first."""

    name: str
    programs: list[Program]

    def section(self, place: int) -> str:
        names = ",".join(program.name for program in self.programs)
        return _section(f"group:{self.name}", {"programs": names, "priority": place})


def configuration(groups: list[Group], *, folder: Path, var: Path, values: dict[str, str]) -> str:
    logs = var / "log"
    address = f"127.0.0.1:{values['SUPERVISOR_PORT']}"
    login = {"username": "city", "password": values["SUPERVISOR_PASSWORD"]}
    daemon = {
        "nodaemon": "true",
        "silent": "true",
        "logfile": logs / "supervisord.log",
        "logfile_maxbytes": "10MB",
        "logfile_backups": 3,
        "pidfile": var / "run" / "supervisord.pid",
        "childlogdir": logs,
        "identifier": "city",
    }
    sections = [
        _section("supervisord", daemon),
        _section("inet_http_server", {"port": address, **login}),
        _section(
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        _section("supervisorctl", {"serverurl": f"http://{address}", **login}),
        *(program.section(folder, logs) for group in groups for program in group.programs),
        *(group.section(place) for place, group in enumerate(groups)),
    ]
    return "\n".join(sections)


class Supervisor:
    """Talks to the running supervisor."""

    def __init__(self, values: dict[str, str]):
        login = f"city:{values['SUPERVISOR_PASSWORD']}"
        address = f"http://{login}@127.0.0.1:{values['SUPERVISOR_PORT']}/RPC2"
        self.rpc = xmlrpc.client.ServerProxy(address).supervisor

    def wait_until_answering(self, *, patience: float) -> None:
        give_up_at = time.monotonic() + patience
        while True:
            try:
                self.rpc.getState()
                return
            except OSError as error:
                if time.monotonic() > give_up_at:
                    raise NotUp("supervisor does not answer: see var/log/supervisord.log") from error
            time.sleep(0.05)

    def start(self, group: Group) -> None:
        self.rpc.startProcessGroup(group.name, False)

    def failed(self) -> list[str]:
        """Programs that supervisor has given up on."""
        return [info["name"] for info in self.rpc.getAllProcessInfo() if info["statename"] == "FATAL"]


def command(configuration_file: Path) -> list[str]:
    supervisord = Path(sys.executable).with_name("supervisord")
    return told_when_parent_dies([str(supervisord), "-n", "-c", str(configuration_file)])
