"""The API does what its description says, whatever it is sent and whoever sends it.

Requests are made up from `/api/schema/` itself: fitting ones, ones just past each limit, and nonsense; each is sent by
every caller. Of every answer: a documented status (500 never is), a documented content type, a body as described; and
methods that an address does not have are refused.
`API_EXAMPLES` sets how many requests are drawn per operation, beside the systematic ones (`make conformance`: many).
"""

import os
from collections import Counter, defaultdict
from datetime import timedelta
from itertools import count

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from drf_spectacular.generators import EndpointEnumerator, SchemaGenerator
from hypothesis import HealthCheck, settings

from apps.agencies.models import ApiKey
from apps.linked_services.actions import receive
from apps.linked_services.api import IntakeThrottle
from apps.mous.actions import report_result
from apps.video import stills
from apps.video.models import Clip
from tests.cast import CITY_HALL, make_call
from tests.linked_services.calls import checked
from tests.viewing.test_api import System, order

EXAMPLES = int(os.environ.get("API_EXAMPLES", "8"))
SCOPES = {
    "intake": [ApiKey.Scope.INTAKE],
    "read": [ApiKey.Scope.READ],
    "events": [ApiKey.Scope.EVENTS],
    "every scope": list(ApiKey.Scope),
}
ANSWERS = defaultdict(Counter)  # by operation: how often which caller got which status
TURN = count()
DRAWN = settings(
    max_examples=EXAMPLES, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
)

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

# The addresses alone: every process that collects tests would pay seconds for the whole description.
ADDRESSES = EndpointEnumerator().get_api_endpoints()
LABELS = [f"{method} {path}" for path, _regex, method, _view in ADDRESSES if path.startswith("/api/v1/")]


@pytest.fixture(scope="module")
def api():
    """The operations that the description has, by label, and how requests for them are made up."""
    import schemathesis
    from schemathesis.checks import load_all_checks
    from schemathesis.config import SchemathesisConfig

    load_all_checks()
    project = (config := SchemathesisConfig()).projects.get_default()
    project.generation.with_security_parameters = False
    schema = schemathesis.openapi.from_dict(SchemaGenerator().get_schema(public=True), config=config)
    schema.app = get_wsgi_application()
    return schema


@pytest.fixture(scope="module")
def operations(api) -> dict:
    return {operation.ok().label: operation.ok() for operation in api.get_all_operations()}


@pytest.fixture(autouse=True)
def one_connection(monkeypatch):
    """The end of a request is not the end of the test's transaction."""
    monkeypatch.setattr(connection, "close_if_unusable_or_obsolete", lambda: None)


@pytest.fixture
def there(police, operator, camera, monkeypatch) -> dict:
    """An incident with a provision, a picture and a clip; the names by which requests ask for them."""
    monkeypatch.setattr(IntakeThrottle, "rate", 10**9)  # a caller refused for haste finds nothing
    monkeypatch.setattr(stills, "still", lambda camera, at: stills.Still(b"\xff\xd8", timezone.now()))
    call = checked(occurred_at=(timezone.now() - timedelta(minutes=10)).isoformat())
    incident = receive(police.agency, call, by=police.user).incident
    asked = order(camera, incident)
    System(police.token).post("/api/v1/clips/", asked, content_type="application/json")
    report_result(incident.provisions.get(), "helped", by=police.user)
    call = make_call()
    return {
        **{name: call[name] for name in ("service", "type", "occurred_at", "location")},
        **asked,
        "at": asked["from"],
        "after": 0,
        "before": incident.state,
        "camera_id": camera.pk,
        "clip_id": str(Clip.objects.get().pk),
        "incident": incident.number,
        "limit": 5,
        "near": f"{CITY_HALL[0]},{CITY_HALL[1]}",
        "number": incident.number,
        "outcome": "arrest",
        "provision_id": incident.provisions.get().pk,
    }


def aim(case, there: dict) -> None:
    """Make a request that was made up ask for what is there."""
    for given in (case.path_parameters, case.query, case.body):
        if isinstance(given, dict):
            given.update({name: there[name] for name in given if name in there})


