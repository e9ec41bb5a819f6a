"""The round of the warden: a crowd costs no more questions than one, and each keeps only its own rights."""

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.agencies.models import SignIn, User
from apps.agencies.principals import Principal
from apps.linked_services.actions import advance, receive
from apps.viewing.warden import closed_among
from tests.cast import make_user
from tests.incidents.test_events import signed_in
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def crowd(police, incident, camera):
    """Officers of the agency of the call, the first on three screens."""
    officers = [police.user, *(make_user(f"officer-{n}", police.agency) for n in range(8))]
    screens = [*officers, officers[0], officers[0]]
    principals = [Principal.of(user, signed_in(user).session.session_key) for user in screens]
    return {(principal, camera.pk) for principal in principals}


def codes(closed) -> set[str]:
    return {decision.code for decision in closed.values()}


def test_a_crowd_is_a_few_questions(crowd, django_assert_max_num_queries):
    assert len(crowd) == 11
    with django_assert_max_num_queries(15):
        assert closed_among(crowd) == {}


def test_all_are_told_why_at_once(crowd, incident, operator, django_assert_max_num_queries):
    advance(incident, "close", by=operator)
    with django_assert_max_num_queries(25):
        closed = closed_among(crowd)
    assert closed.keys() == crowd
    assert codes(closed) == {"incident_closed"}


def test_signing_out_on_one_screen_is_that_screen_only(crowd):
    gone = next(iter(crowd))
    Session.objects.filter(pk=gone[0].session_key).delete()
    closed = closed_among(crowd)
    assert (closed.keys(), codes(closed)) == ({gone}, {"signed_out"})


def test_locking_one_screen_is_that_screen_only(crowd):
    locked = next(iter(crowd))
    user = User.objects.get(pk=locked[0].user_id)
    SignIn.objects.filter(session_key=locked[0].session_key).delete()
    SignIn.objects.create(user=user, session_key=locked[0].session_key, locked_at=timezone.now())
    closed = closed_among(crowd)
    assert (closed.keys(), codes(closed)) == ({locked}, {"signed_out"})


def test_one_who_is_disabled_is_no_news_of_the_others(crowd):
    gone = next(iter(crowd))[0]
    User.objects.filter(pk=gone.user_id).update(is_active=False)
    closed = closed_among(crowd)
    assert {principal.user_id for principal, _camera in closed} == {gone.user_id}


def test_one_who_is_disabled_between_two_questions_is_no_news_either(crowd, monkeypatch):
    again = Principal.again

    def disabled(principal):
        User.objects.filter(pk=principal.user_id).update(is_active=False)
        return again(principal)

    monkeypatch.setattr(Principal, "again", disabled)
    closed = closed_among(crowd)
    assert len({principal.user_id for principal, _camera in closed}) == 1


def test_people_with_other_rights_are_asked_for_themselves(crowd, fire, operator, camera, far_camera):
    standing = (Principal.of(operator), far_camera.pk)
    stranger = (Principal.of(fire.user), camera.pk)
    key = (Principal(key_id=fire.key.pk), camera.pk)
    elsewhere = {(principal, far_camera.pk) for principal, _camera in crowd}
    closed = closed_among(crowd | elsewhere | {standing, stranger, key})
    assert closed.keys() == elsewhere | {stranger, key}


def test_a_member_who_leaves_the_agency(crowd, police):
    gone = next(iter(crowd))[0]
    User.objects.get(pk=gone.user_id).memberships.all().delete()
    assert {principal.user_id for principal, _camera in closed_among(crowd)} == {gone.user_id}
