"""No word reaches a page untranslated: templates and scripts are read, not run."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings

from apps.console.templatetags.console import browser_name
from apps.console.texts import script_texts

TEMPLATES = sorted((settings.BASE_DIR / "templates").rglob("*.html"))
SCRIPTS = sorted((settings.BASE_DIR / "static" / "js").glob("*.js"))
SPOKEN = {"alt", "title", "placeholder", "aria-label", "label"}
# Language names are written in their own language; the rest are names of keys, units and codes.
UNTRANSLATED = {"한국어", "English", "m", "Enter", "Esc", "UTC"}
TAG = re.compile(r"{%.*?%}|{#.*?#}", re.DOTALL)
BLOCK = re.compile(r"{%\s*blocktranslate.*?endblocktranslate\s*%}", re.DOTALL)
NAMES = re.compile(r"{%\s*block (?:theme|body_class)\s*%}[^{]*{%\s*endblock\s*%}")
SAID = re.compile(r"(?<![#\w.])say\(([^,)]*)")


class Words(HTMLParser):
    """The text and spoken attributes of a page, without script, style and data."""

    def __init__(self):
        super().__init__()
        self.inside, self.found = [], []

    def handle_starttag(self, tag, attrs):
        if tag in {"script", "style"}:
            self.inside.append(tag)
        self.found += [value for name, value in attrs if name in SPOKEN]

    def handle_endtag(self, tag):
        if self.inside and self.inside[-1] == tag:
            self.inside.pop()

    def handle_data(self, data):
        if not self.inside:
            self.found.append(data)


def bare_words(template: Path) -> list[str]:
    source = NAMES.sub(" ", BLOCK.sub(" ", template.read_text()))
    source = re.sub(r"{{.*?}}", " ", TAG.sub(" ", source), flags=re.DOTALL)
    reader = Words()
    reader.feed(source)
    words = {word for text in reader.found if text for word in re.findall(r"[^\W\d_]+", text)}
    return sorted(words - UNTRANSLATED - {word for known in UNTRANSLATED for word in known.split()})


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_bare_words_in_templates(template):
    found = [word for word in bare_words(template) if len(word) > 1]
    assert found == []


def test_the_reader_would_notice(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<p title="Hello">{% translate "fine" %} World</p>')
    assert bare_words(page) == ["Hello", "World"]


def said_in(script: Path) -> set[str]:
    return {key for said in SAID.findall(script.read_text()) for key in re.findall(r"[a-z_]+\.[\w${}.]+", said)}


def test_scripts_say_only_what_the_catalogue_holds():
    catalogue = script_texts()
    said = {key for script in SCRIPTS for key in said_in(script)}
    assert len(said) > 15
    for key in said:
        pattern = re.sub(r"\\\$\\{[^}]*\\}", r"\\w+", re.escape(key))  # `tile.${state}` may be any of the tile's
        assert any(re.fullmatch(pattern, known) for known in catalogue), key


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_no_words_written_by_scripts(script):
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", script.read_text(), flags=re.DOTALL)
    for put in re.findall(r"(?:textContent|innerText|title|ariaLabel)\s*=\s*([^;]+);", source):
        for literal in re.findall(r'"([^"]*)"|`([^`]*)`', put):
            words = re.sub(r"\$\{.*?\}", "", "".join(literal))
            assert not re.search(r"[A-Za-z]{3,}", words) or re.fullmatch(r"[a-z_.]+", words), put


def test_scripts_write_no_html():
    for script in SCRIPTS:
        assert not re.search(r"innerHTML\s*=|insertAdjacentHTML|document\.write|\beval\(", script.read_text()), script


def test_the_import_map_names_every_module():
    base = (settings.BASE_DIR / "templates" / "base.html").read_text()
    base = re.sub(r"{%\s*static\s*'([^']+)'\s*%}", r"\1", base)
    imports = json.loads(re.search(r'"imports": ({.*?})', base, re.DOTALL)[1])
    for script in SCRIPTS:
        for name in re.findall(r'(?:from|import) "([^"]+)"', script.read_text()):
            beside = name.startswith("./") and (script.parent / name).exists()  # the administration has no map
            assert beside or name in imports, f"{script.name} imports {name}"
    for name, address in imports.items():
        if name.startswith("soc/"):
            assert (settings.BASE_DIR / "static" / address).exists(), address


def test_nothing_comes_from_another_host():
    for file in [*TEMPLATES, *SCRIPTS, *(settings.BASE_DIR / "static" / "css").glob("*.css")]:
        outside = set(re.findall(r"https?://[^\s\"')]+", file.read_text())) - {"http://www.w3.org/2000/svg"}
        assert not outside, f"{file.name}: {outside}"


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (Windows NT 10.0; Win64) Chrome/131.0 Safari/537.36 Edg/131.0", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Linux; Android 14) SamsungBrowser/26.0 Chrome/122.0", "Samsung Internet, Android"),
        ("curl/8.1", "curl/8.1"),
        ("", ""),
    ],
)
def test_a_browser_in_words(agent, words):
    assert browser_name(agent) == words
