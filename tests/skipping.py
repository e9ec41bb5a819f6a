"""`make test` leaves nothing out for want of something on the machine: a test skipped for that fails the run.

A plain pytest only says so (`-ra`).
"""

import platform
import re
from pathlib import Path

import pytest

# What may be skipped anywhere: data that is not ours to give away, and a summary of requests when none were made.
ANYWHERE = ("no real data at", "no request was made up")
# File systems, name spaces and hosts of their own want a right that ordinary people and most containers have not.
UNLESS_ADMINISTRATOR = ("no file system of its own", "no mount namespace of our own", "a second host wants root")
CAP_SYS_ADMIN = 21
# The installer brings the object store where its packages are known to work.
ELSEWHERE = ("no object store",)


def may_be_skipped(reason: str) -> bool:
    allowed = ANYWHERE + (() if may_mount() else UNLESS_ADMINISTRATOR) + (() if is_debian_12() else ELSEWHERE)
    return reason.removeprefix("Skipped: ").startswith(allowed)


def may_mount() -> bool:
    rights = re.search(r"^CapEff:\s*(\w+)$", Path("/proc/self/status").read_text(), re.MULTILINE)[1]
    return bool(int(rights, 16) >> CAP_SYS_ADMIN & 1)


def is_debian_12() -> bool:
    system = platform.freedesktop_os_release()
    return (system["ID"], system.get("VERSION_ID")) == ("debian", "12")


def unforeseen(reporter) -> list[str]:
    """Which tests were skipped for reasons that are none, and the reason."""
    reports = reporter.stats.get("skipped", [])
    return [f"{report.nodeid}: {report.longrepr[2]}" for report in reports if not may_be_skipped(report.longrepr[2])]


def pytest_sessionfinish(session: pytest.Session) -> None:
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter and unforeseen(reporter) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter) -> None:
    if skipped := unforeseen(terminalreporter):
        terminalreporter.section("skipped, and so failed", red=True)
        for line in skipped:
            terminalreporter.write_line(line)
