"""Which tests `make test` may leave out."""

import os
import platform
import subprocess
import sys

import pytest

from tests import skipping
from tests.running_city import BASE

DEBIAN_12 = {"ID": "debian", "VERSION_ID": "12"}


@pytest.mark.parametrize(
    ("reason", "user", "system", "may"),
    [
        ("no real data at ../shared/data (SOC_REAL_DATA)", 0, DEBIAN_12, True),
        ("no object store: Debian's swift-proxy is not installed", 0, DEBIAN_12, False),
        ("no object store: Debian's swift-proxy is not installed", 0, {"ID": "arch"}, True),
        ("no file system of its own: must be superuser", 0, DEBIAN_12, False),
        ("no file system of its own: must be superuser", 1000, DEBIAN_12, True),
        ("no mount namespace of our own here: Operation not permitted", 1000, DEBIAN_12, False),
        ("npm packages are not installed", 1000, DEBIAN_12, False),
        ("clamd is not installed", 1000, DEBIAN_12, False),
    ],
)
def test_what_may_be_skipped(reason, user, system, may, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: system)
    assert skipping.may_be_skipped(f"Skipped: {reason}") is may


@pytest.mark.slow
@pytest.mark.parametrize(("reason", "code"), [("clamd is not installed", 1), ("no real data at x", 0)])
def test_a_run_that_leaves_something_out_fails(reason, code, tmp_path):
    file = tmp_path / "test_it.py"
    file.write_text(f"import pytest\n@pytest.mark.skip(reason={reason!r})\ndef test_it(): pass\n")
    words = ["-p", "no:cacheprovider", "-p", "tests.skipping", "-c", os.devnull, str(file)]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words], capture_output=True, text=True, cwd=BASE, env=alone, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert ("skipped, and so failed" in done.stdout) == bool(code)
