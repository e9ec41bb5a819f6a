"""Whatever the code writes into the audit is read there as words."""

import ast
import re
from functools import cache

import pytest
from django.conf import settings
from django.contrib import admin
from django.utils import timezone
from django.utils.translation import override

from apps.agencies.admin import AuditedMixin
from apps.audit.actions import record
from apps.audit.models import Entry
from apps.audit.words import VERBS
from apps.mous.agreements import TRANSITIONS
from apps.video.models import Clip
from apps.viewing import unusual
from tests.cast import make_user

IMPORTS = {"apps.audit.actions", "apps.audit.refusals"}
WRITERS = {"record", "entry", "record_refusal"}


@cache
def calls(file: str) -> list[tuple[str, list[ast.expr]]]:
    tree = ast.parse((settings.BASE_DIR / "apps" / file).read_text())
    nodes = (node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args)
    return [(getattr(node.func, "id", getattr(node.func, "attr", "")), node.args) for node in nodes]


def said_to(function: str, place: int, file: str) -> set[str]:
    """What `file` says as an argument of `function`: its strings, and its choices, such as S.APPROVED."""
    said = [args[place] for name, args in calls(file) if name == function and args[place:]]
    nodes = [node for argument in said for node in ast.walk(argument)]
    words = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return words | {node.attr.lower() for node in nodes if isinstance(node, ast.Attribute) and node.attr.isupper()}


def saved_through(mixin: type) -> set[str]:
    models = [model for model, page in admin.site._registry.items() if isinstance(page, mixin)]
    return {f"{model._meta.model_name}.{done}" for model in models for done in ("added", "changed")}


def each(beginning: str, ends) -> set[str]:
    return {f"{beginning}{end}" for end in ends}


def of_agreements(steps) -> set[str]:
    return each("mou.", steps) | each("integration.", steps)


# Nobody adds these by hand.
READ_IN = {"district.added", "dong.added"}
# What the verbs can be that are put together when they are written.
PUT_TOGETHER = {
    ("agencies/admin.py", "verb"): lambda file: saved_through(AuditedMixin) - READ_IN,
    ("agencies/refusals.py", "verb"): lambda file: {"access.refused", *said_to("put_on_record", 1, file)},
    ("agencies/second_factor.py", "f'person.second_factor_{verb}'"): lambda file: each(
        "person.second_factor_", ("added", "removed")
    ),
    ("mous/agreements.py", "f'{kind._meta.model_name}.amended'"): lambda file: of_agreements(["amended"]),
    ("mous/agreements.py", "kind"): lambda file: of_agreements({*TRANSITIONS, *said_to("_tell", 1, file)}),
    ("mous/requests.py", "f'request.{verb}'"): lambda file: each(
        "request.", said_to("_tell", 1, file) | said_to("_decide", 1, file)
    ),
    ("mous/actions.py", "f'provision.{verb}'"): lambda file: each("provision.", said_to("_on_record", 1, file)),
    ("mous/reminders.py", "kind"): lambda file: said_to("_tell", 0, file),
    ("viewing/unusual.py", "kind"): lambda file: set(unusual.WORDS),
    ("video/cutting.py", "f'clip.{fields['state']}'"): lambda file: each(
        "clip.", (Clip.State.READY, Clip.State.FAILED)
    ),
}


def written() -> dict[str, set[str]]:
    """The verbs of the audit, and the files that write them."""
    apps, found, put_together = settings.BASE_DIR / "apps", {}, set()
    writers = {
        path.relative_to(apps).as_posix() for path in apps.rglob("*.py") if IMPORTS & set(path.read_text().split())
    }
    for file in writers - {"audit/actions.py", "audit/refusals.py"}:
        for verb in (args[0] for name, args in calls(file) if name in WRITERS):
            verbs = {verb.value} if isinstance(verb, ast.Constant) else None
            if verbs is None:
                place = (file, ast.unparse(verb).replace('"', "'"))
                put_together.add(place)
                verbs = PUT_TOGETHER[place](file)
            for one in verbs:
                found.setdefault(one, set()).add(file)
    assert put_together == set(PUT_TOGETHER)
    return found


@pytest.mark.slow
def test_every_verb_has_words_and_all_words_are_of_a_verb():
    found = written()
    assert {"request.approved", "mou.hold_out", "urgent.overdue", "camera.changed", "cameras.imported"} <= set(found)
    assert {verb: files for verb, files in found.items() if verb not in VERBS} == {}
    assert VERBS.keys() - found.keys() == set()


def test_words_of_different_verbs_differ():
    with override("en"):
        assert len({str(words) for words in VERBS.values()}) == len(VERBS)


@pytest.mark.slow
def test_the_audit_is_read_in_words_and_searched_by_code(client, centre):
    root = make_user("root", centre, "administrator", is_staff=True, is_superuser=True)
    client.force_login(root)
    record("provision.opened", actor=root, target=root, cameras=["<b>7"], until="")
    record("<b>never.known", actor=root)
    record("person.disabled", actor=root, target=root)
    page = client.get("/admin/audit/entry/", {"q": "provision.opened"}, headers={"accept-language": "en"})
    (row,) = page.context["cl"].result_list
    table, sidebar = page.content.decode().split('id="changelist-filter"')
    assert ">Provision opened<" in table and ">provision.opened<" not in table
    assert "Provision opened" in sidebar and "&lt;b&gt;never.known" in sidebar and "<b>never" not in sidebar
    one = client.get(f"/admin/audit/entry/{row.pk}/change/", headers={"accept-language": "en"}).content.decode()
    assert "Provision opened" in one and "provision.opened" in one
    assert "cameras: [&#x27;&lt;b&gt;7&#x27;]" in one and "until" not in one
    assert f"{timezone.localtime(row.at):%Y-%m-%d %H:%M:%S}" in one and "history" not in one.lower()
    about = client.get(re.search(r'href="(/admin/audit/entry/[?]q=agencies.user[^"]+)">User \d', table)[1])
    assert {"person.disabled", "provision.opened"} < {entry.verb for entry in about.context["cl"].result_list}
    chosen = client.get("/admin/audit/entry/", {"verb": "<b>never.known"})
    assert [entry.verb for entry in chosen.context["cl"].result_list] == ["<b>never.known"]
    assert str(Entry(verb="never.known", actor_name="system")).split()[3] == "never.known"
