"""Korean is complete: every string of the source is in the catalogue, translated, with its placeholders."""

import ast
import re
import shutil
import subprocess
import sys

import polib
import pytest
from django.conf import settings

BASE = settings.BASE_DIR
CATALOGUE = polib.pofile(BASE / "locale/ko/LC_MESSAGES/django.po")
# Units are written in Latin letters; the other is a placeholder alone.
WITHOUT_HANGUL = {"{metres} m", " By %(filter_title)s "}
PLACEHOLDER = re.compile(r"%\([a-z_]+\)[sd]|%\.?\d*[sdf](?![a-z])|{[a-z_]+}")
HANGUL = re.compile(r"[가-힣]")


def name(entry: polib.POEntry) -> tuple[str | None, str]:
    return entry.msgctxt, entry.msgid


def korean(entry: polib.POEntry) -> str:
    return entry.msgstr_plural[0] if entry.msgid_plural else entry.msgstr


def placeholders(text: str) -> set[str]:
    return set(PLACEHOLDER.findall(text))


def extracted(tree) -> polib.POFile:
    """The strings of a copy of the source, found as the catalogue's own were."""
    for folder in ("apps", "daejeon_soc", "templates"):
        shutil.copytree(BASE / folder, tree / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tree / "locale").mkdir()
    settings_module = "LOCALE_PATHS = ['locale']\nUSE_I18N = True\nSECRET_KEY = 'x'\n"
    (tree / "extraction.py").write_text(settings_module)
    command = [sys.executable, "-m", "django", "makemessages", "-l", "ko", "--no-location", "--settings=extraction"]
    subprocess.run([*command, "--pythonpath=."], cwd=tree, check=True, capture_output=True)
    return polib.pofile(tree / "locale/ko/LC_MESSAGES/django.po")


@pytest.mark.slow
def test_no_string_to_translate_stands_inside_another():
    """What reads the source for the catalogue does not look into f-strings."""
    for file in (BASE / "apps").rglob("*.py"):
        parts = [
            part
            for node in ast.walk(ast.parse(file.read_text()))
            if isinstance(node, ast.JoinedStr)
            for part in ast.walk(node)
        ]
        called = {part.func.id for part in parts if isinstance(part, ast.Call) and isinstance(part.func, ast.Name)}
        assert not called & {"_", "gettext", "ngettext", "pgettext"}, file


@pytest.mark.slow
def test_the_catalogue_holds_the_strings_of_the_source_and_no_others(tmp_path):
    source = {name(entry) for entry in extracted(tmp_path)}
    held = {name(entry) for entry in CATALOGUE}
    assert len(source) > 500
    assert source - held == set(), "missing: run makemessages and translate"
    assert held - source == set(), "no longer used"


def test_nothing_is_left_to_translate():
    assert [entry.msgid for entry in CATALOGUE if not entry.translated() or entry.fuzzy] == []
    assert CATALOGUE.obsolete_entries() == []


def test_the_header_is_that_of_korean():
    assert CATALOGUE.metadata["Language"] == "ko"
    assert CATALOGUE.metadata["Plural-Forms"] == "nplurals=1; plural=0;"


def test_placeholders_are_kept():
    pairs = [(entry.msgid_plural or entry.msgid, korean(entry)) for entry in CATALOGUE]
    assert [pair for pair in pairs if placeholders(pair[0]) != placeholders(pair[1])] == []


def test_korean_is_written_in_hangul():
    latin = {entry.msgid for entry in CATALOGUE if not HANGUL.search(korean(entry))}
    assert latin == WITHOUT_HANGUL


def test_equal_english_words_are_told_apart():
    words = {name(entry): korean(entry) for entry in CATALOGUE}
    assert words["incident", "Close"] == words[None, "Closed"] == "종결"
    assert words["grade", "Normal"] != words[None, "Normal"]
    assert words["key", "revoked"] != words[None, "revoked"]
    assert words["view", "closed"] != words[None, "closed"]
