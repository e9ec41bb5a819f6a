"""Is the city well? For a load balancer (`/healthz`) and for Prometheus (`/metrics`)."""

import time
from collections.abc import Iterator
from functools import lru_cache

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count
from django.http import HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerError
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector
from redis import Redis, RedisError

from apps.cameras.models import Camera
from apps.incidents.models import Incident
from apps.mous.models import Provision
from apps.retention.models import EarlyPurge
from apps.video.disk import LEVELS, level_of, space
from apps.video.models import Clip, Lease, Recorder
from daejeon_soc.celery import app as celery

CELERY_QUEUE = "celery"
# Those of the queue above, and those who make clips.
WORKERS = ("worker", "clips")


@require_safe
@never_cache
@login_not_required
def healthz(request):
    """200 when every part is well, else 503; each part says `ok` and, when it is not, why."""
    parts = parts_at(int(time.monotonic()))
    well = all(part["ok"] for part in parts.values())
    return JsonResponse(parts, status=200 if well else 503)


@lru_cache(maxsize=1)
def parts_at(second: int) -> dict[str, dict]:
    """The state of each part, looked at once a second at most: anybody may ask, and a dead worker takes long."""
    return {name: describe(why_unwell()) for name, why_unwell in PARTS.items()}


def describe(reason: str) -> dict:
    return {"ok": False, "reason": reason} if reason else {"ok": True}


def database() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except (DatabaseError, InterfaceError):
        return "does not answer"
    return ""


def redis() -> str:
    try:
        redis_client().ping()
    except RedisError:
        return "does not answer"
    return ""


def worker() -> str:
    try:
        # Asked only when the broker answers: kombu would try again and again.
        return redis() or next((f"no {name} answers" for name in WORKERS if not answers(name)), "")
    except (BrokerError, RedisError):
        return "the queue does not answer"


def answers(name: str) -> bool:
    """Whether a worker of that name is there, on whatever host."""
    return bool(celery.control.ping(timeout=1, limit=1, pattern=f"{name}@*", matcher="glob"))


def recorder() -> str:
    try:
        return "" if Recorder.objects.alive().exists() else "no recorder is alive"
    except (DatabaseError, InterfaceError):
        return "unknown while the database does not answer"


def disk() -> str:
    """How full it is by the city's levels stands in `/metrics`; unwell it is when recording may stop."""
    try:
        room = space(settings.VIDEO_ROOT)
    except (DatabaseError, InterfaceError):
        return "unknown while the database does not answer"
    except OSError:
        return "does not answer"
    return "" if room.free > room.reserve else "almost full"


PARTS = {"database": database, "redis": redis, "worker": worker, "recorder": recorder, "disk": disk}


@lru_cache(maxsize=1)
def redis_client() -> Redis:
    return Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


@require_safe
@never_cache
@login_not_required
def metrics(request):
    """Prometheus text. The front server answers it to the city's own monitoring only."""
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)


class City(Collector):
    """Counts at the time of asking. They come from the database, so several web processes agree."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        parts = parts_at(int(time.monotonic()))
        yield gauge(
            "soc_part_up", "1 when the part is well", "part", {name: part["ok"] for name, part in parts.items()}
        )
        if parts["disk"].get("reason") in (None, "almost full"):
            room = space(settings.VIDEO_ROOT)
            yield gauge("soc_disk_bytes", "room for recordings", "kind", {"total": room.total, "free": room.free})
            yield GaugeMetricFamily("soc_disk_level", "0 normal to 3 critical", LEVELS.index(level_of(room)))
        if parts["redis"]["ok"]:
            waiting = redis_client().llen(CELERY_QUEUE)
            yield gauge("soc_tasks_waiting", "tasks in the queue", "queue", {CELERY_QUEUE: waiting})
        if parts["database"]["ok"]:
            yield from self.of_database()

    def of_database(self) -> Iterator[GaugeMetricFamily]:
        yield gauge("soc_cameras", "registered cameras by status", "status", counts(Camera.objects, "status"))
        yield gauge("soc_clips", "clips by state", "state", counts(Clip.objects, "state"))
        yield gauge(
            "soc_incidents_open", "open incidents by service", "service", counts(Incident.objects.open(), "service")
        )
        yield GaugeMetricFamily("soc_provisions_in_force", "provisions", Provision.objects.in_force().count())
        yield GaugeMetricFamily("soc_cameras_kept_short", "recordings purged early", EarlyPurge.objects.short().count())
        yield GaugeMetricFamily("soc_recorders", "recorders alive", Recorder.objects.alive().count())
        yield GaugeMetricFamily("soc_cameras_leased", "cameras that a recorder holds", Lease.objects.count())


def counts(rows, field: str) -> dict[str, int]:
    return dict(rows.order_by().values_list(field).annotate(Count("pk")))


def gauge(name: str, text: str, label: str, values: dict[str, float]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], float(number))
    return family


REGISTRY = CollectorRegistry()
REGISTRY.register(City())
