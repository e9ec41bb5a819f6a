"""The application refuses to start when its settings would leave a centre open."""

import runpy

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured

from daejeon_soc import settings as here

CENTRE = {
    "SECRET_KEY": "k" * 40,
    "ALLOWED_HOSTS": "centre.example.go.kr",
    "DATABASE_URL": "postgis://a:b@db/soc",
    "REDIS_URL": "redis://redis",
    "DEBUG": "False",
    "DEMO": "False",
    "PLAIN_HTTP": "False",
}


@pytest.fixture
def started(monkeypatch, tmp_path):
    """The settings as a centre's environment makes them."""

    def start(**changes) -> dict:
        names = {"VAR_DIR": str(tmp_path), **CENTRE, **changes}
        monkeypatch.setattr(environ.Env, "ENVIRON", {name: words for name, words in names.items() if words is not None})
        return runpy.run_path(here.__file__)

    return start


def test_a_centre_starts_closed(started):
    values = started()
    assert not values["DEBUG"] and not values["DEMO"] and values["SECOND_FACTOR"]
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "LANGUAGE_COOKIE_SECURE", "SECURE_SSL_REDIRECT"):
        assert values[name] is True
    assert values["SESSION_COOKIE_HTTPONLY"] is values["CSRF_COOKIE_HTTPONLY"] is True
    assert values["SESSION_COOKIE_NAME"].startswith("__Host-") and values["CSRF_COOKIE_NAME"].startswith("__Host-")
    assert values["SESSION_COOKIE_SAMESITE"] == values["CSRF_COOKIE_SAMESITE"] == "Lax"
    assert values["SECURE_HSTS_SECONDS"] >= 31_536_000
    assert not {name for name in values["SILENCED_SYSTEM_CHECKS"] if name.startswith("security")}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"SECRET_KEY": None}, "SECRET_KEY"),
        ({"SECRET_KEY": "k" * 39}, "SECRET_KEY"),
        ({"RECORDER_SECRET": "short"}, "RECORDER_SECRET"),
        ({"DATABASE_URL": None}, "DATABASE_URL"),
        ({"REDIS_URL": None}, "REDIS_URL"),
        ({"ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS"),
        ({"ALLOWED_HOSTS": "centre.example.go.kr,*"}, "ALLOWED_HOSTS"),
        ({"DEBUG": "True"}, "DEBUG"),
        ({"DEMO": "True"}, "DEMO"),
        ({"PLAIN_HTTP": "True"}, "PLAIN_HTTP"),
        ({"RECORDER_HOST": "0.0.0.0"}, "RECORDER_HOST"),
        ({"SIEM_ADDRESS": "http://siem"}, "SIEM_ADDRESS"),
        ({"IDENTITY_PROVIDERS": '[{"id": "police"}]'}, "IDENTITY_PROVIDERS"),
    ],
)
def test_it_does_not_start_open(changes, named, started):
    with pytest.raises(ImproperlyConfigured, match=named):
        started(**changes)


def test_a_form_may_lead_to_the_sign_in_of_a_provider_and_nowhere_else(started):
    home = (
        '[{"id": "x", "name": "x", "url": "https://sso.example.org/a;b", "client_id": "", "secret": "", "agency": "x"}]'
    )
    policy = started(IDENTITY_PROVIDERS=home)["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]
    assert policy["form-action"] == ["'self'", "https://sso.example.org"]
    assert started()["CONTENT_SECURITY_POLICY"]["DIRECTIVES"]["form-action"] == ["'self'"]


def test_a_demonstration_on_this_machine_starts(started):
    values = started(ALLOWED_HOSTS="localhost,127.0.0.1", PLAIN_HTTP="True", DEMO="True")
    assert values["DEMO"] and not values["SESSION_COOKIE_SECURE"]
