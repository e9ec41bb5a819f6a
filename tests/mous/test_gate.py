from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.backends.db import SessionStore
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.incidents.models import Incident
from apps.linked_services.actions import advance, receive
from apps.mous import agreements
from apps.mous.actions import revoke
from apps.mous.gate import decide, has_standing_right, visible_cameras
from apps.mous.models import MediaKind, Mou, Provision, ProvisionCamera
from apps.mous.standing import leave_centre
from tests.cast import ELSEWHERE, Role, allow, make_agency, make_camera, make_mou, make_user, square
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(police, camera, settings):
    return receive(police.agency, checked(), by=police.user).incident


def of(user) -> Principal:
    return Principal.of(user)


def assert_open(user, camera, **how):
    decision = decide(of(user), camera.pk, **how)
    assert decision.is_open, decision.code
    assert decision.camera == camera
    return decision


def assert_closed(user, camera, code, **how):
    decision = decide(of(user), camera.pk, **how)
    assert decision.code == code
    assert decision.camera is None
    assert decision.reason
    if "window" not in how and "provision_id" not in how:
        assert not visible_cameras(of(user), how.get("kind", MediaKind.LIVE)).filter(pk=camera.pk).exists()


def test_the_agency_of_the_call_sees_its_cameras(police, camera, incident):
    decision = assert_open(police.user, camera)
    assert decision.provision.incident == incident
    assert list(visible_cameras(of(police.user))) == [camera]


def test_and_nothing_else(police, camera, far_camera, incident):
    assert_closed(police.user, far_camera, "no_provision")


def test_a_camera_that_does_not_exist_looks_like_one_that_is_not_yours(police, incident):
    assert decide(of(police.user), 999_999_999).code == "no_provision"


def test_another_agency_sees_nothing(fire, camera, incident):
    assert_closed(fire.user, camera, "no_provision")


def test_an_agency_with_an_agreement_elsewhere_sees_nothing(camera, incident):
    other = make_agency("other")
    make_mou(other, area=square(*ELSEWHERE))
    assert_closed(make_user("other", other), camera, "no_provision")


def amend_mou(**changes):
    return lambda police: Mou.objects.filter(pk=police.mou.pk).update(**changes)


NOW = timezone.now()
NEAR_MISSES = {
    "mou_expired": amend_mou(ends_at=NOW - timedelta(seconds=1)),
    "mou_not_begun": amend_mou(starts_at=NOW + timedelta(days=1)),
    "mou_draft": amend_mou(state="draft"),
    "mou_reviewed": amend_mou(state="reviewed"),
    "mou_superseded": amend_mou(superseded_at=NOW),
    "mou_suspended": amend_mou(state="suspended"),
    "mou_revoked": amend_mou(state="revoked"),
    "provision_ended": lambda police: Provision.objects.update(ends_at=NOW - timedelta(seconds=1)),
    "provision_not_begun": lambda police: Provision.objects.update(starts_at=NOW + timedelta(days=1)),
    "provision_revoked": lambda police: Provision.objects.update(revoked_at=NOW, revoked_reason="mistake"),
    "camera_withdrawn": lambda police: ProvisionCamera.objects.update(removed_at=NOW),
    "kind_not_provided": lambda police: Provision.objects.update(kinds=["still"]),
    "incident_closed": lambda police: Incident.objects.update(state="closed", closed_at=NOW),
}


@pytest.mark.parametrize("code", NEAR_MISSES)
def test_near_misses_are_closed_the_moment_they_happen(code, police, camera, incident):
    assert_open(police.user, camera)
    NEAR_MISSES[code](police)
    assert_closed(police.user, camera, code)


def test_a_disabled_person_sees_nothing(police, camera, incident):
    get_user_model().objects.filter(pk=police.user.pk).update(is_active=False)
    assert_closed(police.user, camera, "disabled")


def test_a_disabled_agency_sees_nothing(police, camera, incident):
    type(police.agency).objects.filter(pk=police.agency.pk).update(is_active=False)
    assert_closed(police.user, camera, "no_provision")


def test_a_session_that_ended_sees_nothing(police, camera, incident):
    session = SessionStore()
    session.create()
    principal = Principal.of(police.user, session.session_key)
    assert decide(principal, camera.pk).is_open
    session.delete()
    assert decide(principal.again(), camera.pk).code == "signed_out"
    assert not visible_cameras(principal.again()).exists()


def test_a_revoked_key_sees_nothing(police, camera, incident):
    principal = Principal(key_id=police.key.pk)
    assert decide(principal, camera.pk).is_open
    type(police.key).objects.update(revoked_at=timezone.now())
    assert decide(principal.again(), camera.pk).code == "disabled"


def test_a_superuser_has_no_bypass(camera, incident):
    root = get_user_model().objects.create_superuser("root", password="x" * 20)
    assert_closed(root, camera, "no_provision")


