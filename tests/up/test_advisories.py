"""The audit of the pinned packages, against services of our own that know of one weakness each."""

import json
import threading
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from daejeon_soc.up import advisories
from daejeon_soc.up.advisories import NotAsked, Weakness

pytestmark = pytest.mark.slow

HASH = "0" * 64
OSV_SAYS = {
    "id": "PYSEC-2026-1",
    "aliases": ["CVE-2026-1"],
    "details": "Reads beyond its end.",
    "affected": [
        {
            "package": {"name": "weak", "ecosystem": "PyPI"},
            "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.1"}]}],
            "versions": ["1.0"],
        }
    ],
}
NPM_SAYS = {
    "id": 1,
    "url": "https://github.com/advisories/GHSA-aaaa-bbbb-cccc",
    "title": "Draws what it is told",
    "severity": "high",
    "vulnerable_versions": "<1.1.0",
    "cwe": [],
    "cvss": {"score": 7, "vectorString": None},
}
LOCK = {
    "name": "pages",
    "version": "1.0.0",
    "lockfileVersion": 3,
    "packages": {
        "": {"name": "pages", "version": "1.0.0", "dependencies": {"weak": "1.0.0"}},
        "node_modules/weak": {"version": "1.0.0"},
    },
}


class Advisories(BaseHTTPRequestHandler):
    """OSV and npm's registry, as far as an audit asks them."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path == "/v1/query":
            weak = json.loads(body)["package"]["name"] == "weak"
            return self.say({"vulns": [OSV_SAYS]} if weak else {})
        if self.path == "/-/npm/v1/security/advisories/bulk":
            return self.say({"weak": [NPM_SAYS]})
        return self.send_error(405)

    def do_GET(self):
        versions = {number: {"name": "weak", "version": number} for number in ("1.0.0", "1.1.0")}
        self.say({"name": "weak", "versions": versions, "dist-tags": {"latest": "1.1.0"}})

    def say(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def service():
    with ThreadingHTTPServer(("127.0.0.1", 0), Advisories) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def pins(folder, *names: str):
    file = folder / "requirements.txt"
    file.write_text("".join(f"{name} --hash=sha256:{HASH}\n" for name in names))
    return file


def test_a_weak_python_package_is_named(service, tmp_path):
    found = advisories.of_python(pins(tmp_path, "sound==2.0", "weak==1.0"), f"{service}/v1/query")
    assert found == [Weakness("weak 1.0", ("PYSEC-2026-1", "CVE-2026-1"), "mended in 1.1")]


def test_a_sound_python_package_is_not(service, tmp_path):
    assert advisories.of_python(pins(tmp_path, "sound==2.0"), f"{service}/v1/query") == []


def test_a_weak_package_of_the_pages_is_named(service, tmp_path):
    (tmp_path / "package-lock.json").write_text(json.dumps(LOCK))
    (tmp_path / "package.json").write_text(json.dumps(LOCK["packages"][""]))
    found = advisories.of_pages(tmp_path, service)
    assert found == [Weakness("weak", ("GHSA-aaaa-bbbb-cccc",), "Draws what it is told")]


NOBODY = "http://127.0.0.1:9"


def test_silence_is_not_taken_for_soundness(tmp_path):
    with pytest.raises(NotAsked):
        advisories.of_python(pins(tmp_path, "weak==1.0"), f"{NOBODY}/v1/query")


def test_the_pages_service_that_refuses_is_not_taken_for_soundness(service, tmp_path):
    (tmp_path / "package-lock.json").write_text(json.dumps(LOCK))
    (tmp_path / "package.json").write_text(json.dumps(LOCK["packages"][""]))
    with pytest.raises(NotAsked, match="405"):
        advisories.of_pages(tmp_path, f"{service}/refusing")


WEAK = Weakness("weak 1.0", ("PYSEC-2026-1", "CVE-2026-1"), "mended in 1.1")


@pytest.mark.parametrize(
    ("found", "borne", "code", "said"),
    [
        ([], {}, 0, "no known weakness"),
        ([WEAK], {}, 1, "PYSEC-2026-1"),
        ([WEAK], {"CVE-2026-1": "unused here"}, 0, "unused here"),
        ([WEAK], {"CVE-2026-2": "another"}, 1, "1 known"),
    ],
)
def test_verdict(found, borne, code, said, capsys):
    assert advisories.judge("packages", lambda: found, borne) == code
    assert said in capsys.readouterr().out


def unreachable():
    raise NotAsked("no route")


@pytest.mark.parametrize(
    ("python", "pages", "words", "code"),
    [
        (list, list, [], 0),
        (unreachable, list, [], 3),
        (unreachable, list, ["--where-reachable"], 0),
        (unreachable, lambda: [WEAK], ["--where-reachable"], 1),
    ],
)
def test_exit_code_and_the_reason(python, pages, words, code, monkeypatch, capsys):
    monkeypatch.setattr(advisories, "of_python", python)
    monkeypatch.setattr(advisories, "of_pages", pages)
    assert advisories.main(words) == code
    assert ("NOT AUDITED" in capsys.readouterr().out) == (python is unreachable)


def test_what_is_accepted_is_accepted_until_its_day(tmp_path):
    file = tmp_path / "accepted.toml"
    file.write_text('[[advisory]]\nid = "CVE-1"\nuntil = 2026-12-31\nwhy = "not used"\n')
    assert advisories.accepted(file, today=date(2026, 12, 31)) == {"CVE-1": "not used"}
    assert advisories.accepted(file, today=date(2027, 1, 1)) == {}


def test_every_accepted_advisory_says_why():
    assert all(advisories.accepted(today=date.min).values())
