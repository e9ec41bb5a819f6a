"""The socket server takes a connection to the database when it asks something, and gives it back."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from tests.video.conftest import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# A stranger's session is looked up in the database; each request has a thread of its own.
ASK = """
import asyncio, httpx
from daejeon_soc.asgi import http
async def main():
    door, cookies = httpx.ASGITransport(http), {"sessionid": "x" * 32}
    async with httpx.AsyncClient(transport=door, base_url="http://localhost", cookies=cookies) as client:
        answers = await asyncio.gather(*(client.get("/") for _ in range(8)))
        print({answer.status_code for answer in answers})
asyncio.run(main())
print("asked", flush=True)
input()
"""


def test_it_leaves_none_behind_whatever_the_environment_says():
    base = connection.settings_dict
    url = f"postgis://{base['USER']}:{base['PASSWORD']}@{base['HOST']}:{base['PORT']}/{base['NAME']}"
    environment = {key: value for key, value in os.environ.items() if key != "OWNER_DATABASE_URL"} | {
        "DATABASE_URL": f"{url}?application_name=asked-by-sockets",
        "DATABASE_CONN_MAX_AGE": "600",
        "DJANGO_SETTINGS_MODULE": "daejeon_soc.settings",
    }
    command = [sys.executable, "-c", ASK]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment, **pipes) as program:
        said = [program.stdout.readline().strip(), program.stdout.readline().strip()]
        try:
            assert said == ["{302}", "asked"]
            # A backend of the database needs a moment to go.
            until(lambda: connections_of("asked-by-sockets") == 0, 5, "all connections are closed")
        finally:
            program.communicate("", timeout=20)


def connections_of(name: str) -> int:
    with connection.cursor() as cursor:
        # Within a transaction the first answer would be repeated.
        cursor.execute("select pg_stat_clear_snapshot()")
        cursor.execute("select count(*) from pg_stat_activity where application_name = %s", [name])
        return cursor.fetchone()[0]
