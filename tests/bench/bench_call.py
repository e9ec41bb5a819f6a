"""A call, from POST to its answer and to the frame on an operator's socket, against the floor.

The floor is the least that could do the same: the choosing query and the same rows by plain psycopg2 in one
transaction, and a bare Redis publish to one subscriber. The two take turns, so that a busy machine slows both.
`ratio` is ours over the floor, at p95 of 100 calls after 20 to warm up.
"""

import http.client
import json
import os
import random
import statistics
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import psycopg2.extras
import redis
import websockets.sync.client
from django.conf import settings
from django.contrib.gis.geos import Point
from django.core.management import call_command
from django.db import connection

from apps.cameras.choosing import chosen_queryset
from apps.cameras.models import Camera
from apps.incidents.models import Incident
from apps.mous.models import Mou

CALLS, WARM_UP = 100, 20
CHANNEL = "floor"
SPREAD_DEG = 0.02


def run() -> list[dict]:
    rows = measure(f"sample city, {Camera.objects.count()} cameras")
    real = Path(os.environ.get("SOC_REAL_DATA", "../shared/data")) / "cctv" / "daejeon_cctv_standard_2026-05.csv"
    if not real.exists():
        print(f"{real} is not here: the real list is left out")
        return rows
    call_command("import_cctv", str(real), "--report", str(settings.VAR_DIR / "rejected.csv"), verbosity=0)
    with connection.cursor() as cursor:
        cursor.execute("analyze cameras_camera")
    return rows + measure(f"with the real list, {Camera.objects.count()} cameras")


def measure(case: str) -> list[dict]:
    demo = json.loads((settings.VAR_DIR / "demo.json").read_text())
    with Product(demo) as product, Floor(product) as floor:
        for _ in range(WARM_UP):
            product.call(), floor.call()
        pairs = [(product.call(), floor.call()) for _ in range(CALLS)]
    ours, least = (list(zip(*times, strict=True)) for times in zip(*pairs, strict=True))
    return [
        row(f"{case}: POST to {what}, {name}", at(ours[index]), at(least[index]))
        for index, what in enumerate(("answer", "socket frame"))
        for name, at in (("p50", statistics.median), ("p95", p95))
    ]


def p95(times: tuple[float, ...]) -> float:
    return statistics.quantiles(times, n=20)[18]


def row(case: str, ours: float, reference: float) -> dict:
    return {
        "name": "call",
        "case": case,
        "ratio": round(ours / reference, 2),
        "ours": round(ours, 2),
        "reference": round(reference, 2),
        "unit": "ms",
        "n": CALLS,
    }


def somewhere() -> tuple[float, float]:
    lon, lat = settings.CITY["centre"]
    return lon + random.uniform(-SPREAD_DEG, SPREAD_DEG), lat + random.uniform(-SPREAD_DEG, SPREAD_DEG)


class Arrivals:
    """When each message came, by its name, heard in a thread of its own."""

    def __init__(self, hear: Callable[[], object]):
        self.times: dict[object, float] = {}
        self.news = threading.Condition()
        threading.Thread(target=self._listen, args=(hear,), daemon=True).start()

    def _listen(self, hear):
        while (name := hear()) is not None:
            with self.news:
                self.times[name] = time.perf_counter()
                self.news.notify_all()

    def of(self, name) -> float:
        with self.news:
            assert self.news.wait_for(lambda: name in self.times, 10), f"{name} never came"
            return self.times[name]


class Product:
    """The running city, through its front door."""

    def __init__(self, demo: dict):
        self.address = urlsplit(demo["base_url"])
        self.key = next(entry["key"] for entry in demo["api_keys"] if entry["agency"] == "police")

    def __enter__(self):
        self.http = http.client.HTTPConnection(self.address.netloc)
        self.socket = websockets.sync.client.connect(
            f"ws://{self.address.netloc}/ws/events/", additional_headers={"Authorization": f"Bearer {self.key}"}
        )
        self.arrivals = Arrivals(self._hear)
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.http.close()

    def _hear(self):
        try:
            return json.loads(self.socket.recv())["seq"]
        except websockets.exceptions.ConnectionClosed:
            return None

    def call(self) -> tuple[float, float]:
        """Milliseconds from POST to answer and to the frame."""
        body = json.dumps(a_call())
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        began = time.perf_counter()
        self.http.request("POST", "/api/v1/incidents/", body, headers)
        answer = self.http.getresponse()
        content = answer.read()
        answered = time.perf_counter()
        assert answer.status == 201, content
        arrived = self.arrivals.of(json.loads(content)["seq"])
        return (answered - began) * 1e3, (arrived - began) * 1e3


