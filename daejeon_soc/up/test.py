"""`make test`: every check of this repository, on a Postgres and a Redis of its own."""

import subprocess
import sys
from pathlib import Path

from daejeon_soc.up import city_env, postgres, programs, running
from daejeon_soc.up.run import BASE, stop_when_told
from daejeon_soc.up.steps import step

# As a real centre is set up: `check --deploy` has nothing to say about a demonstration on loopback.
REAL = {"PLAIN_HTTP": "False", "DEBUG": "False", "DEMO": "False"}
DEMONSTRATION = {"PLAIN_HTTP": "True", "DEBUG": "False", "DEMO": "True"}
# The whole suite takes every core; a few tests by name are not worth a second database.
SPREAD = ["-p", "tests.parallel", "-n", "auto", "--maxprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder"]


def test(arguments: list[str]) -> int:
    var = BASE / "var" / "test"
    stop_when_told()
    with running.sole_runner(var):
        running.end_leftovers(var)
        values = city_env.settle(var / "city.env", besides=set())
        postgres.make_cluster(postgres.data_folder(var), values["POSTGRES_PASSWORD"])
        servers = programs.servers(var, values, durable=False)
        with running.supervised([servers], base=BASE, var=var, values=values):
            with step("Postgres with PostGIS, Redis"):
                postgres.wait_until_answering(values, patience=30)
                postgres.set_up_roles(values)
                postgres.let_owner_create_databases(values)
            failed = [title for title, words, more in checks() if not passes(title, words, var, values, more)]
            print(f"  {len(failed)} checks failed: {', '.join(failed)}" if failed else "  All checks passed.")
            sys.stdout.flush()
            tests = subprocess.run(
                [sys.executable, "-m", "pytest", "-p", "tests.skipping", *(arguments or SPREAD)],
                cwd=BASE,
                env=running.environment(var, values, **DEMONSTRATION),
                check=False,
            )
    return tests.returncode or bool(failed)


def checks() -> list[tuple[str, list[str], dict[str, str]]]:
    return [
        ("ruff: rules", [tool("ruff"), "check", "--quiet"], {}),
        ("ruff: form", [tool("ruff"), "format", "--check", "--quiet"], {}),
        ("import-linter: floors", [tool("lint-imports")], {}),
        ("migrations are complete", programs.manage("makemigrations", "--check", "--dry-run"), DEMONSTRATION),
        ("fit for deployment", programs.manage("check", "--deploy", "--fail-level", "WARNING"), REAL),
        (
            "translations compile",
            programs.manage("compilemessages", "--ignore=.venv", "--ignore=node_modules"),
            DEMONSTRATION,
        ),
    ]


def tool(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def passes(title: str, words: list[str], var: Path, values: dict[str, str], more: dict[str, str]) -> bool:
    """Run one check; show what it says only when it fails."""
    with step(title):
        done = subprocess.run(
            words,
            cwd=BASE,
            env=running.environment(var, values, **more),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
    if done.returncode:
        print(done.stdout)
    return done.returncode == 0
