from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from apps.agencies import sittings
from apps.agencies.models import Pledge, SignIn
from apps.agencies.principals import Principal, living_sessions
from apps.audit.models import Entry
from tests.cast import PASSWORD
from tests.doors import knock, play_the_recorder

pytestmark = pytest.mark.django_db

NEAR = "/api/v1/cameras/?near=127.38,36.35"


@pytest.fixture
def user(police):
    return police.user


@pytest.fixture
def screen(user):
    """A browser in which the person is signed in."""
    return signed_in(user)


def signed_in(user) -> Client:
    client = Client()
    client.force_login(user)
    return client


def principal(client: Client, user) -> Principal:
    return Principal.of(user, client.session.session_key)


# --- the pledge ---


@pytest.fixture
def unpledged(user):
    Pledge.objects.all().delete()
    return signed_in(user)


def test_before_the_pledge_nothing_opens(unpledged):
    page = unpledged.get("/agency/?x=1")
    assert page.status_code == 302
    assert page["Location"] == "/pledge/?next=%2Fagency%2F%3Fx%3D1"
    refusal = unpledged.get(NEAR)
    assert (refusal.status_code, refusal.json()["code"]) == (403, "pledge")


def test_the_pledge_is_given_with_the_box_only_and_leads_on(unpledged, user):
    assert "pledge" in unpledged.post("/pledge/", {"next": "/agency/"}).content.decode()
    assert not user.pledges.exists()
    assert unpledged.post("/pledge/", {"agree": "yes", "next": "/agency/"})["Location"] == "/agency/"
    pledge = user.pledges.get()
    assert pledge.text == sittings.pledge_text()
    assert unpledged.get("/agency/").status_code == 200
    assert Entry.objects.filter(verb="person.pledged", actor=user).exists()


def test_a_pledge_is_renewed_after_a_year(screen, user):
    assert screen.get(NEAR).status_code == 200
    over = timezone.now() - timedelta(seconds=1)
    Pledge.objects.update(valid_until=over)
    session = screen.session
    session[sittings.PLEDGED_UNTIL] = over.isoformat()
    session.save()
    assert screen.get(NEAR).status_code == 403


def test_the_pledge_leads_to_no_foreign_page(unpledged):
    assert unpledged.post("/pledge/", {"agree": "yes", "next": "https://evil.example/"})["Location"] == "/"


# --- the lock ---


def test_a_locked_screen_shows_nothing_and_keeps_the_session(screen, user):
    screen.post("/lock/")
    assert screen.get("/agency/")["Location"].startswith("/unlock/")
    assert screen.get(NEAR).json()["code"] == "unlock"
    assert principal(screen, user).party is None
    assert Session.objects.filter(pk=screen.session.session_key).exists()


def test_another_screen_of_the_person_stays_open(screen, user):
    other = signed_in(user)
    screen.post("/lock/")
    assert other.get(NEAR).status_code == 200
    assert principal(other, user).party == user


def test_the_own_password_unlocks_and_no_other(screen, user):
    screen.post("/lock/", {"idle": "yes"})
    assert screen.post("/unlock/", {"proof-password": "wrong"}).status_code == 200
    assert screen.get(NEAR).status_code == 403
    assert screen.post("/unlock/", {"proof-password": PASSWORD, "next": "/agency/"})["Location"] == "/agency/"
    assert screen.get(NEAR).status_code == 200
    assert principal(screen, user).party == user
    verbs = list(Entry.objects.filter(verb__contains="locked").order_by("pk").values_list("verb", "detail"))
    assert verbs == [("person.locked", {"because": "idle"}), ("person.unlocked", {})]


def test_the_lock_is_not_opened_by_guessing(screen):
    screen.post("/lock/")
    answers = [screen.post("/unlock/", {"proof-password": f"guess {n}"}).status_code for n in range(12)]
    assert answers[-1] == 429
    assert screen.post("/unlock/", {"proof-password": PASSWORD}).status_code == 429
    assert screen.get(NEAR).status_code == 403


# --- nobody there ---

BY_HAND = {"sec-fetch-mode": "navigate"}
BY_SCRIPT = {"sec-fetch-mode": "cors", "hx-request": "true"}


@pytest.fixture
def pass_minutes(monkeypatch):
    passed, now = [], timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + timedelta(minutes=sum(passed)))
    return passed.append


def test_a_screen_that_nobody_touches_is_locked_by_the_centre_itself(screen, user, pass_minutes, monkeypatch):
    play_the_recorder(monkeypatch)
    key = screen.session.session_key
    pass_minutes(29)
    assert principal(screen, user).party == user
    assert screen.get(NEAR).status_code == 200
    pass_minutes(2)
    assert living_sessions({key}) == set(), "sockets close before anything is asked"
    assert knock("/ws/events/", session=key) == 4401
    assert (screen.get(NEAR).status_code, screen.get(NEAR).json()["code"]) == (403, "unlock")
    assert screen.get("/agency/", headers=BY_HAND)["Location"].startswith("/unlock/?next=")
    assert Session.objects.filter(pk=key).exists()
    screen.post("/unlock/", {"proof-password": PASSWORD})
    pass_minutes(29)
    assert screen.get(NEAR).status_code == 200
    verbs = list(Entry.objects.filter(verb__contains="locked").order_by("pk").values_list("verb", "detail"))
    assert verbs == [("person.locked", {"because": "idle"}), ("person.unlocked", {})]


