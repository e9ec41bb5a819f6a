"""`docs/security.md` is whole, and what it points to exists."""

import ast
import json
import re
import tomllib
import uuid

import pytest

from apps.video.models import Clip, Recorder
from tests.running_city import BASE

PAGE = (BASE / "docs" / "security.md").read_text()
STATES = {"met", "n/a", "open"}
# The numbers of OWASP ASVS 4.0.3 at levels 1 and 2, by section: how many the section has, and which are not among them
# (of level 3, or struck out).
NUMBERS = {
    "1.1": (7, []),
    "1.2": (4, []),
    "1.4": (5, [2, 3]),
    "1.5": (4, []),
    "1.6": (4, []),
    "1.7": (2, []),
    "1.8": (2, []),
    "1.9": (2, []),
    "1.10": (1, []),
    "1.11": (2, []),
    "1.12": (2, [1]),
    "1.14": (6, []),
    "2.1": (12, []),
    "2.2": (3, []),
    "2.3": (3, []),
    "2.4": (5, []),
    "2.5": (7, []),
    "2.6": (3, []),
    "2.7": (6, []),
    "2.8": (7, []),
    "2.9": (3, []),
    "2.10": (4, []),
    "3.1": (1, []),
    "3.2": (4, []),
    "3.3": (4, []),
    "3.4": (5, []),
    "3.5": (3, []),
    "3.7": (1, []),
    "4.1": (5, [4]),
    "4.2": (2, []),
    "4.3": (3, []),
    "5.1": (5, []),
    "5.2": (8, []),
    "5.3": (10, []),
    "5.4": (3, []),
    "5.5": (4, []),
    "6.1": (3, []),
    "6.2": (6, []),
    "6.3": (2, []),
    "6.4": (2, []),
    "7.1": (4, []),
    "7.2": (2, []),
    "7.3": (4, [2]),
    "7.4": (3, []),
    "8.1": (4, []),
    "8.2": (3, []),
    "8.3": (8, []),
    "9.1": (3, []),
    "9.2": (4, []),
    "10.2": (2, []),
    "10.3": (3, []),
    "11.1": (8, []),
    "12.1": (3, []),
    "12.2": (1, []),
    "12.3": (6, []),
    "12.4": (2, []),
    "12.5": (2, []),
    "12.6": (1, []),
    "13.1": (5, [2]),
    "13.2": (6, [4]),
    "13.3": (2, []),
    "13.4": (2, []),
    "14.1": (4, []),
    "14.2": (6, []),
    "14.3": (3, [1]),
    "14.4": (7, []),
    "14.5": (4, []),
}


def rows() -> list[list[str]]:
    lines = re.findall(r"^\| (\d+\.\d+\.\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    return [[number, *(cell.strip() for cell in rest.split(" | "))] for number, rest in lines]


def test_every_requirement_is_there_once():
    numbers = [number for number, *_rest in rows()]
    wanted = [
        f"{section}.{n}" for section, (last, missing) in NUMBERS.items() for n in range(1, last + 1) if n not in missing
    ]
    assert sorted(numbers) == sorted(wanted)


def test_every_row_is_whole():
    for row in rows():
        _number, level, words, state, shown = row
        assert level in ("1", "2") and words and state in STATES and shown, row


def test_what_is_met_names_a_test():
    met = {number: references(shown) for number, _level, _words, state, shown in rows() if state == "met"}
    assert {number for number, named in met.items() if not named} == SAID_IN_WORDS
    assert {number for number, named in met.items() if named and not any("::" in name for name in named)} == PAPERS


# Shown by what the libraries are, which no test of ours shows better.
SAID_IN_WORDS = {"2.6.3", "2.8.7", "2.9.1", "3.2.4", "5.5.1"}
# What is asked for is a paper, or that something is not there at all.
PAPERS = {"1.1.1", "1.1.2", "1.1.4", "1.1.5", "1.1.7", "1.6.1", "1.8.1", "8.3.4"} | {"2.1.10", "8.1.3"}


def references(text: str) -> list[str]:
    """What stands in code marks and looks like a path."""
    return [word for word in re.findall(r"`([^` ]+)`", text) if re.search(r"[./]", word) and "=" not in word]


@pytest.mark.parametrize("page", ["security.md", "threats.md"])
def test_everything_named_exists(page):
    named = set(references((BASE / "docs" / page).read_text()))
    missing = {name for name in named if not (is_there(name) if "::" in name else (BASE / name).exists())}
    assert missing == set()


def is_there(name: str) -> bool:
    path, *inside = name.split("::")
    file = BASE / "tests" / path
    scope = ast.parse(file.read_text()).body if file.exists() else []
    for word in inside:
        found = [node for node in scope if getattr(node, "name", None) == word]
        if not found:
            return False
        scope = found[0].body
    return bool(inside)


# What makes code, or objects, of words.
MAKERS = {
    "eval",
    "exec",
    "compile",
    "__import__",
    "pickle.loads",
    "pickle.load",
    "marshal.loads",
    "yaml.load",
}


def called(source: str) -> set[str]:
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)}


