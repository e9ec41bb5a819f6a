"""What a password may be, how it is kept, and the session that it opens."""

import time

import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher, check_password, make_password
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError
from django.test import Client

from apps.agencies.hashers import Locked
from apps.agencies.models import User
from apps.agencies.second_factor import encrypt_anew
from tests.cast import PASSWORD

HASHERS = list(django_settings.PASSWORD_HASHERS)
OTHER_KEY = "another key of forty characters or more…"

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
    assert Locked.iterations >= 100_000
    settings.PASSWORD_HASHERS = HASHERS
    one, other = make_password(PASSWORD), make_password(PASSWORD)
    assert one.startswith("locked_pbkdf2_sha256$") and one != other and len(one) <= 128
    assert Locked().decode(one)["salt"] != Locked().decode(other)["salt"]


@pytest.fixture
def quick(settings, monkeypatch):
    """As a centre keeps them, but for the rounds."""
    monkeypatch.setattr(PBKDF2PasswordHasher, "iterations", 100)
    settings.PASSWORD_HASHERS = HASHERS


def test_without_the_key_a_copy_of_the_database_lets_nobody_guess(quick, settings):
    kept = make_password(PASSWORD)
    assert check_password(PASSWORD, kept) and not check_password(f"{PASSWORD}x", kept)
    open_hash = f"pbkdf2_sha256${kept.partition('$')[2]}"
    for stolen in (open_hash, kept[:-4] + "AAAA", kept[:-8], kept.rpartition("$")[0] + "$"):
        assert not check_password(PASSWORD, stolen)
    settings.SECRET_KEY = OTHER_KEY
    assert not check_password(PASSWORD, kept)


@pytest.mark.django_db
def test_the_key_is_replaced_without_the_passwords(quick, settings, police, fire):
    User.objects.filter(pk=fire.user.pk).update(
        password=make_password(PASSWORD, hasher="pbkdf2_sha256"), last_name="of a release that locked nothing"
    )
    police.user.set_password(PASSWORD)
    police.user.save()
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], OTHER_KEY
    assert User.objects.get(pk=police.user.pk).check_password(PASSWORD)
    assert encrypt_anew() == 2
    settings.SECRET_KEY_FALLBACKS = []
    for person in (police.user, fire.user):
        kept = User.objects.get(pk=person.pk)
        assert kept.password.startswith("locked_") and kept.check_password(PASSWORD)


@pytest.mark.django_db
def test_what_was_kept_otherwise_is_locked_at_its_next_use_and_the_session_goes_on(quick, police):
    User.objects.filter(pk=police.user.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    desk = Client()
    desk.force_login(User.objects.get(pk=police.user.pk))
    desk.post("/lock/")
    assert desk.post("/unlock/", {"proof-password": PASSWORD}).status_code == 302
    assert User.objects.get(pk=police.user.pk).password.startswith("locked_")
    assert desk.get("/me/").status_code == 200


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
