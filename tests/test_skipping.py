"""Which tests `make test` may leave out."""

import os
import subprocess
import sys

import pytest

from tests import skipping
from tests.running_city import BASE


@pytest.mark.parametrize(
    ("reason", "mounts", "debian", "may"),
    [
        ("no real data at ../shared/data (SOC_REAL_DATA)", True, True, True),
        ("no object store: Debian's swift-proxy is not installed", True, True, False),
        ("no object store: Debian's swift-proxy is not installed", True, False, True),
        ("no file system of its own: must be superuser", True, True, False),
        ("no file system of its own: must be superuser", False, True, True),
        ("no mount namespace of our own here: Operation not permitted", True, True, False),
        ("no mount namespace of our own here: Operation not permitted", False, True, True),
        ("npm packages are not installed", False, True, False),
        ("clamd is not installed", False, False, False),
    ],
)
def test_what_may_be_skipped(reason, mounts, debian, may, monkeypatch):
    monkeypatch.setattr(skipping, "may_mount", lambda: mounts)
    monkeypatch.setattr(skipping, "is_debian_12", lambda: debian)
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