@pytest.fixture
def callers(there, police, operator) -> dict[str, dict[str, str]]:
    """The headers by which each caller is known."""
    keys = {
        name: ApiKey.issue(police.agency, name, ["112-onsite"], scopes=scopes)[1] for name, scopes in SCOPES.items()
    }
    return {
        "a stranger": {},
        **{f"key: {name}": {"Authorization": f"Bearer {token}"} for name, token in keys.items()},
        "operator": cookies_of(operator),
        "liaison": cookies_of(police.user),
    }


def cookies_of(person) -> dict[str, str]:
    browser = Client()
    browser.force_login(person)
    browser.get("/")
    kept = {name: morsel.value for name, morsel in browser.cookies.items()}
    token = kept.setdefault("csrftoken", "a" * 32)
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in kept.items()), "X-CSRFToken": token}


@pytest.mark.parametrize("label", LABELS)
def test_every_answer_is_as_described(label, api, operations, callers, there):
    # By what Schemathesis' plug-in for pytest is built on, and not by it: it gives every operation's test one name.
    from schemathesis.generation.feedback import FeedbackSources
    from schemathesis.pytest._test_builder import build_operation_test
    from schemathesis.specs.openapi import checks

    promises = [
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
        checks.unsupported_method,
    ]

    @DRAWN
    def send(case):
        if next(TURN) % 2:
            aim(case, there)
        for caller, headers in callers.items():
            with transaction.atomic():
                answer = case.call(headers=headers)
                transaction.set_rollback(True)
            ANSWERS[label][caller, answer.status_code] += 1
            case.validate_response(answer, checks=promises)

    how = {"config": api.config, "given_kwargs": {}, "feedback": FeedbackSources()}
    build_operation_test(operation=operations[label], test_func=send, **how)()


def test_the_description_leaves_no_address_out(operations):
    assert sorted(operations) == sorted(LABELS)


# Answered well by no made-up request, and where a test asks properly.
ASKED_ELSEWHERE = {
    "GET /api/v1/cameras/{camera_id}/playback.m3u8": "tests/viewing/test_api.py",
    "GET /api/v1/cameras/{camera_id}/segments/{start_ms}.mp4": "tests/viewing/test_api.py",
    "GET /api/v1/cameras/{camera_id}/thumbnail.jpg": "tests/viewing/test_looking_back.py",
    "GET /api/v1/clips/{clip_id}/file": "tests/viewing/test_api.py",
    "GET /api/v1/clips/{clip_id}/manifest.json": "tests/viewing/test_api.py",
}


def test_requests_got_through(capsys):
    """Refusals alone would prove little: each operation did what it is for, at least once."""
    if not ANSWERS:
        pytest.skip("no request was made up in this run")
    silent = {label for label, answers in ANSWERS.items() if not any(status < 300 for _caller, status in answers)}
    with capsys.disabled():
        print(f"\n  {sum(map(Counter.total, ANSWERS.values()))} requests made up from the API's description")
    assert silent <= set(ASKED_ELSEWHERE), {label: dict(ANSWERS[label]) for label in silent}


@pytest.mark.parametrize("address", ["incidents/", "clips/", "bookmarks/"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded"])
def test_other_content_is_refused(content_type, address, police):
    answer = System(police.token).post(f"/api/v1/{address}", "<a/>", content_type=content_type)
    assert answer.status_code == 415


def test_other_answers_are_not_given(police):
    assert System(police.token).get("/api/v1/clips/", headers={"accept": "text/html"}).status_code == 406


@pytest.mark.parametrize("address", ["incidents/", "clips/", "bookmarks/"])
def test_deep_nesting_is_refused(address, police):
    nested = "[" * 100_000 + "]" * 100_000
    answer = System(police.token).post(f"/api/v1/{address}", nested, content_type="application/json")
    assert answer.status_code == 400


def test_a_session_without_its_token_changes_nothing(police, camera):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(police.user)
    answer = browser.post("/api/v1/clips/", {"camera": camera.pk}, content_type="application/json")
    assert answer.status_code == 403