def a_call() -> dict:
    lon, lat = somewhere()
    return {
        "source_id": uuid.uuid4().hex,
        "service": "112-onsite",
        "type": "robbery",
        "grade": "urgent",
        "occurred_at": datetime.now(UTC).isoformat(),
        "location": {"lon": lon, "lat": lat},
        "place": "시청 앞",
        "description": "검은 모자를 쓴 남성",
        "exercise": False,
    }


class Floor:
    """The same query and the same rows, by hand."""

    def __init__(self, product: Product):
        product.call()
        incident = Incident.objects.order_by("-pk").first()
        self.rows = {
            "incidents_incident": written("incidents_incident", "id", incident.pk),
            "mous_provision": written("mous_provision", "incident_id", incident.pk),
            "mous_provisioncamera": written(
                "mous_provisioncamera", "provision_id", incident.provisions.values_list("pk", flat=True).get()
            ),
            "mous_ledgerentry": written("mous_ledgerentry", "incident_number", incident.number),
            "audit_entry": written("audit_entry", "target", f"incidents.incident:{incident.pk}")
            + written("audit_entry", "target", f"mous.provision:{incident.provisions.get().pk}"),
            "incidents_event": written("incidents_event", "incident_id", incident.pk),
        }
        assert all(self.rows.values()), "the floor must write what the product wrote"
        self.mou = Mou.objects.get(agency__code="police")

    def __enter__(self):
        self.database = connect()
        self.redis = redis.Redis.from_url(settings.REDIS_URL)
        self.listener = self.redis.pubsub(ignore_subscribe_messages=True)
        self.listener.subscribe(CHANNEL)
        self.arrivals = Arrivals(self._hear)
        return self

    def __exit__(self, *_):
        self.redis.publish(CHANNEL, "end")
        self.database.close()

    def _hear(self):
        for message in self.listener.listen():
            return None if message["data"] == b"end" else message["data"].decode()

    def call(self) -> tuple[float, float]:
        point = Point(*somewhere(), srid=4326)
        chosen = chosen_queryset(point, among=self.mou.cameras(), limit=9, outer_radius_m=1_000)
        sql, parameters = chosen.query.sql_with_params()
        name = uuid.uuid4().hex
        began = time.perf_counter()
        with self.database, self.database.cursor() as cursor:
            cursor.execute(sql, parameters)
            cursor.fetchall()
            self._write(cursor, name)
        answered = time.perf_counter()
        self.redis.publish(CHANNEL, name)
        return (answered - began) * 1e3, (self.arrivals.of(name) - began) * 1e3

    def _write(self, cursor, name: str) -> None:
        incident = insert(cursor, "incidents_incident", self.rows, number=name[:20], source_id=name)
        provision = insert(cursor, "mous_provision", self.rows, number=name[:20], incident_id=incident)
        insert(cursor, "mous_provisioncamera", self.rows, provision_id=provision)
        insert(cursor, "mous_ledgerentry", self.rows, provision_id=provision)
        insert(cursor, "audit_entry", self.rows)
        cursor.execute("select pg_advisory_xact_lock(1)")
        insert(cursor, "incidents_event", self.rows, incident_id=incident, object_id=incident)


OWN_KEY = {"mous_ledgerentry": "number", "incidents_event": "seq"}


def connect():
    own = connection.settings_dict
    return psycopg2.connect(
        host=own["HOST"], port=own["PORT"], dbname=own["NAME"], user=own["USER"], password=own["PASSWORD"]
    )


def written(table: str, column: str, value) -> list[dict]:
    """The rows that the product wrote, without their own keys."""
    with connect() as database, database.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cursor:
        cursor.execute(f"select * from {table} where {column} = %s", [value])
        key = OWN_KEY.get(table, "id")
        return [{name: given for name, given in row.items() if name != key} for row in cursor.fetchall()]


def insert(cursor, table: str, rows: dict[str, list[dict]], **changed) -> int:
    """Insert the table's rows with `changed` columns in one statement; return the last one's key."""
    columns = list(rows[table][0])
    values = [[plain((row | changed)[column]) for column in columns] for row in rows[table]]
    statement = f"insert into {table} ({', '.join(columns)}) values %s returning {OWN_KEY.get(table, 'id')}"
    return psycopg2.extras.execute_values(cursor, statement, values, fetch=True)[-1][0]


def plain(value):
    return psycopg2.extras.Json(value) if isinstance(value, dict) else value
