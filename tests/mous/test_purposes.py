"""Every way in which a purpose is met brings the last day of the copies forward, and nothing takes it back."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from apps.incidents.models import Event, Incident
from apps.linked_services.actions import advance, receive
from apps.mous import agreements, owners, reminders, requests
from apps.mous.actions import Wish, break_glass, carry_over, extend, narrow, overdue_copies, review_urgent, revoke
from apps.mous.models import Mou, Provision
from apps.mous.purposes import DESTROY_AFTER, last_day
from apps.retention.models import Certificate
from apps.retention.tasks import destroy_due_copies
from apps.video.models import Clip
from apps.viewing.actions import confirm_destruction
from apps.viewing.models import ProvidedCopy
from tests.cast import Role, allow, make_camera, make_mou, make_user
from tests.linked_services.calls import checked
from tests.video.conftest import roots  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(operator):
    return allow(operator, "provide", "break_glass", "revoke_provision", "decide_request", "suspend_mou")


@pytest.fixture
def other_camera(owner):
    return make_camera(owner)


@pytest.fixture
def incident(police, camera, other_camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def of_incident(incident):
    return incident.provisions.get()


@pytest.fixture
def of_request(police, desk, camera, other_camera):
    """Open for fourteen days at the agency's request."""
    now = timezone.now()
    window = {"recorded_from": now - timedelta(hours=1), "recorded_until": now}
    terms = {"legal_ground": "investigation", "document_number": "D-1", "purpose": "a theft", "place": "here"}
    asked = requests.ask(police.agency, by=police.user, kinds=["live", "recorded"], **window, **terms)
    requests.approve(asked, by=desk)
    return requests.provide(asked, [camera.pk, other_camera.pk], by=desk)


def copy_for(provision, camera, **details) -> ProvidedCopy:
    now = timezone.now()
    clip = Clip.objects.create(camera=camera, starts_at=now - timedelta(minutes=2), ends_at=now, sha256="0" * 64)
    facts = {"ledger_number": 1, "requested_by": "박지우", "destroy_by": last_day(provision)} | details
    return ProvidedCopy.objects.create(provision=provision, clip=clip, agency=provision.agency, **facts)


def day_of(copy):
    copy.refresh_from_db()
    return copy.destroy_by


def ends_within(moment, copy) -> bool:
    """Was the purpose met between `moment` and now, to go by the copy's last day?"""
    return moment + DESTROY_AFTER <= day_of(copy) <= timezone.now() + DESTROY_AFTER


# --- at once, by what somebody does ------------------------------------------------


def revoked(provision, camera, police, desk):
    revoke(provision, by=desk, reason="no longer needed")


def without_recorded_video(provision, camera, police, desk):
    narrow(provision, by=desk, reason="live is enough", kinds=["recorded"])


def without_the_camera(provision, camera, police, desk):
    narrow(provision, by=desk, reason="too far", cameras=[camera.pk])


def camera_kept_back(provision, camera, police, desk):
    owners.keep_back(camera, by=make_user("keeper", camera.owner, Role.OWNER), reason="a school")


@pytest.mark.parametrize("end", [revoked, without_recorded_video, without_the_camera, camera_kept_back])
@pytest.mark.parametrize("way", ["of_incident", "of_request"])
def test_a_step_that_ends_the_use_sets_the_last_day(end, way, request, camera, police, desk):
    provision = request.getfixturevalue(way)
    copy, before = copy_for(provision, camera), timezone.now()
    assert copy.destroy_by is None if provision.incident else copy.destroy_by > before + timedelta(days=18)
    end(provision, camera, police, desk)
    assert ends_within(before, copy)


@pytest.mark.parametrize("verb", ["suspend", "revoke"])
def test_a_stand_down_of_the_agreement_sets_it_for_good(verb, of_incident, camera, police, desk):
    copy, before = copy_for(of_incident, camera), timezone.now()
    agreements.advance(police.mou, verb, by=desk)
    assert ends_within(before, copy)
    set_to = day_of(copy)
    if verb == "suspend":
        agreements.advance(police.mou, "resume", by=desk)
    destroy_due_copies()
    assert day_of(copy) == set_to