def makes(source: str) -> set[str]:
    """The makers that the source calls; a template made of a string is one, wherever the engine comes from."""
    return {name for name in called(source) if name in MAKERS or name.endswith(".from_string")}


def test_no_code_is_made_of_words():
    sources = [path for folder in ("apps", "daejeon_soc") for path in (BASE / folder).rglob("*.py")]
    assert {str(path) for path in sources if makes(path.read_text())} == set()
    scripts = "".join(path.read_text() for path in (BASE / "static" / "js").glob("*.js"))
    assert re.findall(r"\beval\(|new Function\(|setTimeout\(\s*[\"'`]", scripts) == []


def test_the_reader_of_sources_sees_them():
    source = "import pickle\npickle.loads(x); eval('1'); re.compile('x'); engine.from_string(x)"
    assert makes(source) == {"pickle.loads", "eval", "engine.from_string"}


def test_the_linter_minds_what_is_said_of_it():
    rules = tomllib.loads((BASE / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    named = set(re.findall(r"\bS\d{3}\b", PAGE))
    assert named and "S" in rules["select"] and not named & set(rules["ignore"])
    spared = {folder: named & set(some) for folder, some in rules["per-file-ignores"].items() if folder != "tests/**"}
    # What virtual cameras draw by chance keeps no secret.
    assert {folder: some for folder, some in spared.items() if some} == {"apps/showroom/virtual/**": {"S311"}}
    assert "S" in rules["per-file-ignores"]["tests/**"], "the tests are left out for being none of the product"


def test_every_part_is_pinned_by_its_hash():
    python = re.split(r"\n(?=[a-z0-9])", (BASE / "requirements.txt").read_text())[1:]
    assert len(python) > 50
    assert [part for part in python if not re.match(r"[\w.\[\]-]+==\S+ .*\n +--hash=sha256:", part)] == []
    pages = json.loads((BASE / "package-lock.json").read_text())["packages"]
    assert [name for name, part in pages.items() if name and not part.get("integrity", "").startswith("sha512-")] == []


def test_names_nobody_guesses():
    assert Clip._meta.pk.default is Recorder._meta.pk.default is uuid.uuid4


KEEPS = re.compile(r"\b(localStorage|sessionStorage|indexedDB|caches|document\.cookie)\b")


def test_what_a_browser_keeps():
    """Whether sounds are on, when somebody last touched a key, when somebody left; and the page for no connection."""
    scripts = [*(BASE / "static" / "js").rglob("*.js"), *(BASE / "templates").rglob("*.js")]
    keeping = {file.name: set(KEEPS.findall(file.read_text())) for file in scripts}
    here = {"sound.js": {"localStorage"}, "idle.js": {"localStorage"}, "left.js": {"localStorage"}}
    assert {name: found for name, found in keeping.items() if found} == here | {"service-worker.js": {"caches"}}
