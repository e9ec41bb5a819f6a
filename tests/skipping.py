"""`make test` leaves nothing out for want of something on the machine: a test skipped for that fails the run.

A plain pytest only says so (`-ra`).
"""

import os
import platform

import pytest

# What may be skipped anywhere: data that is not ours to give away, and a summary of requests when none were made.
ANYWHERE = ("no real data at", "no request was made up")
# File systems and hosts of its own only root can make.
NOT_AS_ROOT = ("no file system of its own", "a second host wants root")
# The installer brings the object store where its packages are known to work.
ELSEWHERE = ("no object store",)


def may_be_skipped(reason: str) -> bool:
    system = platform.freedesktop_os_release()
    is_debian_12 = (system["ID"], system.get("VERSION_ID")) == ("debian", "12")
    allowed = ANYWHERE + (NOT_AS_ROOT if os.geteuid() else ()) + (() if is_debian_12 else ELSEWHERE)
    return reason.removeprefix("Skipped: ").startswith(allowed)


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
