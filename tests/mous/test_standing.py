"""Cameras given to a shift: by group, thousands at once, and never to oneself."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.translation import override

from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.cameras.models import Camera
from apps.mous.actions import NotAllowed
from apps.mous.admin import WatchingForm
from apps.mous.gate import decide, visible_cameras
from apps.mous.standing import let_watch, no_longer_watch, shift_groups
from tests.cast import Kind, Role, allow, make_agency, make_camera, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def stranger():
    """An owner whose cameras nobody at the centre watches by right."""
    return make_agency("elsewhere", Kind.DISTRICT)


@pytest.fixture
def shift(operator):
    group = Group.objects.create(name="second shift")
    operator.groups.add(group)
    return group


@pytest.fixture
def giver(centre):
    return allow(make_user("giver", centre, Role.ADMINISTRATOR), "give_watching", "view_camera")


def these(*cameras):
    return Camera.objects.filter(pk__in=[camera.pk for camera in cameras])


def test_a_shift_watches_what_it_is_given_and_no_other(operator, shift, stranger, giver):
    given, other = make_camera(stranger), make_camera(stranger)
    assert let_watch(shift, these(given), by=giver) == 1
    assert let_watch(shift, these(given), by=giver) == 0
    assert decide(Principal.of(operator), given.pk).is_open
    assert not decide(Principal.of(operator), other.pk).is_open
    assert no_longer_watch(shift, these(given, other), by=giver) == 1
    assert not decide(Principal.of(operator), given.pk).is_open
    told = Entry.objects.filter(verb__startswith="right.").order_by("pk").values_list("verb", "detail__cameras")
    assert list(told) == [("right.given", [given.number]), ("right.given", []), ("right.taken", [given.number])]


def test_what_one_watches_oneself_is_decided_by_others(operator, shift, stranger, giver):
    camera = make_camera(stranger)
    giver.groups.add(shift)
    for person in (giver, operator):
        for change in (let_watch, no_longer_watch):
            with pytest.raises(NotAllowed):
                change(shift, these(camera), by=person)
    assert not visible_cameras(Principal.of(operator)).filter(pk=camera.pk).exists()


def queries_of(act) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        act()
    return len(asked)


def test_many_cameras_take_no_more_questions_than_few(operator, shift, stranger, giver):
    cameras = [make_camera(stranger) for _n in range(12)]
    let_watch(shift, these(*cameras[:1]), by=giver)  # what is asked once and kept
    few = queries_of(lambda: let_watch(shift, these(*cameras[1:3]), by=giver))
    assert queries_of(lambda: let_watch(shift, these(*cameras[3:]), by=giver)) == few
    principal = Principal.of(operator)
    assert queries_of(lambda: list(visible_cameras(principal))) <= 3
    assert queries_of(lambda: decide(Principal.of(operator), cameras[5].pk)) <= 5


def test_cameras_are_given_in_the_administration_by_filter(operator, shift, stranger, giver):
    cameras = [make_camera(stranger) for _n in range(3)]
    desk = Client(headers={"accept-language": "en"})
    desk.force_login(giver)
    chosen = {"action": "let_watch", "_selected_action": [cameras[0].pk], "select_across": "1", "group": shift.pk}
    address = f"/admin/cameras/camera/?owner__id__exact={stranger.pk}"
    assert desk.post(address, chosen).status_code == 302
    assert set(visible_cameras(Principal.of(operator)).filter(owner=stranger)) == set(cameras)
    for group in ("", "x", "-1", "9" * 30, Group.objects.get(name="role: operator").pk):
        answer = desk.post(address, {**chosen, "action": "no_longer_watch", "group": group}, follow=True)
        assert ("No action selected." if group else "Choose a group.") in answer.content.decode()
    assert visible_cameras(Principal.of(operator)).filter(owner=stranger).count() == 3


def test_of_the_groups_of_roles_only_the_centres_own_are_given_cameras(shift, operator, supervisor, police, centre):
    groups = {group.name for group in shift_groups()}
    assert groups == {"second shift", "operators of centre", "supervisors of centre"}
    with override("ko"):
        shown = [str(label) for _value, label in WatchingForm().fields["group"].choices]
        assert f"{centre.name_ko} – {Role.OPERATOR.label}" in shown and "second shift" in shown
    assert {"liaisons of police", "role: operator"} <= set(Group.objects.values_list("name", flat=True))


def test_without_the_right_the_administration_gives_nothing(operator, shift, stranger, centre):
    camera = make_camera(stranger)
    clerk = allow(make_user("clerk", centre, Role.ADMINISTRATOR), "view_camera", "change_camera")
    desk = Client()
    desk.force_login(clerk)
    chosen = {"action": "let_watch", "_selected_action": [camera.pk], "group": shift.pk}
    desk.post("/admin/cameras/camera/", chosen)
    assert not visible_cameras(Principal.of(operator)).filter(pk=camera.pk).exists()
