import pytest
from allauth.mfa.models import Authenticator
from django.test import Client

from apps.agencies.actions import NotTheirs, enrol, invite, send_away, take_password
from apps.agencies.models import Agency, Membership, User
from apps.agencies.principals import Principal
from apps.agencies.roles import lay_out_roles
from apps.audit.models import Entry
from tests.cast import PASSWORD, Role, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief(police):
    """The police's own administrator, who is on nobody else's staff."""
    return make_user("chief", police.agency, Role.ADMINISTRATOR)


@pytest.fixture
def desk(chief):
    client = Client()
    client.force_login(chief)
    return client


def form(agency: Agency, **changed) -> dict:
    named = {"last_name": "강", "first_name": "민", "username": "newcomer", "role": "officer", "agency": agency.pk}
    return {**named, **changed}


def test_a_member_is_invited_sets_a_password_and_signs_in(desk, police):
    answer = desk.post("/members/invite/", form(police.agency))
    link = answer.context["link"]["address"].removeprefix("http://testserver")
    newcomer = Client()
    page = newcomer.get(link, follow=True)
    new = "entirely new words"
    assert newcomer.post(page.redirect_chain[-1][0], {"new_password1": new, "new_password2": new}).status_code == 302
    assert newcomer.post("/sign-in/", {"username": "newcomer", "password": new}).status_code == 302
    assert newcomer.get("/agency/")["Location"].startswith("/pledge/")
    assert "link has been used" in Client(headers={"accept-language": "en"}).get(link, follow=True).content.decode()


@pytest.mark.parametrize("role", ["operator", "supervisor", "auditor", "", "superuser"])
def test_an_agencys_administrator_gives_its_own_roles_only(desk, police, role):
    assert desk.post("/members/invite/", form(police.agency, role=role)).status_code == 400
    assert not User.objects.filter(username="newcomer").exists()


def test_nobody_is_invited_into_another_agency(desk, fire, centre):
    for other in (fire.agency, centre):
        assert desk.post("/members/invite/", form(other)).status_code == 400
    assert not User.objects.filter(username="newcomer").exists()


@pytest.mark.parametrize("name", ["police", "POLICE", "", "with space", "x" * 151, "a\nb"])
def test_a_bad_user_name_is_named(desk, police, name):
    answer = desk.post("/members/invite/", form(police.agency, username=name))
    assert answer.status_code == 400
    assert answer.context["form"].errors.keys() == {"username"}


def test_the_last_membership_ends_with_the_account_and_its_sessions(desk, police):
    theirs = Client()
    theirs.force_login(police.user)
    before = Principal.of(police.user, theirs.session.session_key)
    desk.post(f"/members/{police.user.memberships.get().pk}/end/")
    police.user.refresh_from_db()
    assert not police.user.is_active
    assert before.party is None


def test_who_is_also_of_another_agency_stays_there(desk, police, fire):
    enrol(police.user, fire.agency, Role.LIAISON, by=None)
    desk.post(f"/members/{police.user.memberships.get(agency=police.agency).pk}/end/")
    police.user.refresh_from_db()
    assert police.user.is_active
    assert [m.agency for m in police.user.memberships.all()] == [fire.agency]


def test_a_new_password_is_not_for_people_of_two_agencies(desk, police, fire):
    enrol(police.user, fire.agency, Role.LIAISON, by=None)
    desk.post(f"/members/{police.user.memberships.get(agency=police.agency).pk}/password/")
    police.user.refresh_from_db()
    assert police.user.check_password(PASSWORD)


def test_a_password_is_taken_and_set_anew(desk, police):
    answer = desk.post(f"/members/{police.user.memberships.get().pk}/password/")
    police.user.refresh_from_db()
    assert not police.user.has_usable_password()
    assert "/welcome/" in answer.context["link"]["address"]


def test_members_of_others_are_not_there(desk, fire, centre, operator):
    for other in (fire.user, operator):
        membership = other.memberships.get()
        assert desk.post(f"/members/{membership.pk}/end/").status_code == 404
        assert desk.post(f"/members/{membership.pk}/password/").status_code == 404
        assert Membership.objects.filter(pk=membership.pk).exists()


def test_nobody_ends_their_own_membership(desk, chief):
    desk.post(f"/members/{chief.memberships.get().pk}/end/")
    assert chief.memberships.exists()


@pytest.mark.parametrize("verb", ["", "invite/"])
def test_the_page_is_for_administrators(client, police, operator, verb):
    for other in (police.user, operator):
        client.force_login(other)
        assert client.post(f"/members/{verb}", form(police.agency)).status_code == 403


def test_an_agencys_administrator_has_no_right_of_the_centre(chief, police):
    lay_out_roles()
    fresh = User.objects.get(pk=chief.pk)
    assert fresh.get_all_permissions() == set()
    assert not Principal.of(fresh).is_centre_staff


def test_the_actions_themselves_hold(chief, fire):
    with pytest.raises(NotTheirs):
        invite(fire.agency, Role.LIAISON, username="x", last_name="x", first_name="x", by=chief)
    for act in (send_away, take_password):
        with pytest.raises(NotTheirs):
            act(fire.user.memberships.get(), by=chief)
    assert fire.user.memberships.exists()


def test_a_lost_factor_is_taken_away(desk, police, chief, fire):
    Authenticator.objects.create(user=police.user, type="totp", data={"secret": "x"})
    lost = Client()
    lost.force_login(police.user)
    membership = police.user.memberships.get()
    assert desk.post(f"/members/{membership.pk}/factor/").status_code == 302
    assert not Authenticator.objects.filter(user=police.user).exists()
    assert lost.get("/agency/")["Location"].startswith("/sign-in/")
    taken = Entry.objects.get(verb="person.second_factor_taken")
    assert (taken.actor, taken.detail) == (chief, {"types": ["totp"]})


def test_a_lost_factor_of_somebody_elses_is_left(desk, police, fire):
    Authenticator.objects.create(user=fire.user, type="totp", data={"secret": "x"})
    assert desk.post(f"/members/{fire.user.memberships.get().pk}/factor/").status_code == 404
    enrol(fire.user, police.agency, Role.LIAISON, by=None)
    desk.post(f"/members/{fire.user.memberships.get(agency=police.agency).pk}/factor/")
    assert Authenticator.objects.filter(user=fire.user).exists()


@pytest.mark.parametrize("verb", ["password", "factor"])
def test_an_account_with_every_right_is_left(desk, police, verb):
    root = make_user("root", police.agency, is_superuser=True)
    Authenticator.objects.create(user=root, type="totp", data={"secret": "x"})
    assert desk.post(f"/members/{root.memberships.get().pk}/{verb}/").status_code == 302
    root.refresh_from_db()
    assert root.check_password(PASSWORD)
    assert Authenticator.objects.filter(user=root).exists()
