import pytest
from django.db import OperationalError
from redis import ConnectionError as NoRedis

from apps.console import health
from apps.video.disk import Space
from apps.video.models import Recorder


@pytest.fixture(autouse=True)
def asked_anew():
    health.parts_at.cache_clear()
    yield
    health.parts_at.cache_clear()


@pytest.fixture
def well(monkeypatch):
    """Every part answers; a test then takes one away."""
    monkeypatch.setattr(health, "PARTS", dict.fromkeys(health.PARTS, lambda: ""))


def test_all_well_is_200_and_needs_no_sign_in(client, well):
    answer = client.get("/healthz")
    assert (answer.status_code, set(answer.json())) == (200, {"database", "redis", "worker", "recorder", "disk"})
    assert "no-store" in answer.headers["Cache-Control"]


@pytest.mark.parametrize("part", list(health.PARTS))
def test_one_part_unwell_is_503_and_named(part, client, well, monkeypatch):
    monkeypatch.setitem(health.PARTS, part, lambda: "does not answer")
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert [name for name, state in answer.json().items() if not state["ok"]] == [part]
    assert answer.json()[part]["reason"] == "does not answer"


def test_parts_are_looked_at_once_a_second_at_most(client, monkeypatch):
    looks = []
    monkeypatch.setattr(health, "PARTS", {"worker": lambda: looks.append(1) or ""})
    monkeypatch.setattr(health.time, "monotonic", lambda: 7.5)
    for _ in range(3):
        client.get("/healthz")
    assert len(looks) == 1


def test_database_away(monkeypatch):
    def away():
        raise OperationalError("secret host name")

    monkeypatch.setattr(health.connection, "cursor", away)
    assert health.database() == "does not answer"


def test_redis_away_and_the_worker_is_not_asked(monkeypatch):
    class Away:
        def ping(self):
            raise NoRedis("secret host name")

    monkeypatch.setattr(health, "redis_client", Away)
    monkeypatch.setattr(health.celery.control, "ping", lambda **_: pytest.fail("asked a queue that is away"))
    assert health.redis() == health.worker() == "does not answer"


@pytest.mark.parametrize(("answers", "reason"), [([{"worker": {"ok": "pong"}}], ""), ([], "no worker answers")])
def test_worker(answers, reason, monkeypatch):
    monkeypatch.setattr(health.celery.control, "ping", lambda **_: answers)
    assert health.worker() == reason


@pytest.mark.django_db
def test_recorder_is_well_only_while_one_is_alive():
    assert health.recorder() == "no recorder is alive"
    Recorder.objects.create(address="127.0.0.1:1", capacity=1)
    assert health.recorder() == ""


@pytest.mark.parametrize(
    ("total", "free", "reason"),
    [
        (10**12, 2 * 1024**3, "almost full"),
        (10**12, 2 * 1024**3 + 1, ""),
        (10**9, 20_000_000, "almost full"),
        (10**9, 20_000_001, ""),
    ],
)
def test_disk(total, free, reason, monkeypatch):
    monkeypatch.setattr(health, "space", lambda _: Space(total, free))
    assert health.disk() == reason


@pytest.mark.parametrize(
    ("error", "reason"),
    [(OSError, "does not answer"), (OperationalError, "unknown while the database does not answer")],
)
def test_a_disk_that_cannot_be_measured(error, reason, monkeypatch):
    def fails(_path):
        raise error

    monkeypatch.setattr(health, "space", fails)
    assert health.disk() == reason


@pytest.mark.django_db
def test_metrics_follow_the_database(client, well):
    Recorder.objects.create(address="127.0.0.1:1", capacity=1)
    text = client.get("/metrics").content.decode()
    assert "soc_recorders 1.0" in text
    assert 'soc_part_up{part="disk"} 1.0' in text
    assert "soc_disk_level" in text and "soc_cameras_kept_short 0.0" in text


def test_metrics_without_a_database_still_say_that_it_is_away(client, well, monkeypatch):
    monkeypatch.setitem(health.PARTS, "database", lambda: "does not answer")
    text = client.get("/metrics").content.decode()
    assert 'soc_part_up{part="database"} 0.0' in text and "soc_recorders" not in text


@pytest.mark.parametrize("path", ["/healthz", "/metrics"])
def test_only_reading(path, client):
    assert client.post(path).status_code == 405
