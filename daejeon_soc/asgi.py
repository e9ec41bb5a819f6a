"""Sockets only: plain HTTP is served by the threads of `wsgi.py` (docs/adr/0002)."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "daejeon_soc.settings")
# Whatever the other processes are told: here each request has a thread, and would leave its connection behind.
os.environ["DATABASE_CONN_MAX_AGE"] = "0"

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402  (models load only after Django is set up)
from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from daejeon_soc.sockets import urlpatterns  # noqa: E402

application = ProtocolTypeRouter({"http": http, "websocket": AuthMiddlewareStack(URLRouter(urlpatterns))})
