"""Roles that take two: proposed by one administrator, approved by another, and held by nobody before."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, Permission
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from apps.agencies.actions import admit, enrol, invite, send_away, take_password
from apps.agencies.groups import staff_group
from apps.agencies.models import Membership, Nomination, User
from apps.agencies.nominations import NotAlone, approve, refuse
from apps.agencies.principals import Principal
from apps.agencies.roles import lay_out_roles
from apps.audit.models import Entry
from apps.mous.gate import decide
from tests.cast import Role, make_user

pytestmark = pytest.mark.django_db

TAKING_TWO = (Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR)


@pytest.fixture
def first(centre):
    lay_out_roles()
    return make_user("first", centre, Role.ADMINISTRATOR)


@pytest.fixture
def second(centre, first):
    return make_user("second", centre, Role.ADMINISTRATOR)


@pytest.fixture
def newcomer():
    return make_user("newcomer")


@pytest.fixture
def proposed(centre, first, newcomer) -> Nomination:
    return admit(newcomer, centre, Role.SUPERVISOR, by=first, rank="팀장")


def holds(user: User) -> bool:
    return User.objects.get(pk=user.pk).has_perm("mous.sign_mou") or user.memberships.exists()


@pytest.mark.parametrize("role", TAKING_TWO)
def test_until_a_second_person_approves_the_role_does_not_hold(role, centre, first, second, newcomer, camera):
    nomination = admit(newcomer, centre, role, by=first)
    watches = role != Role.ADMINISTRATOR
    assert not newcomer.memberships.exists() and not newcomer.groups.exists()
    assert not decide(Principal.of(newcomer), camera.pk).is_open
    approve(nomination, by=second)
    assert newcomer.memberships.get().role == role
    assert decide(Principal.of(newcomer), camera.pk).is_open is watches


def test_it_is_on_record_who_proposed_and_who_approved(proposed, newcomer, first, second):
    approve(proposed, by=second)
    lines = Entry.objects.filter(verb__startswith="member.", target=f"agencies.user:{newcomer.pk}").order_by("pk")
    assert [(line.verb, line.actor) for line in lines] == [
        ("member.proposed", first),
        ("member.enrolled", second),
    ]
    assert lines.last().detail["proposed_by"] == str(first)
    assert newcomer.memberships.get().rank == "팀장"


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.GUIDE])
def test_a_role_that_watches_nobody_is_given_at_once(role, centre, first, newcomer):
    assert isinstance(admit(newcomer, centre, role, by=first), Membership)


def test_an_agency_gives_its_own_roles_alone(police, newcomer):
    chief = make_user("chief", police.agency, Role.ADMINISTRATOR)
    assert isinstance(admit(newcomer, police.agency, Role.ADMINISTRATOR, by=chief), Membership)


def test_the_proposer_does_not_approve(proposed, first, newcomer):
    with pytest.raises(NotAlone, match="another person"):
        approve(proposed, by=first)
    assert not holds(newcomer)


def test_nor_who_is_meant(centre, first, second):
    upwards = admit(second, centre, Role.SUPERVISOR, by=first)
    with pytest.raises(NotAlone, match="another person"):
        approve(upwards, by=second)


@pytest.mark.parametrize("who", ["supervisor", "police", "left"])
def test_nor_who_is_no_administrator_of_the_centre(who, proposed, second, police, supervisor, newcomer, centre):
    chief = make_user("chief", police.agency, Role.ADMINISTRATOR)
    send_away(second.memberships.get(), by=make_user("third", centre, Role.ADMINISTRATOR))
    with pytest.raises(NotAlone, match="right"):
        approve(proposed, by={"supervisor": supervisor, "police": chief, "left": second}[who])
    assert not holds(newcomer)


def test_nor_an_account_that_the_proposer_came_by(proposed, first, second, newcomer):
    take_password(second.memberships.get(), by=first)
    with pytest.raises(NotAlone, match="reset"):
        approve(proposed, by=second)
    assert not holds(newcomer)


def test_an_old_reset_is_no_matter(proposed, first, second, monkeypatch):
    take_password(second.memberships.get(), by=first)
    monkeypatch.setattr("apps.agencies.nominations.LATELY", timedelta(0))
    assert approve(proposed, by=second)


def test_not_for_a_disabled_account(proposed, second, newcomer):
    User.objects.filter(pk=newcomer.pk).update(is_active=False)
    with pytest.raises(NotAlone, match="disabled"):
        approve(proposed, by=second)


@pytest.mark.parametrize("by", ["first", "second"])
def test_it_is_refused_or_taken_back_once_and_for_all(by, proposed, first, second, newcomer, centre):
    refuse(proposed, by={"first": first, "second": second}[by])
    with pytest.raises(NotAlone, match="already"):
        approve(proposed, by=second)
    assert not holds(newcomer)
    assert admit(newcomer, centre, Role.SUPERVISOR, by=first) != proposed, "it may be proposed anew"


def test_proposed_twice_it_waits_once(proposed, newcomer, centre, second):
    assert admit(newcomer, centre, Role.SUPERVISOR, by=second) == proposed
    approve(proposed, by=second)
    assert isinstance(admit(newcomer, centre, Role.SUPERVISOR, by=second), Membership), "it is held already"


def test_the_database_keeps_it_too(proposed, first, second, newcomer):
    for by in (first, newcomer):
        with pytest.raises(IntegrityError), transaction.atomic():
            Nomination.objects.update(approved=True, decided_by=by, decided_at=timezone.now())
    with pytest.raises(IntegrityError), transaction.atomic():
        Nomination.objects.update(approved=True)


def test_who_is_invited_into_the_centre_waits(centre, first, second):
    user = invite(centre, Role.OPERATOR, username="x", last_name="x", first_name="x", by=first)
    desk = at_desk(second)
    assert "Waiting for a second administrator" in desk.get("/members/").content.decode()
    assert not user.memberships.exists()


# --- in the administration ---

LIST = "/admin/agencies/nomination/"


def at_desk(user) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def chosen(desk: Client, verb: str, nomination: Nomination) -> str:
    page = desk.post(LIST, {"action": verb, "_selected_action": [nomination.pk]}, follow=True)
    return page.content.decode()


def membership(user: User, agency, role: str) -> dict:
    row = {"memberships-0-user": user.pk, "memberships-0-agency": agency.pk, "memberships-0-role": role}
    return account(user) | row | {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0"}


def account(user: User, **more) -> dict:
    form = {"username": user.username, "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "12:00:00"}
    return form | {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"} | more


def test_a_role_given_in_the_administration_waits_for_the_second(first, second, newcomer, centre):
    address = f"/admin/agencies/user/{newcomer.pk}/change/"
    page = at_desk(first).post(address, membership(newcomer, centre, "supervisor"), follow=True)
    assert "waits for a second administrator" in page.content.decode()
    nomination = Nomination.objects.get(proposed_by=first)
    assert not holds(newcomer)
    assert "1 role waits" in at_desk(second).get("/admin/").content.decode()
    assert "It takes another person" in chosen(at_desk(first), "approve", nomination)
    assert "holds from now on" in chosen(at_desk(second), "approve", nomination)
    assert holds(newcomer)


def test_the_groups_of_a_role_are_not_given_past_it(first, newcomer, centre, camera):
    group = staff_group(centre, Role.SUPERVISOR)
    address = f"/admin/agencies/user/{newcomer.pk}/change/"
    enrol(newcomer, centre, Role.AUDITOR, by=None)
    page = at_desk(first).post(address, account(newcomer, groups=[group.pk]))
    assert page.status_code == 200 and "groups" in page.context["adminform"].form.errors
    assert not newcomer.groups.filter(pk=group.pk).exists()


def test_a_shift_is_for_staff_and_leaves_the_groups_of_their_role(first, newcomer, centre, operator):
    shift = Group.objects.create(name="night")
    for user, joins in ((newcomer, False), (operator, True)):
        before = set(user.groups.all())
        answer = at_desk(first).post(f"/admin/agencies/user/{user.pk}/change/", account(user, groups=[shift.pk]))
        assert answer.status_code == (302 if joins else 200)
        assert set(user.groups.all()) == before | ({shift} if joins else set())


def test_a_rank_is_changed_by_one(first, operator):
    kept = operator.memberships.get()
    row = {"memberships-0-id": kept.pk, "memberships-0-user": operator.pk, "memberships-0-agency": kept.agency_id}
    rank = {"memberships-0-role": kept.role, "memberships-0-rank": "주임"}
    form = account(operator, **row, **rank) | {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1"}
    assert at_desk(first).post(f"/admin/agencies/user/{operator.pk}/change/", form).status_code == 302
    assert operator.memberships.get().rank == "주임"
    assert not Nomination.objects.exists()


def test_another_role_ends_the_old_one_at_once(first, operator):
    kept = operator.memberships.get()
    row = {"memberships-0-id": kept.pk, "memberships-0-user": operator.pk, "memberships-0-agency": kept.agency_id}
    form = account(operator, **row, **{"memberships-0-role": "supervisor"})
    form |= {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "1"}
    assert at_desk(first).post(f"/admin/agencies/user/{operator.pk}/change/", form).status_code == 302
    assert not operator.memberships.exists()
    assert Nomination.objects.waiting().get().role == "supervisor"


def test_a_new_group_carries_no_rights(first):
    address = "/admin/auth/group/add/"
    sign = Permission.objects.get(codename="sign_mou")
    assert at_desk(first).post(address, {"name": "night", "permissions": [sign.pk]}).status_code == 302
    assert not Group.objects.get(name="night").permissions.exists()


def test_an_agency_does_not_become_the_centre(first, police):
    form = {"code": "police", "name_ko": "x", "name_en": "x", "kind": "centre", "is_active": "on"}
    assert at_desk(first).post(f"/admin/agencies/agency/{police.agency.pk}/change/", form).status_code == 302
    police.agency.refresh_from_db()
    assert police.agency.kind == "police" and police.agency.name_ko == "x"
