"""Promises that the whole project makes, whichever app they concern."""

import ast
from pathlib import Path

import pytest
from django.core.management import call_command

BASE = Path(__file__).resolve().parent.parent


@pytest.mark.slow
@pytest.mark.django_db
def test_the_api_describes_itself_without_a_warning(tmp_path):
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", str(tmp_path / "schema.yml"))


def names_used(path: Path) -> set[str]:
    """Dotted names that a file imports or reaches for, such as `Camera.objects` or `guardian.shortcuts`."""
    tree = ast.parse(path.read_text())
    imports = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    imports |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    reached = {
        f"{node.value.id}.{node.attr}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    return imports | reached


def users_of(name: str, *, folders=("apps", "daejeon_soc")) -> set[str]:
    """The files, migrations left out, in which `name` is used."""
    files = (path for folder in folders for path in (BASE / folder).rglob("*.py") if "migrations" not in path.parts)
    return {str(path.relative_to(BASE)) for path in files if name in names_used(path)}


def test_only_the_gate_and_standing_touch_guardian():
    assert users_of("guardian.shortcuts") == {"apps/mous/gate.py", "apps/mous/standing.py"}


# Who may ask for cameras without asking the gate, and why that shows nobody anything.
UNGATED = {
    "apps/mous/gate.py": "the gate itself",
    "apps/mous/models/agreements.py": "which cameras an agreement may open",
    "apps/cameras/": "the registry: import, export, choosing among what it is handed, status",
    "apps/video/": "the recorder: knows no user",
    "apps/retention/": "purging: shows nothing",
    "apps/showroom/": "the sample city",
    "apps/console/health.py": "counts for the operator of the machine",
}


def test_nobody_else_asks_for_cameras_past_the_gate():
    strangers = {path for path in users_of("Camera.objects") if not path.startswith(tuple(UNGATED))}
    assert strangers == set()


# Who may open a recorded file.
READERS = ("apps/video/", "apps/viewing/", "apps/retention/")


@pytest.mark.parametrize("name", ["settings.VIDEO_ROOT", "settings.CLIP_ROOT", "settings.PROTECTED_URL"])
def test_only_the_doors_touch_video_files(name):
    allowed = (*READERS, "apps/console/health.py")
    assert {path for path in users_of(name) if not path.startswith(allowed)} == set()
