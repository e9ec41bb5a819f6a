"""What a password may be, how it is kept, and the session that it opens."""

import time

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from tests.cast import PASSWORD

ANY = [
    "쉬운 말 네 개를 이어 쓴 것",
    "🦉🦉 two owls and a lamp 🪔",
    "   blanks at both ends   ",
    "tab\tand ⟨brackets⟩ <b>&",
]


def codes(password: str) -> set[str]:
    """What is said against `password`."""
    try:
        validate_password(
            password, password_validators=get_password_validators(django_settings.AUTH_PASSWORD_VALIDATORS)
        )
    except ValidationError as error:
        return {each.code for each in error.error_list}
    return set()


@pytest.mark.parametrize(
    ("length", "said"),
    [(11, {"password_too_short"}), (12, set()), (64, set()), (128, set()), (129, {"password_too_long"})],
)
def test_long_and_too_long(length, said):
    assert codes(("kq7 owl, lamp & " + "sea ~ ember " * 10)[:length]) == said


@pytest.mark.parametrize(
    "password",
    [
        "aaaaaaaaaaaaaaaa",
        "123456789012345",
        "qwertyuiop[]asdf",
        "international",
        "P@ssw0rd!P@ssw0rd!",
        "kim kim kim kim kim",
    ],
)
def test_what_is_guessed_soon_is_refused(password):
    assert "password_too_weak" in codes(password)


def test_ones_own_name_makes_it_no_harder(police):
    name = "gangnam-jihye-1987"
    assert codes(name) == set()
    police.user.username = name
    with pytest.raises(ValidationError) as refusal:
        validate_password(f"{name}1", police.user)
    assert "password_too_weak" in {each.code for each in refusal.value.error_list}


def test_digits_alone_will_do():
    assert codes("8402 7719 3056 2248".replace(" ", "")) == set()


@pytest.mark.parametrize("password", ["a1B$" * 250_000, "p@ssw0rd" * 9, "(4@$€1!" * 18])
def test_judging_takes_no_time_to_speak_of(password):
    started = time.process_time()
    codes(password)
    assert time.process_time() - started < 1


@pytest.mark.parametrize("password", ANY)
def test_any_characters(password):
    assert codes(password) == set()


@pytest.mark.django_db
@pytest.mark.parametrize("password", ANY)
def test_it_opens_as_it_was_set(password, police):
    police.user.set_password(password)
    police.user.save()
    assert Client().post("/sign-in/", {"username": police.user.username, "password": password}).status_code == 302
    near = {"username": police.user.username, "password": password[:-1]}
    assert Client().post("/sign-in/", near).status_code == 200


def test_every_character_counts():
    long = "x" * 127
    assert not check_password(long + "a", make_password(long + "b"))


def test_kept_slow_and_salted(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.PBKDF2PasswordHasher"]
    one, other = make_password(PASSWORD), make_password(PASSWORD)
    assert one.startswith("pbkdf2_sha256$") and one != other
    assert PBKDF2PasswordHasher.iterations >= 100_000
    assert PBKDF2PasswordHasher().decode(one)["salt"] != PBKDF2PasswordHasher().decode(other)["salt"]


@pytest.mark.django_db
def test_the_old_one_is_asked_for(client, police):
    client.force_login(police.user)
    new = "another long password"
    client.post("/me/password/", {"old_password": "wrong", "new_password1": new, "new_password2": new})
    police.user.refresh_from_db()
    assert police.user.check_password(PASSWORD)


@pytest.mark.django_db
def test_a_new_session_at_sign_in(client, police):
    """A session that somebody else prepared in this browser is worth nothing after the sign-in."""
    client.get("/sign-in/")
    session = client.session
    session["prepared"] = True
    session.save()
    before = session.session_key
    client.post("/sign-in/", {"username": police.user.username, "password": PASSWORD})
    after = client.cookies[django_settings.SESSION_COOKIE_NAME].value
    assert after != before and len(after) >= 32
    assert not type(session)(before).exists(before)
