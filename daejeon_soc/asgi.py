"""Sockets only: pages and the API are answered by the threads of `wsgi.py` (docs/adr/0002)."""

import os

from django import setup

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "daejeon_soc.settings")
setup()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (models load only after Django is set up)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from daejeon_soc.sockets import urlpatterns  # noqa: E402


async def upgrade_required(_scope, _receive, send) -> None:
    """No page is served from here: each would take a thread, and a connection to the database, of its own."""
    headers = [(b"upgrade", b"websocket"), (b"content-length", b"0")]
    await send({"type": "http.response.start", "status": 426, "headers": headers})
    await send({"type": "http.response.body", "body": b""})


application = ProtocolTypeRouter({"http": upgrade_required, "websocket": AuthMiddlewareStack(URLRouter(urlpatterns))})