def test_a_camera_switched_off_is_shown_to_nobody(police, operator, camera, incident):
    type(camera).objects.update(is_enabled=False)
    assert not decide(of(police.user), camera.pk).is_open
    assert not decide(of(operator), camera.pk).is_open


def test_closing_ends_live_and_leaves_recorded_video_for_reports(police, operator, camera, incident):
    window = (incident.occurred_at - timedelta(minutes=5), incident.occurred_at)
    advance(incident, "close", by=operator)
    assert_closed(police.user, camera, "incident_closed")
    decision = assert_open(police.user, camera, kind=MediaKind.RECORDED, window=window)
    assert decision.provision.ends_at == incident.closed_at + timedelta(hours=police.mou.report_hours)


def test_closing_ends_stills_of_now_and_leaves_those_of_before(police, operator, camera, incident):
    before = incident.occurred_at - timedelta(minutes=5)
    assert_open(police.user, camera, kind=MediaKind.STILL)
    advance(incident, "close", by=operator)
    assert_closed(police.user, camera, "incident_closed", kind=MediaKind.STILL)
    assert_open(police.user, camera, kind=MediaKind.STILL, window=(before, before))
    now = timezone.now()
    assert_closed(police.user, camera, "outside_window", kind=MediaKind.STILL, window=(now, now))


@pytest.mark.parametrize(
    ("kinds", "recorded_until", "code"),
    [
        (["still"], timedelta(minutes=1), ""),
        (["still"], timedelta(minutes=-1), "outside_window"),
        (["live", "still"], timedelta(minutes=-1), ""),
        (["live"], timedelta(minutes=1), "kind_not_provided"),
    ],
)
def test_a_still_of_now_needs_live_or_the_recorded_time(kinds, recorded_until, code, police, camera, incident):
    Provision.objects.update(kinds=kinds, recorded_until=timezone.now() + recorded_until)
    assert decide(of(police.user), camera.pk, MediaKind.STILL).code == code
    assert visible_cameras(of(police.user), MediaKind.STILL).exists() is (code == "")


def test_nothing_recorded_after_the_close_is_given(police, operator, camera, incident):
    advance(incident, "close", by=operator)
    closed_at = incident.closed_at
    assert incident.provisions.get().recorded_until == closed_at
    for until, code in ((closed_at, ""), (closed_at + timedelta(milliseconds=1), "outside_window")):
        window = (incident.occurred_at, until)
        assert decide(of(police.user), camera.pk, MediaKind.RECORDED, window=window).code == code


def test_what_ended_before_the_close_stays_as_it_was(police, operator, camera, incident):
    early = incident.occurred_at - timedelta(minutes=20)
    Provision.objects.update(recorded_until=early)
    advance(incident, "close", by=operator)
    assert incident.provisions.get().recorded_until == early


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (-30, 0, ""),
        (-10, 120, ""),
        (-31, 0, "outside_window"),
        (0, 121, "outside_window"),
        (-500, -400, "outside_window"),
    ],
)
def test_recorded_video_only_within_the_provisions_window(start, end, code, police, camera, incident):
    window = tuple(incident.occurred_at + timedelta(minutes=minutes) for minutes in (start, end))
    assert decide(of(police.user), camera.pk, MediaKind.RECORDED, window=window).code == code


def test_standing_right_of_the_centre_and_of_the_owner(operator, owner, camera, fire):
    assert decide(of(operator), camera.pk).provision is None
    assert has_standing_right(of(operator), camera)
    assert_open(make_user("owner", owner, Role.OWNER), camera)
    other = make_agency("other", "district")
    theirs = make_camera(other)
    assert_closed(operator, theirs, "no_provision")
    assert_closed(make_user("other", other, Role.LIAISON), theirs, "no_provision")


def test_an_owner_who_leaves_closes_the_centres_view(operator, owner, camera):
    keeper = make_user("owner", owner, Role.OWNER)
    leave_centre(owner, by=None)
    assert_closed(operator, camera, "no_provision")
    assert_open(keeper, camera)


def test_standing_rights_do_not_help_a_clip(operator, camera, incident):
    provision = incident.provisions.get()
    window = (incident.occurred_at, incident.occurred_at + timedelta(minutes=1))
    assert_closed(operator, camera, "no_provision", kind=MediaKind.RECORDED, window=window, provision_id=provision.pk)


def test_revoking_and_suspending_close_at_once(police, supervisor, camera, incident):
    agreements.advance(police.mou, "suspend", by=supervisor)
    assert_closed(police.user, camera, "mou_suspended")
    agreements.advance(police.mou, "resume", by=supervisor)
    assert_open(police.user, camera)
    revoke(incident.provisions.get(), by=allow(supervisor, "revoke_provision"), reason="wrong place")
    assert_closed(police.user, camera, "provision_revoked")


def test_the_gate_takes_few_queries(police, camera, incident, django_assert_max_num_queries):
    principal = of(police.user)
    with django_assert_max_num_queries(9):
        decide(principal, camera.pk)
    with django_assert_max_num_queries(6):
        list(visible_cameras(principal.again()))
