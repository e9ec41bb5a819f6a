"""The one address in front: what it refuses by itself, what it hands on, and what it says about whom."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from tests.city.client import Api
from tests.waiting import until

pytestmark = pytest.mark.city


@pytest.fixture(scope="module")
def front(city):
    with httpx.Client(base_url=city.base_url, timeout=30) as client:
        yield client


def test_health_names_each_part(front):
    # A part that an earlier test killed may still be on its way back.
    answer = until(lambda: (found := front.get("/healthz")).status_code == 200 and found, every=1)
    assert answer.json() == {part: {"ok": True} for part in ("database", "redis", "worker", "recorder", "disk")}


def test_metrics_count_what_is_there(front):
    lines = dict(line.rsplit(" ", 1) for line in front.get("/metrics").text.splitlines() if line[0] != "#")
    assert lines['soc_part_up{part="worker"}'] == "1.0"
    assert float(lines['soc_cameras{status="off"}']) > 900
    assert float(lines["soc_recorders"]) >= 1


def test_too_large_a_body_is_refused_in_json(front):
    answer = front.post(
        "/api/v1/incidents/", content=b" " * (3 * 1024**2 + 1), headers={"Content-Type": "application/json"}
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("path", ["/ws/events/", "/api/v1/cameras/1/live"])
def test_a_socket_address_asked_without_upgrade_says_so(path, front):
    answer = front.get(path)
    assert (answer.status_code, answer.json()["code"]) == (426, "websocket_only")


@pytest.mark.parametrize("path", ["/sign-in/", "/api/v1/incident-types/", "/healthz", "/static/css/console.css"])
def test_each_security_header_comes_once(path, front):
    answer = front.get(path)
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert len(answer.headers.get_list("referrer-policy")) <= 1
    assert answer.headers["server"] == "nginx"


@pytest.mark.parametrize(
    "path", ["/protected/video/", "/protected/clips/a.mp4", "/static/../city.env", "/static//../city.env"]
)
def test_files_are_not_reached_past_the_application(path, city):
    # httpx would tidy the dots away itself, so the request line is written by hand.
    answer = raw(city, path)
    assert answer.startswith((b"HTTP/1.1 404", b"HTTP/1.1 400", b"HTTP/1.1 302")) and b"SECRET_KEY" not in answer


def raw(city, path: str) -> bytes:
    address = urlsplit(city.base_url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {address.netloc}\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_a_client_cannot_choose_the_address_it_is_logged_under(city):
    lie = {"X-Real-IP": "203.0.113.7", "X-Forwarded-For": "203.0.113.7"}
    assert Api(city, "police").get("/api/v1/cameras/1/still.jpg", headers=lie).status_code == 404
    refusal = (
        "from apps.audit.models import Entry; print(Entry.objects.filter(verb='view.refused').latest('pk').address)"
    )
    assert city.manage("shell", "-v0", "-c", refusal).strip() == "127.0.0.1"
    assert "203.0.113.7" not in (city.var_dir / "log" / "nginx.log").read_text()


def test_the_access_log_holds_no_query(city, front):
    front.get("/api/v1/cameras/?near=127.1112233,36.222")
    assert "127.1112233" not in (city.var_dir / "log" / "nginx.log").read_text()
