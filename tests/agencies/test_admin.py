"""People in the administration."""

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from apps.agencies.groups import role_group
from apps.agencies.roles import lay_out_roles
from apps.audit.models import Entry
from tests.cast import Role, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def administrator(centre):
    lay_out_roles()
    return make_user("administrator", centre, Role.ADMINISTRATOR, is_staff=True)


def test_who_is_given_a_password_is_signed_out_and_it_is_on_record_by_whom(administrator, police):
    sitting, desk = Client(), Client()
    sitting.force_login(police.user)
    desk.force_login(administrator)
    given = {"usable_password": "true", "password1": "a new long password", "password2": "a new long password"}
    address = f"/admin/agencies/user/{police.user.pk}/password/"
    assert desk.post(address, given | {"password2": "another"}).status_code == 200
    assert sitting.get("/agency/").status_code == 200
    assert desk.post(address, given).status_code == 302
    assert sitting.get("/agency/")["Location"].startswith("/sign-in/")
    assert Entry.objects.get(verb="person.password_given").actor == administrator


@pytest.mark.parametrize("model", ["mfa/authenticator", "socialaccount/socialapp", "account/emailaddress"])
def test_what_is_kept_elsewhere_has_no_list(administrator, client, model):
    administrator.is_superuser = True
    administrator.save()
    client.force_login(administrator)
    assert client.get(f"/admin/{model}/").status_code == 404


@pytest.mark.parametrize("whose", ["own", "every right"])
def test_who_keeps_the_accounts_comes_by_no_more_rights(administrator, client, whose):
    account = administrator if whose == "own" else make_user("root", is_staff=True, is_superuser=True)
    client.force_login(administrator)
    given = {"usable_password": "true", "password1": "a new long password", "password2": "a new long password"}
    assert client.get(f"/admin/agencies/user/{account.pk}/change/").status_code == 200
    assert client.post(f"/admin/agencies/user/{account.pk}/change/", {}).status_code == 403
    assert client.post(f"/admin/agencies/user/{account.pk}/password/", given).status_code == 403


def test_nor_do_they_give_every_right_to_others(administrator, client, police):
    client.force_login(administrator)
    form = {"username": "renamed", "is_active": "on", "date_joined_0": "2026-01-01", "date_joined_1": "12:00:00"}
    members = {"memberships-TOTAL_FORMS": "0", "memberships-INITIAL_FORMS": "0"}
    sign = Permission.objects.get(codename="sign_mou")
    rights = {"is_staff": "on", "is_superuser": "on", "user_permissions": [sign.pk]}
    address = f"/admin/agencies/user/{police.user.pk}/change/"
    assert client.post(address, form | members | rights).status_code == 302
    police.user.refresh_from_db()
    assert police.user.username == "renamed"
    assert not (police.user.is_staff or police.user.is_superuser or police.user.user_permissions.exists())


def test_a_change_of_what_a_group_may_do_is_on_record(administrator, client):
    administrator.is_superuser = True
    administrator.save()
    client.force_login(administrator)
    group = role_group(Role.GUIDE)
    form = {"name": group.name, "permissions": [Permission.objects.get(codename="view_entry").pk]}
    assert client.post(f"/admin/auth/group/{group.pk}/change/", form).status_code == 302
    entry = Entry.objects.get(verb="group.changed")
    assert (entry.actor, entry.detail) == (administrator, {"fields": ["permissions"]})
    assert client.post(f"/admin/auth/group/{group.pk}/delete/", {"post": "yes"}).status_code == 403
