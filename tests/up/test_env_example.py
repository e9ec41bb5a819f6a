"""`.env.example` is the list of settings: it names each that the code reads, and none that it does not."""

import ast
import re

import pytest

from daejeon_soc.up import city_env
from tests.running_city import BASE

READING = r"(env|environ\.Env\(\)|os\.environ)\.(str|int|bool|list|db|float|email|json|get|setdefault)$"
# Set by the front servers and by the runner itself, never by a person.
NOT_SETTINGS = {"DJANGO_SETTINGS_MODULE", "PATH"}


def names_read(source: str) -> set[str]:
    """Names that the source takes from the environment: `env.int("X")`, `os.environ["X"]`, `os.environ.get("X")`."""
    asked = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ":
            asked.append(node.slice)
        if isinstance(node, ast.Call) and re.match(READING, ast.unparse(node.func)):
            asked += node.args[:1]
    words = {part.value for name in asked for part in ast.walk(name) if isinstance(part, ast.Constant)}
    return {word for word in words if re.fullmatch("[A-Z][A-Z0-9_]+", str(word))}


def names_documented() -> set[str]:
    text = (BASE / ".env.example").read_text()
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", text, re.MULTILINE))


def test_every_setting_is_documented():
    sources = [path for folder in ("daejeon_soc", "apps") for path in (BASE / folder).rglob("*.py")]
    read = set().union(*(names_read(path.read_text()) for path in sources)) - NOT_SETTINGS
    assert read - names_documented() == set()


def test_every_documented_setting_is_read():
    sources = [path for folder in ("daejeon_soc", "apps") for path in (BASE / folder).rglob("*.py")]
    read = set().union(*(names_read(path.read_text()) for path in sources)) | set(city_env.NAMES)
    assert names_documented() - read == set()


@pytest.mark.parametrize(
    "source",
    [
        'env.str("A_NAME", default="")',
        'os.environ["A_NAME"]',
        'os.environ.get("A_NAME")',
        'environ.Env().bool("A_NAME")',
    ],
)
def test_the_reader_of_sources_sees_each_way_of_asking(source):
    assert names_read(source) == {"A_NAME"}
