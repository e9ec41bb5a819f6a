"""The product's doors, asked from one thread and inside one transaction: pages and API, and the sockets."""

import asyncio

import pytest
from asgiref.sync import async_to_sync
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import RequestFactory
from django.test.client import ClientHandler
from django.utils import timezone

from apps.video import playback, stills
from apps.viewing import api, consumers
from daejeon_soc.asgi import application

MIME = '{"mime": "video/mp4; codecs=\\"avc1.42c01e\\""}'
OPENED = 0  # where a closed socket has a code


class Doors(RequestFactory):
    """Django's test client without the copies that it keeps of every template."""

    def __init__(self):
        super().__init__(REMOTE_ADDR="127.0.0.1")
        self.handler = ClientHandler(enforce_csrf_checks=False)

    def request(self, **request):
        return self.handler(self._base_environ(**request))


def knock(path: str, *, session: str = "", token: str = "") -> int:
    """The code with which a socket closes at once, or OPENED. Without a session or key: as a visitor."""
    headers = [(b"accept-language", b"en")]
    if session:
        headers.append((b"cookie", f"{settings.SESSION_COOKIE_NAME}={session}".encode()))
    if token:
        headers.append((b"authorization", f"Bearer {token}".encode()))
    return async_to_sync(_first_word)(path, headers)


async def _first_word(path: str, headers) -> int:
    socket = WebsocketCommunicator(application, path, headers=headers)
    await socket.connect(timeout=20)
    said = await socket.receive_output(timeout=20)
    await socket.disconnect()
    return said["code"] if said["type"] == "websocket.close" else OPENED


async def _one_frame(camera_id, pace, *, converted):
    yield MIME
    await asyncio.sleep(60)


def play_the_recorder(patch: pytest.MonkeyPatch) -> None:
    """A picture behind every door. Sockets leave the connection to the transaction that they are asked in."""
    patch.setattr("channels.db.close_old_connections", lambda: None)
    patch.setattr(consumers, "watch", _one_frame)
    patch.setattr(stills, "still", lambda camera, at: stills.Still(b"\xff\xd8", timezone.now()))
    patch.setattr(stills, "thumbnail", lambda camera, at: b"\xff\xd8")
    patch.setattr(api, "convert", lambda segment, part: ("video/mp4", b"video"))
    patch.setattr(playback, "playlist", lambda *asked, **how: "#EXTM3U")