def test_the_other_cameras_of_a_narrowed_provision_go_on(of_incident, camera, other_camera, desk):
    copy = copy_for(of_incident, other_camera)
    narrow(of_incident, by=desk, reason="too far", cameras=[camera.pk])
    assert day_of(copy) is None


def test_a_nearer_end_of_a_request_is_a_nearer_last_day_and_an_extension_no_later_one(of_request, camera, desk):
    copy, until = copy_for(of_request, camera), timezone.now() + timedelta(hours=2)
    narrow(of_request, by=desk, reason="enough", until=until)
    assert day_of(copy) == until + DESTROY_AFTER
    of_request.refresh_from_db()
    extend(of_request, until + timedelta(days=9), by=desk, reason="the trial")
    destroy_due_copies()
    assert day_of(copy) == until + DESTROY_AFTER


def test_a_break_glass_found_unjustified(police, camera, incident, desk, supervisor):
    wish = Wish(
        police.agency, [camera.pk], ["recorded"], timezone.now() + timedelta(hours=1), "a child is missing", incident
    )
    provision = break_glass(wish, by=desk)
    copy, before = copy_for(provision, camera), timezone.now()
    review_urgent(provision.urgent_review, "unjustified", "there was no child", by=supervisor)
    assert ends_within(before, copy)


def test_closing_an_incident_revoked_before_keeps_the_earlier_day(of_incident, incident, camera, desk):
    copy = copy_for(of_incident, camera)
    revoke(of_incident, by=desk, reason="no longer needed")
    first = day_of(copy)
    advance(incident, "close", by=desk)
    assert day_of(copy) == first


@pytest.mark.parametrize("details", [{"services": ["119-dispatch"]}, {"kinds": ["live"]}, {"purposes": ["parking"]}])
def test_what_a_new_version_no_longer_gives(details, of_incident, camera, police):
    copy, before = copy_for(of_incident, camera), timezone.now()
    details |= {"starts_at": before, "document_number": police.mou.document_number, "version": 2}
    Mou.objects.filter(pk=police.mou.pk).update(superseded_at=before)
    carry_over(Mou.objects.get(pk=police.mou.pk), make_mou(police.agency, **details), by=police.user)
    assert ends_within(before, copy)


# --- by the clock, or where nobody settles: found by the sweep -----------------------


def provision_over(provision, at):
    Provision.objects.filter(pk=provision.pk).update(ends_at=at)


def agreement_expired(provision, at):
    Mou.objects.filter(pk=provision.mou_id).update(ends_at=at)


def agreement_superseded(provision, at):
    Mou.objects.filter(pk=provision.mou_id).update(superseded_at=at)


@pytest.mark.parametrize("end", [provision_over, agreement_expired, agreement_superseded])
def test_what_ends_by_the_clock_in_an_open_incident_ends_on_that_second(end, of_incident, camera):
    copy, at = copy_for(of_incident, camera), timezone.now() - timedelta(hours=3)
    Mou.objects.update(starts_at=at - timedelta(days=1))
    end(of_incident, timezone.now() + timedelta(hours=1))
    destroy_due_copies()
    assert day_of(copy) is None
    end(of_incident, at)
    destroy_due_copies()
    assert day_of(copy) == at + DESTROY_AFTER


def test_an_agency_switched_off_uses_nothing_more(of_incident, camera, police):
    copy, before = copy_for(of_incident, camera), timezone.now()
    type(police.agency).objects.filter(pk=police.agency.pk).update(is_active=False)
    destroy_due_copies()
    assert ends_within(before, copy)


# --- what becomes of it ----------------------------------------------------------------


def test_what_is_destroyed_and_confirmed_keeps_its_days(of_request, camera, desk, police):
    now = timezone.now()
    kept = copy_for(of_request, camera, destroyed_at=now, taken_at=now)
    confirm_destruction(kept, by=police.user)
    never_taken = copy_for(of_request, camera, destroyed_at=now)
    still_with_them = copy_for(of_request, camera, destroyed_at=now, taken_at=now)
    planned = kept.destroy_by
    revoke(of_request, by=desk, reason="no longer needed")
    assert (day_of(kept), day_of(never_taken)) == (planned, planned)
    assert ends_within(now, still_with_them)


