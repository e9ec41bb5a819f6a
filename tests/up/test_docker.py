"""No image is built here: what can be checked without a container engine is."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

from daejeon_soc.up import programs
from tests.running_city import BASE

DOCKER = BASE / "docker"


def tool(name: str, *words: object) -> subprocess.CompletedProcess:
    command = [Path(sys.executable).with_name(name), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def compose() -> dict:
    return yaml.safe_load((DOCKER / "compose.yaml").read_text())


def test_dockerfile_is_clean():
    checked = tool("hadolint", DOCKER / "Dockerfile")
    assert checked.returncode == 0, checked.stdout


def test_compose_file_follows_its_specification():
    checked = tool("check-jsonschema", "--builtin-schema", "vendor.compose-spec", DOCKER / "compose.yaml")
    assert checked.returncode == 0, checked.stdout


def test_compose_file_starts_what_make_run_starts(tmp_path):
    (tmp_path / "run").mkdir()
    values = dict.fromkeys(("WEB_PORT", "SOCKETS_PORT"), "1")
    city = programs.application(tmp_path, values, port=1, demo=True)
    assert {program.name for program in city.programs} <= set(compose()["services"])


def test_every_name_in_the_front_servers_template_is_given():
    wanted = set(re.findall(r"\$\{([A-Z_]+)\}", (programs.HERE / "nginx.conf.template").read_text()))
    assert wanted <= set(compose()["services"]["nginx"]["environment"])


def test_commands_named_in_the_containers_are_installed():
    services = compose()["services"]
    commands = {services[name]["command"][0] for name in ("sockets", "worker", "beat")}
    assert {name for name in commands if not Path(sys.executable).with_name(name).exists()} == set()


def test_no_secret_has_a_default():
    text = (DOCKER / "compose.yaml").read_text()
    secrets = set(re.findall(r"\$\{([A-Z_]*(?:PASSWORD|SECRET|KEY)[A-Z_]*)[^}]*\}", text))
    assert secrets and all(f"${{{name}:?}}" in text for name in secrets)
    assert re.findall(r"\$\{[A-Z_]*(?:PASSWORD|SECRET|KEY)[A-Z_]*(?!:\?)(?:\}|:-)", text) == []
