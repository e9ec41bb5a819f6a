"""However many sockets are open, their server asks the database by one connection, and gets over its loss."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from tests.waiting import until

pytestmark = [pytest.mark.slow, pytest.mark.django_db]

# A stranger's session is looked up in the database; for every line read, eight of them at once. Who asks while the
# connection is being lost may be turned away with an error.
ASK = """
import asyncio, sys
from daejeon_soc.asgi import application
from asgiref.testing import ApplicationCommunicator  # that of channels keeps connections from being looked after

HEADERS = [(b"cookie", b"sessionid=" + b"x" * 32)]

async def knock():
    scope = {"type": "websocket", "path": "/ws/events/", "headers": HEADERS, "query_string": b"", "subprotocols": []}
    socket = ApplicationCommunicator(application, scope)
    await socket.send_input({"type": "websocket.connect"})
    opened, said = await socket.receive_output(10), await socket.receive_output(10)
    return opened["type"], said["code"]

async def main():
    while await asyncio.to_thread(sys.stdin.readline):
        said = await asyncio.gather(*(knock() for _ in range(8)), return_exceptions=True)
        print({str(each) for each in said}, flush=True)

asyncio.run(main())
"""
SIGNED_OUT = str({str(("websocket.accept", 4401))})


def test_it_keeps_one_for_all_and_gets_over_its_loss():
    base = connection.settings_dict
    url = f"postgis://{base['USER']}:{base['PASSWORD']}@{base['HOST']}:{base['PORT']}/{base['NAME']}"
    environment = {key: value for key, value in os.environ.items() if key != "OWNER_DATABASE_URL"} | {
        "DATABASE_URL": f"{url}?application_name=asked-by-sockets",
        "DATABASE_CONN_MAX_AGE": "600",
        "DJANGO_SETTINGS_MODULE": "daejeon_soc.settings",
    }
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", ASK], cwd=settings.BASE_DIR, env=environment, **pipes) as program:

        def asked() -> str:
            program.stdin.write("\n")
            program.stdin.flush()
            return program.stdout.readline().strip()

        try:
            assert asked() == SIGNED_OUT
            (first,) = backends("asked-by-sockets")
            with connection.cursor() as cursor:
                cursor.execute("select pg_terminate_backend(%s)", [first])
            until(lambda: backends("asked-by-sockets") == [], "the connection is gone")
            until(lambda: asked() == SIGNED_OUT, "asked again")
            (second,) = backends("asked-by-sockets")
            assert second != first
        finally:
            program.communicate(timeout=20)


def backends(name: str) -> list[int]:
    with connection.cursor() as cursor:
        # Within a transaction the first answer would be repeated.
        cursor.execute("select pg_stat_clear_snapshot()")
        cursor.execute("select pid from pg_stat_activity where application_name = %s", [name])
        return [pid for (pid,) in cursor.fetchall()]
