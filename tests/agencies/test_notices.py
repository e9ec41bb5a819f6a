import pytest
from django.contrib.messages import get_messages
from django.test import Client

from apps.audit.actions import record
from tests.cast import PASSWORD, make_user

pytestmark = pytest.mark.django_db


def sign_in(user) -> list[str]:
    """What the person is told on signing in."""
    answer = Client(headers={"accept-language": "en"}).post(
        "/sign-in/", {"username": user.username, "password": PASSWORD}
    )
    assert answer.status_code == 302
    return [str(message) for message in get_messages(answer.wsgi_request)]


def test_what_changed_since_the_last_sign_in_is_told_once(police):
    sign_in(police.user)
    record("person.second_factor_removed", actor=police.user, target=police.user, type="totp")
    (said,) = sign_in(police.user)
    assert said.startswith("A second factor was removed.")
    assert sign_in(police.user) == []


def test_the_newest_of_many_in_their_order(police):
    sign_in(police.user)
    for verb in ["person.second_factor_failed"] * 9 + ["person.password_changed"]:
        record(verb, target=police.user)
    said = sign_in(police.user)
    assert len(said) == 5 and said[-1].startswith("Your password was changed.")


def test_what_concerns_others_or_nothing_of_this_is_not_told(police):
    sign_in(police.user)
    record("person.password_changed", target=make_user("another"))
    record("person.pledged", target=police.user)
    assert sign_in(police.user) == []


def test_the_first_time_nothing_is(police):
    record("person.password_changed", target=police.user)
    assert sign_in(police.user) == []