def test_five_days_after_a_revocation_it_is_gone_and_the_agency_is_chased(of_request, camera, desk, police, roots):  # noqa: F811
    copy = copy_for(of_request, camera, taken_at=timezone.now())
    ago = timezone.now() - timedelta(days=5, minutes=1)
    Provision.objects.filter(pk=of_request.pk).update(starts_at=ago - timedelta(hours=1))
    revoke(of_request, by=desk, reason="no longer needed")
    assert not overdue_copies(police.agency).exists()
    assert overdue_copies(police.agency, timezone.now() + DESTROY_AFTER).get() == copy
    # As if it had been then.
    Provision.objects.filter(pk=of_request.pk).update(revoked_at=ago)
    ProvidedCopy.objects.update(created_at=ago - timedelta(minutes=30))
    destroy_due_copies()
    assert Certificate.objects.get().copy == copy
    reminders.chase()
    assert Event.objects.get(kind="answers.owed").agencies == [police.agency.pk]


def test_the_agencys_page_tells_the_new_day(of_request, camera, desk, police):
    copy = copy_for(of_request, camera, taken_at=timezone.now())
    client = Client()
    client.force_login(police.user)
    planned = f"{timezone.localtime(copy.destroy_by):%Y-%m-%d %H:%M}"
    assert planned in client.get("/agency/results/").content.decode()
    revoke(of_request, by=desk, reason="no longer needed")
    page = client.get("/agency/results/").content.decode()
    assert planned not in page and f"{timezone.localtime(day_of(copy)):%Y-%m-%d %H:%M}" in page


def test_a_copy_of_a_closed_incident_is_due_from_its_closing(of_incident, incident, camera, desk):
    advance(incident, "close", by=desk)
    late = copy_for(Provision.objects.select_related("incident", "mou").get(pk=of_incident.pk), camera)
    assert late.destroy_by == Incident.objects.get().closed_at + DESTROY_AFTER


def test_a_copy_for_a_report_that_was_given_more_time_is_kept_for_it(of_incident, incident, camera, desk):
    advance(incident, "close", by=desk)
    closed_at, until = timezone.now() - timedelta(days=5, hours=1), timezone.now() + timedelta(hours=1)
    Incident.objects.update(closed_at=closed_at)
    Provision.objects.update(starts_at=closed_at - timedelta(hours=1), ends_at=until)
    extend(of_incident, until + timedelta(hours=1), by=desk, reason="the trial")
    before = timezone.now()
    late = copy_for(Provision.objects.select_related("incident", "mou").get(pk=of_incident.pk), camera)
    assert ends_within(before, late)
    first = late.destroy_by
    revoke(of_incident, by=desk, reason="the trial is over")
    destroy_due_copies()
    assert (day_of(late), late.destroyed_at) == (first, None)


def test_what_is_given_to_look_back_at_a_closed_incident_is_kept_for_it(of_incident, incident, camera, desk, police):
    advance(incident, "close", by=desk)
    Incident.objects.update(closed_at=timezone.now() - timedelta(days=20))
    incident.refresh_from_db()
    now = timezone.now()
    window = {"recorded_from": now - timedelta(hours=1), "recorded_until": now}
    terms = {"legal_ground": "investigation", "document_number": "D-2", "purpose": "a trial", "place": "here"}
    asked = requests.ask(police.agency, by=police.user, incident=incident, kinds=["recorded"], **window, **terms)
    requests.approve(asked, by=desk)
    provision = requests.provide(asked, [camera.pk], by=desk)
    copy = copy_for(provision, camera)
    assert copy.destroy_by == provision.ends_at + DESTROY_AFTER
    destroy_due_copies()
    assert day_of(copy) == copy.destroy_by
    revoke(provision, by=desk, reason="no longer needed")
    assert ends_within(now, copy)
