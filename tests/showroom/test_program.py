import os
import re
import signal
import subprocess
import sys

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.slow


def test_program_serves_and_ends_cleanly_on_sigterm():
    program = subprocess.Popen(
        [sys.executable, "manage.py", "virtual_cameras", "--port", "0", "--cameras", "3"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "LOG_LEVEL": "INFO"},
        stderr=subprocess.PIPE,
        text=True,
    )
    with program:
        first = program.stderr.readline()
        assert re.search(r"3 virtual cameras at rtsp://127\.0\.0\.1:\d+/cam/1", first)
        program.send_signal(signal.SIGTERM)
        rest = program.stderr.read()
        assert program.wait(20) == 0
    assert "Traceback" not in rest


@pytest.mark.parametrize("arguments", [["--size", "100x100"], ["--size", "wide"], ["--daylight", "noon"]])
def test_unusable_settings_are_named(arguments):
    with pytest.raises(CommandError, match=arguments[0]):
        call_command("virtual_cameras", *arguments)
