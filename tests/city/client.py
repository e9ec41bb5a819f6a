"""What tests of a running city do to it from outside: as a control room's system, as a browser, as the kernel."""

import os
import signal
import uuid
from contextlib import closing, contextmanager
from datetime import UTC, datetime

import httpx
import psycopg2

from daejeon_soc.up import city_env

CITY_HALL = {"lon": 127.3845, "lat": 36.3504}


def key_of(city, agency: str) -> str:
    return next(entry["key"] for entry in city.demo["api_keys"] if entry["agency"] == agency)


class Api:
    """The agency's own system, with its key; a connection for each request."""

    def __init__(self, city, agency: str | None):
        self.base_url = city.base_url
        key = {"Authorization": f"Bearer {key_of(city, agency)}"} if agency else {}
        self.headers = {"Accept-Language": "en", **key}

    def get(self, path: str, headers=None) -> httpx.Response:
        return httpx.get(self.base_url + path, headers=self.headers | (headers or {}), timeout=30)

    def post(self, path: str, body: dict) -> httpx.Response:
        return httpx.post(self.base_url + path, json=body, headers=self.headers, timeout=30)


def call(**details) -> dict:
    return {
        "source_id": uuid.uuid4().hex,
        "service": "112-onsite",
        "type": "robbery",
        "grade": "urgent",
        "occurred_at": datetime.now(UTC).isoformat(),
        "location": CITY_HALL,
        "place": "시청 앞",
        "description": "검은 모자",
        "exercise": True,
        **details,
    }


def post_call(city, agency="police", **details) -> dict:
    answer = Api(city, agency).post("/api/v1/incidents/", call(**details))
    assert answer.status_code == 201, answer.text
    return answer.json()


def move_on(city, incident: dict, event: str, agency="police") -> None:
    body = {"event": event, "before": incident["state"]}
    answer = Api(city, agency).post(f"/api/v1/incidents/{incident['number']}/transitions/", body)
    assert answer.status_code == 200, answer.text


def person(city, role: str) -> dict:
    return next(user for user in city.demo["users"] if user["role"] == role)


def sign_in(page, city, role: str) -> None:
    user = person(city, role)
    page.goto(f"{city.base_url}/sign-in/")
    page.fill("input[name=username]", user["username"])
    page.fill("input[name=password]", user["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url(lambda url: "sign-in" not in url)


@contextmanager
def signed_in(city, role: str):
    """Somebody's browser without the pages: what they could send by hand."""
    with httpx.Client(base_url=city.base_url, follow_redirects=True, headers={"Referer": city.base_url}) as browser:
        browser.get("/sign-in/")
        user = person(city, role)
        assert send(browser, "/sign-in/", {name: user[name] for name in ("username", "password")}).is_success
        yield browser


def send(browser: httpx.Client, path: str, form: dict) -> httpx.Response:
    return browser.post(path, data={**form, "csrfmiddlewaretoken": browser.cookies["csrftoken"]})


def sql(city, statement: str, *values) -> list[tuple]:
    """Change or ask the city's database as its owner, behind the application's back."""
    address = city_env.read(city.var_dir / "city.env")["OWNER_DATABASE_URL"].replace("postgis://", "postgresql://")
    with closing(psycopg2.connect(address)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


def kill(city, *words: str, by: int = signal.SIGKILL) -> list[int]:
    """Send a signal to every process of this city whose command line has all `words`; return their ids."""
    mine = [pid for pid in descendants(city.process.pid) if all(word in command_of(pid) for word in words)]
    for pid in mine:
        os.kill(pid, by)
    return mine


def descendants(pid: int) -> list[int]:
    found = []
    for entry in filter(str.isdigit, os.listdir("/proc")):
        with _may_be_gone(), open(f"/proc/{entry}/stat") as file:
            parent = int(file.read().rpartition(")")[2].split()[1])
            if parent == pid:
                found += [int(entry), *descendants(int(entry))]
    return found


def command_of(pid: int) -> str:
    with _may_be_gone(), open(f"/proc/{pid}/cmdline") as file:
        return file.read().replace("\0", " ")
    return ""


@contextmanager
def _may_be_gone():
    try:
        yield
    except (FileNotFoundError, ProcessLookupError):
        return
