import asyncio
import ctypes
import logging
import signal
from zoneinfo import ZoneInfo

import environ
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from apps.showroom.virtual.rtsp import Server
from apps.showroom.virtual.streams import Setup, Streams

logger = logging.getLogger(__name__)
env = environ.Env()


def size(text: str) -> tuple[int, int]:
    width, height = (int(part) for part in text.lower().split("x"))
    if width % 64 or height % 4 or not (320 <= width <= 1920 and 180 <= height <= 1080):
        raise ValueError(text)
    return width, height


def hours(text: str) -> float | None:
    """`sun` follows the sun; `14:30` holds the light of that time of day."""
    if text == "sun":
        return None
    hour, _, minute = text.partition(":")
    return int(hour) % 24 + int(minute or 0) / 60


class Command(BaseCommand):
    help = "Serves drawn street scenes as RTSP cameras: rtsp://HOST:PORT/cam/1 and on. Test streams: see streams.py."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--host", default=env.str("VIRTUAL_RTSP_HOST", default="127.0.0.1"))
        parser.add_argument("--port", type=int, default=env.int("VIRTUAL_RTSP_PORT", default=18554))
        parser.add_argument("--cameras", type=int, default=env.int("VIRTUAL_CAMERAS", default=8))
        parser.add_argument("--size", type=size, default=env.str("VIRTUAL_SIZE", default="640x360"))
        parser.add_argument("--fps", type=int, default=env.int("VIRTUAL_FPS", default=15))
        parser.add_argument(
            "--daylight",
            type=hours,
            default=env.str("VIRTUAL_DAYLIGHT", default="sun"),
            help="sun (default), or a time such as 14:30 whose light is held; the clock in the picture stays true",
        )
        parser.add_argument(
            "--looped",
            action="store_true",
            help="for load tests: hundreds of cameras from a few loops of 10 s; the clock in the picture is not live",
        )

    def handle(self, *, host, port, cameras, size, fps, daylight, looped, **_options):
        spare_memory()
        setup = Setup(
            cameras=cameras,
            size=size,
            fps=fps,
            looped=looped,
            daylight=daylight,
            place=settings.CITY["centre"],
            zone=ZoneInfo(settings.TIME_ZONE),
        )
        try:
            asyncio.run(serve(Streams(setup), host, port))
        except OSError as error:
            raise CommandError(f"cannot serve on {host}:{port}: {error}") from error


def spare_memory() -> None:
    """Give large blocks back at once: painting a street takes 100 MB for a moment, and many threads draw.

    Measured with 3 cameras: 390 MB by default, 250 MB so.
    """
    arena_max, mmap_threshold = -8, -3
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):  # glibc only
        library.mallopt(arena_max, 2)
        library.mallopt(mmap_threshold, 1_000_000)


async def serve(streams: Streams, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT."""
    over = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, over.set)
    server = Server(streams, host=host, port=port)
    await server.start()
    logger.info("%d virtual cameras at rtsp://%s:%d/cam/1", streams.setup.cameras, host, server.port)
    await over.wait()
    await server.close()