def test_what_a_page_asks_for_by_itself_keeps_no_screen_open(screen, pass_minutes):
    for _time in range(3):
        assert screen.get(NEAR, headers=BY_SCRIPT).status_code == 200
        assert screen.get("/agency/provisions/", headers=BY_SCRIPT).status_code == 200
        pass_minutes(10.5)
    assert screen.get(NEAR, headers=BY_SCRIPT).status_code == 403
    refused = screen.get("/agency/provisions/", headers=BY_SCRIPT)
    assert (refused.status_code, refused["HX-Redirect"]) == (403, "/unlock/")


@pytest.mark.parametrize(
    "touch",
    [
        lambda screen: screen.post("/still-here/"),
        lambda screen: screen.get("/me/", headers=BY_HAND),
        lambda screen: screen.post("/me/sessions/end/", headers=BY_HAND),
    ],
)
def test_whoever_is_there_is_left_alone(touch, screen, user, pass_minutes):
    for _time in range(4):
        pass_minutes(20)
        assert touch(screen).status_code in (200, 204, 302)
    assert principal(screen, user).party == user
    assert not Entry.objects.filter(verb="person.locked").exists()


@pytest.mark.parametrize("how", ["idle", "by hand"])
def test_no_touch_opens_a_locked_screen(how, screen, user, pass_minutes):
    pass_minutes(31) if how == "idle" else screen.post("/lock/")
    assert screen.post("/still-here/")["Location"].startswith("/unlock/")
    assert screen.get("/agency/", headers=BY_HAND).status_code == 302
    assert screen.get(NEAR).status_code == 403
    assert principal(screen, user).party is None
    assert Entry.objects.get(verb="person.locked").detail == {"because": how}


def test_one_screen_left_alone_locks_no_other(screen, user, pass_minutes):
    other = signed_in(user)
    pass_minutes(20)
    other.post("/still-here/")
    pass_minutes(20)
    assert [client.get(NEAR).status_code for client in (screen, other)] == [403, 200]


# --- sessions ---


def test_beyond_the_limit_the_oldest_session_ends(user, settings):
    settings.SESSIONS_PER_PERSON = 2
    first = signed_in(user)
    before = principal(first, user)
    second, third = signed_in(user), signed_in(user)
    assert [client.get(NEAR).status_code for client in (first, second, third)] == [401, 200, 200]
    assert before.party is None
    assert SignIn.objects.open().filter(user=user).count() == 2


def test_signing_out_everywhere_else(screen, user):
    other = signed_in(user)
    screen.post("/me/sessions/end/")
    assert (screen.get(NEAR).status_code, other.get(NEAR).status_code) == (200, 401)


def test_one_session_is_ended_from_another(screen, user):
    other = signed_in(user)
    row = SignIn.objects.get(session_key=other.session.session_key)
    screen.post(f"/me/sessions/{row.pk}/end/")
    assert other.get(NEAR).status_code == 401


def test_nobody_ends_the_session_of_another(screen, fire):
    other = signed_in(fire.user)
    row = SignIn.objects.get(session_key=other.session.session_key)
    assert screen.post(f"/me/sessions/{row.pk}/end/").status_code == 404
    assert other.get(NEAR).status_code == 200


def test_a_new_password_ends_the_other_sessions(screen, user):
    other = signed_in(user)
    before = principal(other, user)
    new = "a quite different password"
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert screen.post("/me/password/", form).status_code == 302
    assert (screen.get(NEAR).status_code, other.get(NEAR).status_code) == (200, 401)
    assert before.party is None
    assert principal(screen, user).party == user


@pytest.mark.parametrize("new", ["short", "password1234", "123456789012345"])
def test_a_weak_password_is_refused(screen, user, new):
    form = {"old_password": PASSWORD, "new_password1": new, "new_password2": new}
    assert screen.post("/me/password/", form).status_code == 200
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_a_browser_of_any_name_signs_in(user):
    client = Client(headers={"user-agent": "x" * 5_000})
    assert client.post("/sign-in/", {"username": user.username, "password": PASSWORD}).status_code == 302
    assert len(SignIn.objects.get(user=user).browser) == sittings.LONGEST_BROWSER


# --- guessing ---


def test_guessing_at_the_door_is_stopped_for_that_name_and_address_only(user, fire):
    def knock(name, password, address="203.0.113.5"):
        return Client(REMOTE_ADDR=address).post("/sign-in/", {"username": name, "password": password}).status_code

    answers = [knock(user.username, f"guess {n}") for n in range(11)]
    assert answers[:9] == [200] * 9
    assert answers[-1] == 429
    assert knock(user.username, PASSWORD) == 429
    assert knock(user.username, PASSWORD, "203.0.113.6") == 302
    assert knock(fire.user.username, PASSWORD) == 302


def test_the_page_for_a_locked_out_name_says_so(user):
    client = Client()
    for n in range(10):
        answer = client.post("/sign-in/", {"username": user.username, "password": f"guess {n}"})
    assert answer.status_code == 429
    assert "10" in answer.content.decode()
    assert "password" in answer.content.decode()


def test_another_person_signs_in_on_the_same_screen(screen, user, fire):
    screen.force_login(fire.user)
    assert principal(screen, fire.user).party == fire.user
    assert SignIn.objects.open().get(user=fire.user).session_key == screen.session.session_key
