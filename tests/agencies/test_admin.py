"""People in the administration."""

import pytest
from django.test import Client

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
