import pytest

from apps.agencies.actions import dismiss, enrol
from apps.agencies.models import ApiKey
from apps.agencies.principals import Principal
from tests.cast import Role, make_agency, make_user

pytestmark = pytest.mark.django_db


def test_one_person_of_two_agencies(police, fire):
    enrol(police.user, fire.agency, Role.LIAISON, by=None)
    assert set(Principal.of(police.user).agency_ids) == {police.agency.pk, fire.agency.pk}


@pytest.mark.parametrize(
    ("role", "is_staff"), [(Role.OPERATOR, True), (Role.SUPERVISOR, True), (Role.LIAISON, False), (Role.OWNER, False)]
)
def test_who_is_on_the_centres_staff(role, is_staff, centre):
    assert Principal.of(make_user("somebody", centre, role)).is_centre_staff is is_staff


def test_an_operator_of_another_body_is_not_on_the_centres_staff():
    assert not Principal.of(make_user("somebody", make_agency("other"), Role.OPERATOR)).is_centre_staff


def test_dismissal_takes_everything_back(operator):
    dismiss(operator.memberships.get(), by=None)
    assert Principal.of(operator).agencies == []
    assert not operator.groups.exists()


def test_a_key_is_kept_as_its_digest_only(police):
    key, secret = ApiKey.issue(police.agency, "other", ["112-onsite"])
    assert secret not in str(vars(ApiKey.objects.get(pk=key.pk)))
    assert ApiKey.named_by(secret) == key
    assert ApiKey.named_by(secret + "x") is None
