"""What no file of ours may do, read from the code itself: see cameras past the gate, touch video past the doors."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
BASE = Path(__file__).resolve().parent.parent
APPS = BASE / "apps"


def trees(but: tuple[str, ...] = ()) -> Iterator[tuple[str, ast.AST]]:
    """Every module of the apps, by its path below `apps/`, without migrations and the rooms named in `but`."""
    return ((name, tree) for name, tree in all_trees().items() if not name.startswith(but))


@cache
def all_trees() -> dict[str, ast.AST]:
    files = (path for path in sorted(APPS.rglob("*.py")) if "migrations" not in path.parts)
    return {str(path.relative_to(APPS)): parsed(path.read_text()) for path in files}


def parsed(source: str) -> ast.AST:
    """The tree of a module, each of whose nodes knows what it stands in."""
    tree = ast.parse(source)
    tree.inside = None
    for node in ast.walk(tree):
        for child in ast.iter_child_nodes(node):
            child.inside = node
    return tree


def every(tree: ast.AST, *kinds: type) -> Iterator[ast.AST]:
    return (node for node in ast.walk(tree) if isinstance(node, kinds))


def around(node: ast.AST) -> Iterator[ast.AST]:
    while node := node.inside:
        yield node


def called(node: ast.Call) -> str:
    """The last name of what is called: `decide`, of `gate.decide(...)`."""
    return getattr(node.func, "attr", getattr(node.func, "id", ""))


def imported(tree: ast.AST) -> set[str]:
    """Dotted names of everything imported, wherever in the file: `from a import b` is `a.b`."""
    names = {alias.name for node in every(tree, ast.Import) for alias in node.names}
    return names | {f"{n.module or ''}.{alias.name}" for n in every(tree, ast.ImportFrom) for alias in n.names}


def words(tree: ast.AST) -> set[str]:
    """Every name, attribute and text."""
    said = {node.id for node in every(tree, ast.Name)} | {node.attr for node in every(tree, ast.Attribute)}
    return said | {node.value for node in every(tree, ast.Constant) if isinstance(node.value, str)}


# --- cameras and rights ----------------------------------------------------------------

# Who may ask for cameras without asking the gate, and why that shows nobody anything.
UNGATED = (
    "mous/gate.py",  # the gate itself
    "cameras/",  # the registry: import, export, choosing among what it is handed, status
    "video/",  # the recorder: knows no user
    "retention/",  # purging: shows nothing
    "showroom/",  # the sample city
)
# The other places, each with all that it may say.
BY_ANOTHER_RIGHT = {
    ("mous/models/agreements.py", "Camera.objects"): "which cameras an agreement may open",
    ("console/health.py", "Camera.objects"): "counts, for the operator of the machine",
    ("mous/actions.py", "mou.cameras()"): "within what the gate gives the person who provides",
    ("mous/actions.py", "new.cameras()"): "what a new version takes out",
    ("linked_services/actions.py", "mou.cameras()"): "for a call, among what its agreement opens",
    ("linked_services/simulating.py", "mou.cameras()"): "within what the gate gives the person who tries it out",
    ("mous/admin.py", "Camera"): "the administration's list of them, where groups are given them to watch",
    ("mous/owners.py", "camera.owner.cameras.filter"): "an owner's own camera, by its owner",
    ("console/playback_page.py", "provision.cameras.all"): "of a provision that gives now, to the reader's agency",
}
# Where a variable stands for a model: none of them is ever the camera.
OTHER_MODELS = {
    ("audit/admin.py", "get_user_model().objects"),
    ("audit/words.py", "apps.get_model(label)"),  # for its name alone
    ("mous/agreements.py", "kind.objects"),
    ("mous/agreements.py", "type(agreement).objects"),
    ("mous/models/agreements.py", "self.model.objects"),
    ("mous/reminders.py", "kind.objects"),
    ("mous/reminders.py", "type(agreement).objects"),
    ("console/agreement_pages.py", "model.objects"),
}
RELATIONS = {"ForeignKey", "OneToOneField", "ManyToManyField"}
MANAGERS = {"objects", "_default_manager", "_base_manager"}


def ways_to_cameras(tree: ast.AST) -> set[str]:
    """Expressions that reach cameras without the gate: managers, reverse relations, models by name, tables by name."""
    known_as = {
        alias.asname or alias.name
        for node in every(tree, ast.ImportFrom)
        for alias in node.names
        if alias.name == "Camera"
    }
    found = {said(node) for node in every(tree, ast.Name, ast.Attribute) if is_camera(node, known_as)}
    found |= {ast.unparse(node) for node in every(tree, ast.Attribute) if reaches_back(node)}
    found |= {ast.unparse(node) for node in every(tree, ast.Call) if called(node) == "cameras" and not node.args}
    found |= {ast.unparse(node) for node in every(tree, ast.Attribute) if by_variable(node)}
    found |= {word for word in words(tree) if re.search(r"\bcameras[._]camera\b", word, re.IGNORECASE)}
    return found | {ast.unparse(node) for node in every(tree, ast.Call) if called(node) == "get_model"}


def is_camera(node: ast.AST, known_as: set[str]) -> bool:
    """The model itself, used for more than a type, a relation or a word of its own (`Camera.Status`)."""
    if getattr(node, "id", None) not in known_as and getattr(node, "attr", None) != "Camera":
        return False
    outer = node.inside
    if isinstance(outer, ast.Attribute) and outer.attr[0].isupper():
        return False
    if isinstance(outer, ast.Call) and node is not outer.func and called(outer) in RELATIONS:
        return False
    return not is_type(node)


def is_type(node: ast.AST) -> bool:
    inner = node
    for outer in around(node):
        if inner in (getattr(outer, "annotation", None), getattr(outer, "returns", None)):
            return True
        inner = outer
    return False


def said(node: ast.AST) -> str:
    """`Camera.objects` rather than `Camera`, where something is asked of it."""
    return ast.unparse(node.inside if isinstance(node.inside, ast.Attribute) else node)


def reaches_back(node: ast.Attribute) -> bool:
    """`site.cameras.filter`, `owner.camera_set`."""
    return node.attr == "camera_set" or (isinstance(node.value, ast.Attribute) and node.value.attr == "cameras")


def by_variable(node: ast.Attribute) -> bool:
    """`type(it).objects`, `model._default_manager`: a manager of who knows what."""
    if node.attr not in MANAGERS:
        return False
    named = getattr(node.value, "attr", getattr(node.value, "id", ""))
    return not named[:1].isupper() and named != "cls"


def test_nobody_else_asks_for_cameras_past_the_gate():
    found = {(name, way) for name, tree in trees(but=UNGATED) for way in ways_to_cameras(tree)}
    assert found == set(BY_ANOTHER_RIGHT) | OTHER_MODELS


def touches_rights(tree: ast.AST) -> bool:
    """Guardian in any form, or a permission asked of a single object."""
    asked = (node for node in every(tree, ast.Call) if called(node) in ("has_perm", "has_perms"))
    return any(name.startswith("guardian") for name in imported(tree) | words(tree)) or any(
        len(node.args) + len(node.keywords) > 1 for node in asked
    )


def test_only_the_gate_and_standing_touch_guardian():
    assert {name for name, tree in trees() if touches_rights(tree)} == {"mous/gate.py", "mous/standing.py"}


# --- video ---------------------------------------------------------------------------------

KEEPERS = ("video/", "retention/")
# Modules of the recorder that open no file and pass no frame on.
NO_FRAMES = {"actions", "alarms", "disk", "models", "reasons", "seal", "signing", "verifying"}
# The doors, and by what each of them reaches video.
DOORS = {
    "viewing/api.py": {"converting", "playback", "stills"},
    "viewing/looking_back.py": {"stills", "timeline"},
    "viewing/consumers.py": {"live"},
}
# Where video lies, and who may speak of it.
PLACES = {"VIDEO_ROOT", "CLIP_ROOT", "PROTECTED_URL", "X-Accel-Redirect"}
SPEAK_OF_PLACES = {"viewing/api.py": "hands a file to the front server", "console/health.py": "how full the disk is"}
FILE_OF = re.compile(r"\b(clip|segment|held|film)\.(file|path)\b")


def ways_to_video(tree: ast.AST) -> set[str]:
    """Modules of the recorder that are used here and open files or pass frames."""
    named = imported(tree) | {word for word in words(tree) if word.startswith("apps.video.")}
    parts = {name.removeprefix("apps.video.").split(".")[0] for name in named if name.startswith("apps.video")}
    return parts - NO_FRAMES


def speaks_of_places(tree: ast.AST) -> bool:
    return any(place in word for word in words(tree) for place in PLACES)


def files_of(tree: ast.AST) -> set[str]:
    return {ast.unparse(node) for node in every(tree, ast.Attribute) if FILE_OF.search(ast.unparse(node))}


def test_only_the_doors_use_what_opens_video():
    found = {name: ways for name, tree in trees(but=KEEPERS) if (ways := ways_to_video(tree))}
    assert found == DOORS


def test_only_the_doors_speak_of_where_video_lies():
    assert {name for name, tree in trees(but=KEEPERS) if speaks_of_places(tree)} == set(SPEAK_OF_PLACES)


def test_only_one_door_names_a_file():
    found = {name: files for name, tree in trees(but=KEEPERS) if (files := files_of(tree))}
    assert found == {"viewing/api.py": {"copy.clip.path"}}


GATES = {"open_door", "ready_copy"}


def hands_on_video(tree: ast.AST) -> set[str]:
    """What this file calls the modules and functions of the recorder that open files or pass frames."""
    names = {"send_file"}
    for node in every(tree, ast.ImportFrom):
        for alias in node.names:
            part, _dot, _rest = f"{node.module}.{alias.name}".removeprefix("apps.video.").partition(".")
            if (node.module or "").startswith("apps.video") and part not in NO_FRAMES:
                names.add(alias.asname or alias.name)
    return names


def opened_unasked(tree: ast.AST) -> set[str]:
    """Functions that reach for a frame or a file before they have asked the gate."""
    found, hands = set(), hands_on_video(tree)
    for function in every(tree, ast.FunctionDef, ast.AsyncFunctionDef):
        asked = [node.lineno for node in every(function, ast.Call) if called(node) in GATES]
        taken = [node.lineno for node in every(function, ast.Call) if takes(node, hands)]
        if taken and (not asked or min(taken) <= min(asked)):
            found.add(function.name)
    return found


def takes(node: ast.Call, hands: set[str]) -> bool:
    """`stills.still(...)`, `convert(...)`, `send_file(...)`."""
    return getattr(node.func, "id", getattr(getattr(node.func, "value", None), "id", "")) in hands


PUT_ON_RECORD = {"log_view", "log_looking_back", "log_thumbnail"}


def seen_unrecorded(tree: ast.AST) -> set[str]:
    """Functions that reach for a frame or a file, and neither write a view on their way nor demand a sealed address.

    Only what every answer passes counts: a statement of the function itself, in no branch.
    """
    hands, found = hands_on_video(tree), set()
    for function in every(tree, ast.FunctionDef, ast.AsyncFunctionDef):
        passed = [node.value for node in function.body if isinstance(node, ast.Expr)]
        recorded = {called(node) for node in passed if isinstance(node, ast.Call)} & {*PUT_ON_RECORD, "demand_seal"}
        if any(takes(node, hands) for node in every(function, ast.Call)) and not recorded:
            found.add(function.name)
    return found


@pytest.mark.parametrize("door", ["viewing/api.py", "viewing/looking_back.py"])
@pytest.mark.parametrize("check", [opened_unasked, seen_unrecorded])
def test_each_door_asks_the_gate_first_and_puts_on_record(check, door):
    assert check(parsed((APPS / door).read_text())) == set()


def test_the_live_door_asks_the_gate_first():
    """Frames are passed on in one place, which one place begins, after it has asked."""
    tree = parsed((APPS / "viewing/consumers.py").read_text())
    calls = list(every(tree, ast.Call))
    (watching,) = (node for node in calls if getattr(node.func, "id", "") == "watch")
    (begun,) = (node for node in calls if called(node) == "pass_frames")
    (asked,) = (node for node in calls if called(node) == "ask")
    functions = [
        next(outer.name for outer in around(node) if isinstance(outer, ast.AsyncFunctionDef))
        for node in (watching, begun, asked)
    ]
    assert functions == ["pass_frames", "connect", "connect"]
    turned_away = [node for node in every(tree, ast.If) if ast.unparse(node.test) == "not decision.is_open"]
    assert any(
        asked.lineno < node.lineno < begun.lineno and isinstance(node.body[-1], ast.Return) for node in turned_away
    )


# --- what is on record ----------------------------------------------------------------------

# What an action raises when it does not do what somebody asked for.
NOT_DONE = {"NotAllowed", "NotAlone", "NotTheirs", "NotTheirCheck"}
# Who catches one and refuses nothing by it.
ASKS_ONLY = {"console/agreement_pages.py: would_sign_for"}


def unnoted(name: str, tree: ast.AST) -> set[str]:
    """Functions that catch a refusal and neither put it on record nor hand it on to the API, which does."""
    found = set()
    for handler in every(tree, ast.ExceptHandler):
        if handler.type and NOT_DONE & words(handler.type):
            does = {called(node) for node in every(handler, ast.Call)}
            if "noted" not in does and not any(every(handler, ast.Raise)):
                inside = next(outer.name for outer in around(handler) if isinstance(outer, ast.FunctionDef))
                found.add(f"{name}: {inside}")
    return found


def test_whoever_catches_a_refusal_puts_it_on_record():
    assert set().union(*(unnoted(name, tree) for name, tree in trees())) == ASKS_ONLY


# Words of the protocols that turn a camera, and where they stand today.
TURNING = re.compile(r"(?<!timestam)ptz|onvif|pan_?tilt|(absolute|relative|continuous)_?move", re.IGNORECASE)
NO_COMMAND = {
    "cameras/models.py": "a kind of camera, and the address of its control",
    "cameras/choosing.py": "which way such a camera would be turned",
    "cameras/sample.py": "such cameras in the sample city",
}


def turns_unrecorded(tree: ast.AST) -> bool:
    """Speaks of turning cameras, and writes no audit entry of it."""
    if not any(TURNING.search(word) for word in words(tree) | imported(tree)):
        return False
    written = {node.args[0] for node in every(tree, ast.Call) if called(node) in ("record", "entry") and node.args}
    return not any(getattr(verb, "value", None) == "camera.turned" for verb in written)


def test_nothing_turns_a_camera_without_putting_it_on_record():
    """No door does yet. The first one that is built writes `camera.turned`, with the incident or the reason."""
    assert {name for name, tree in trees() if turns_unrecorded(tree)} == set(NO_COMMAND)


# --- locks ---


def test_no_two_kinds_of_work_wait_for_the_same_lock():
    """A purge holds its own for as long as it takes; whoever put a call on record under that number would wait."""
    locks = [
        (node.value.value, node.targets[0].id)
        for tree in all_trees().values()
        for node in every(tree, ast.Assign)
        if isinstance(node.targets[0], ast.Name) and node.targets[0].id.endswith("_LOCK")
    ]
    numbers = [number for number, _name in locks]
    assert len(numbers) > 7
    assert [lock for lock in locks if numbers.count(lock[0]) > 1] == []


# --- and each of them can fail -----------------------------------------------------------------

FROM = "from apps.cameras.models import Camera"


@pytest.mark.parametrize(
    "source",
    [
        f"{FROM}\nCamera.objects.all()",
        f"{FROM} as Eye\nEye.objects.get(pk=1)",
        f"{FROM}\nfound = get_object_or_404(Camera, pk=1)",
        f"{FROM}\nclass Form:\n    camera = ModelChoiceField(queryset=Camera._default_manager.all())",
        f"{FROM}\nclass Page(ListView):\n    model = Camera",
        f"{FROM}\ncamera = Camera",
        "from apps.cameras import models\nmodels.Camera.objects.all()",
        "import apps.cameras.models\napps.cameras.models.Camera.objects.all()",
        "def page(site):\n    return site.cameras.filter(is_enabled=True)",
        "def page(owner):\n    return owner.camera_set.all()",
        "def page(mou):\n    return list(mou.cameras())",
        "def page(camera):\n    return type(camera).objects.all()",
        "def page(camera):\n    return camera.__class__._base_manager.all()",
        "apps.get_model('cameras', 'Camera').objects.all()",
        "cursor.execute('select * from cameras_camera')",
        "ContentType.objects.get(model='cameras.Camera')",
    ],
)
def test_a_way_to_cameras_is_seen(source):
    assert ways_to_cameras(parsed(source))


@pytest.mark.parametrize(
    "source",
    [
        f"{FROM}\ndef page(camera: Camera) -> list[Camera]: ...",
        f"{FROM}\nshown: QuerySet[Camera] = visible_cameras(principal)",
        f"{FROM}\nserious = Camera.Status.SERIOUS",
        f"{FROM}\ncamera = models.ForeignKey(Camera, models.PROTECT)",
        "chosen = wish.cameras\nvisible_cameras(principal).filter(pk__in=chosen)",
        "Provision.objects.in_force()",
    ],
)
def test_and_what_is_none_is_let_be(source):
    assert ways_to_cameras(parsed(source)) == set()


@pytest.mark.parametrize(
    "source",
    [
        "from guardian.shortcuts import assign_perm",
        "from guardian import shortcuts",
        "import guardian.core",
        "import_module('guardian.shortcuts')",
        "user.has_perm('cameras.watch_camera', camera)",
        "user.has_perm('cameras.watch_camera', obj=camera)",
    ],
)
def test_a_touch_of_rights_is_seen(source):
    assert touches_rights(parsed(source))
    assert not touches_rights(parsed("user.has_perm('mous.provide')"))


@pytest.mark.parametrize(
    ("source", "check"),
    [
        ("from apps.video import stills", ways_to_video),
        ("from apps.video.live import watch as look", ways_to_video),
        ("import apps.video.storage", ways_to_video),
        ("import_module('apps.video.playback')", ways_to_video),
        ("from django.conf import settings as s\nopen(s.VIDEO_ROOT / '1')", speaks_of_places),
        ("getattr(settings, 'CLIP_ROOT')", speaks_of_places),
        ("response['X-Accel-Redirect'] = '/protected/video/1'", speaks_of_places),
        ("FileResponse(clip.file.open('rb'))", files_of),
        ("FileResponse(open(copy.clip.path))", files_of),
    ],
)
def test_a_way_to_video_is_seen(source, check):
    assert check(parsed(source))


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("open_door(1)\n    return stills.still(1)", set()),
        ("return stills.still(1)", {"get"}),
        ("still = stills.still(1)\n    open_door(1)\n    return still", {"get"}),
        ("return send_file('clips', path)", {"get"}),
        ("ready_copy(1)\n    return send_file('clips', path)", set()),
        ("return turn(segment, part)", {"get"}),
    ],
)
def test_a_door_that_does_not_ask_is_seen(body, found):
    imports = "from apps.video import stills\nfrom apps.video.converting import convert as turn"
    assert opened_unasked(parsed(f"{imports}\ndef get(request):\n    {body}")) == found


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("still = stills.still(1)\n    log_view(1)\n    return still", set()),
        ("demand_seal(1)\n    return send_file('video', path)", set()),
        ("return stills.still(1)", {"get"}),
        ("still = stills.still(1)\n    if first:\n        log_view(1)\n    return still", {"get"}),
    ],
)
def test_a_door_that_leaves_no_line_is_seen(body, found):
    assert seen_unrecorded(parsed(f"from apps.video import stills\ndef get(request):\n    {body}")) == found


CATCH = "def page(request):\n    try:\n        act()\n    except (KeyError, actions.NotAllowed) as refusal:\n        "


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("messages.error(request, str(refusal))", {"x.py: page"}),
        ("pass", {"x.py: page"}),
        ("messages.error(request, noted(request, refusal))", set()),
        ("raise exceptions.PermissionDenied(str(refusal)) from refusal", set()),
    ],
)
def test_a_refusal_that_is_not_put_on_record_is_seen(body, found):
    assert unnoted("x.py", parsed(CATCH + body)) == found


@pytest.mark.parametrize(
    ("source", "seen"),
    [
        ("from onvif import ONVIFCamera", True),
        ("send(camera, '<tptz:ContinuousMove>')", True),
        ("def turn(camera):\n    camera.ptz.move(1)\n    record('view.opened')", True),
        ("def turn(camera):\n    camera.ptz.move(1)\n    record('camera.turned', target=camera)", False),
        ("camera.save()", False),
    ],
)
def test_a_command_to_a_camera_that_is_not_put_on_record_is_seen(source, seen):
    assert turns_unrecorded(parsed(source)) == seen
