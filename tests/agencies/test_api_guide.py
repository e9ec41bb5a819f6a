"""docs/api.md is followed to the letter by other people's programmers."""

import re
import subprocess
from pathlib import Path

import pytest

from apps.agencies.models import ApiKey
from apps.agencies.signatures import SCHEME, key_that_signed

pytestmark = pytest.mark.django_db
GUIDE = (Path(__file__).parents[2] / "docs/api.md").read_text()
SCRIPT = re.search(r"```sh\n(.*?)```", GUIDE, re.DOTALL)[1]


@pytest.mark.parametrize(
    ("method", "address", "body"),
    [
        ("GET", "/api/v1/cameras/?near=127.3845,36.3504&limit=1", ""),
        ("POST", "/api/v1/incidents/", '{"place": "시청"}'),
    ],
)
def test_the_scripts_signature_is_accepted(police, tmp_path, method, address, body):
    key, secret = ApiKey.issue(police.agency, "signs", [], must_sign=True)
    sent = tmp_path / "curl"
    sent.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    sent.chmod(0o755)
    surroundings = {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "KEY": str(key.pk),
        "SECRET": secret,
        "CENTRE": "https://centre",
    }
    words = subprocess.run(
        ["sh", "-c", SCRIPT, "signed.sh", method, address, body],
        env=surroundings,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    signed = next(word for word in words if word.startswith("Authorization: ")).partition(f"{SCHEME} ")[2]
    assert f"https://centre{address}" in words and (not body or body in words)
    assert key_that_signed(signed, method, address, body.encode()) == key
