"""Every role of the centre and of agencies: its rights as data, its first page, its pages, what it may watch."""

import pytest
from django.contrib.auth.models import Permission
from django.core.management import call_command
from django.test import Client

from apps.agencies.actions import dismiss
from apps.agencies.groups import role_group
from apps.agencies.principals import Principal
from apps.agencies.roles import RIGHTS, lay_out_roles
from apps.linked_services.actions import receive
from apps.mous.gate import decide, visible_cameras
from tests.cast import Role, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db

HOMES = {
    Role.OPERATOR: "/console/",
    Role.SUPERVISOR: "/console/",
    Role.ADMINISTRATOR: "/admin/",
    Role.AUDITOR: "/checks/",
    Role.GUIDE: "/showroom/",
}


@pytest.fixture
def roles():
    call_command("lay_out_roles")


def at_desk(user) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def test_every_right_named_exists(roles):
    for role, names in RIGHTS.items():
        held = set(role_group(role).permissions.values_list("codename", flat=True))
        assert held == set(names)


def test_a_role_that_a_city_changed_is_left_alone(roles):
    role_group(Role.AUDITOR).permissions.set(Permission.objects.filter(codename="view_entry"))
    lay_out_roles()
    assert role_group(Role.AUDITOR).permissions.count() == 1


@pytest.mark.parametrize("role", HOMES)
def test_the_first_page_of_a_role_opens(roles, centre, role):
    desk = at_desk(make_user("somebody", centre, role))
    assert desk.get("/")["Location"] == HOMES[role]
    assert desk.get(HOMES[role]).status_code == 200


@pytest.mark.parametrize("role", [Role.LIAISON, Role.OFFICER, Role.OWNER])
def test_people_of_agencies_begin_at_their_agencys_page(roles, police, role):
    desk = at_desk(make_user("somebody", police.agency, role))
    assert desk.get("/")["Location"] == "/agency/"
    page = desk.get("/agency/").content.decode()
    assert ("/agency/requests/" in page) is (role != Role.OFFICER)
    assert ("/agency/cameras/" in page) is (role == Role.OWNER)


def test_an_auditor_reads_what_was_written_and_sees_no_picture(roles, centre, camera, police):
    receive(police.agency, checked(), by=police.user)
    auditor = make_user("auditor", centre, Role.AUDITOR)
    desk = at_desk(auditor)
    agreement = f"/agreements/{police.mou.pk}/"
    for address in ("/checks/", "/console/register/", "/agreements/", agreement, "/admin/audit/entry/"):
        assert desk.get(address).status_code == 200, address
    assert not visible_cameras(Principal.of(auditor)).exists()
    assert desk.get(f"/api/v1/cameras/{camera.pk}/still.jpg").status_code == 404
    for address in ("/console/", "/console/provisions/", "/console/simulator/", "/members/", "/showroom/"):
        assert desk.get(address).status_code == 403, address


def test_a_guide_shows_virtual_cameras_and_exercises_alone(roles, centre, owner, camera, settings):
    virtual = make_camera(owner, is_virtual=True)
    guide = make_user("guide", centre, Role.GUIDE)
    principal = Principal.of(guide)
    assert list(visible_cameras(principal)) == [virtual]
    assert not decide(principal, camera.pk).is_open
    page = at_desk(guide).get("/showroom/").content.decode()
    assert virtual.number in page and camera.number not in page
    virtual.is_virtual = False
    virtual.save()
    assert not decide(Principal.of(guide), virtual.pk).is_open


def test_a_guide_of_an_agency_is_no_guide_of_the_centre(police, owner):
    make_camera(owner, is_virtual=True)
    pretender = make_user("pretender", police.agency, Role.GUIDE)
    assert not visible_cameras(Principal.of(pretender)).exists()
    assert at_desk(pretender).get("/showroom/").status_code == 403


def test_the_administration_opens_and_closes_with_the_role(centre, police):
    user = make_user("somebody", centre, Role.AUDITOR)
    assert user.is_staff
    dismiss(user.memberships.get(), by=None)
    user.refresh_from_db()
    assert not user.is_staff
    assert not make_user("chief", police.agency, Role.ADMINISTRATOR).is_staff
