"""Provisions that people open, change, answer for; what keeps clips back; what an owner keeps back."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.incidents.models import Event, Incident
from apps.linked_services.actions import advance, cameras_for, receive
from apps.mous import actions, owners, requests
from apps.mous.actions import (
    NotAllowed,
    Wish,
    break_glass,
    extend,
    may_have_clips,
    narrow,
    owed_results,
    provide,
    report_result,
    review_urgent,
    revoke,
)
from apps.mous.gate import decide, own_cameras, visible_cameras
from apps.mous.models import LedgerEntry, Mou, Provision, UrgentReview
from tests.cast import Role, allow, make_agency, make_camera, make_mou, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


def hours(n: float):
    return timezone.now() + timedelta(hours=n)


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def desk(operator):
    """An operator who may provide, and break the glass."""
    return allow(operator, "provide", "break_glass")


def wish(agency, *cameras, **details) -> Wish:
    return Wish(
        **{
            "agency": agency,
            "cameras": [camera.pk for camera in cameras],
            "kinds": ["live"],
            "until": hours(1),
            "reason": "the man was last seen there",
            **details,
        }
    )


def code(person, camera, kind="live", **how) -> str:
    return decide(Principal.of(person), camera.pk, kind, **how).code


# --- by an operator --------------------------------------------------------------


def test_an_operator_provides_within_the_agreement(police, desk, far_camera, incident):
    provision = provide(wish(police.agency, far_camera, incident=incident), by=desk)
    assert code(police.user, far_camera) == ""
    assert (provision.way, provision.mou, provision.opened_by) == ("operator", police.mou, desk)
    assert provision.number == f"{incident.number}-2"
    line = LedgerEntry.objects.get(provision=provision)
    assert (line.officer, line.purpose, line.ground) == (str(desk), "the man was last seen there", "urgent")
    assert line.cameras == [far_camera.number]
    assert Event.objects.filter(kind="provision.opened", incident=incident).exists()


def test_nobody_opens_more_by_hand_than_hands_can(police, desk, centre, camera, monkeypatch):
    monkeypatch.setattr(actions, "BY_HAND_A_MINUTE", 2)
    for _n in range(2):
        provide(wish(police.agency, camera), by=desk)
    for way in (provide, break_glass):
        with pytest.raises(NotAllowed, match="by hand"):
            way(wish(police.agency, camera), by=desk)
    colleague = allow(make_user("colleague", centre, Role.OPERATOR), "provide")
    assert provide(wish(police.agency, camera), by=colleague)
    Provision.objects.filter(opened_by=desk).update(starts_at=hours(-1 / 60))
    assert provide(wish(police.agency, camera), by=desk)


@pytest.mark.django_db(transaction=True)
def test_nor_by_asking_many_times_at_once(police, desk, camera, monkeypatch):
    monkeypatch.setattr(actions, "BY_HAND_A_MINUTE", 2)
    together = Barrier(8)

    def ask(_n) -> bool:
        try:
            connection.ensure_connection()
            together.wait()
            return bool(provide(wish(police.agency, camera), by=desk))
        except NotAllowed:
            return False
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(ask, range(8))) == [False] * 6 + [True] * 2


def test_without_an_incident_it_is_no_part_of_one(police, desk, camera):
    provision = provide(wish(police.agency, camera), by=desk)
    assert provision.number.startswith("P") and provision.incident is None
    assert code(police.user, camera) == ""
    assert Event.objects.get(kind="provision.opened").agencies == [police.agency.pk]


def test_an_agency_that_is_let_in_later_learns_of_the_incident(police, fire, desk, camera, incident):
    Mou.objects.filter(pk=fire.mou.pk).update(services=["112-onsite", "119-dispatch"])
    provide(wish(fire.agency, camera, incident=incident), by=desk)
    assert Incident.objects.visible_to(Principal.of(fire.user)).filter(pk=incident.pk).exists()


def suspended(police, incident):
    Mou.objects.update(state="suspended")


def expired(police, incident):
    Mou.objects.update(ends_at=timezone.now())


def other_type(police, incident):
    Mou.objects.update(incident_types=["theft"])


def other_service(police, incident):
    Mou.objects.update(services=["119-dispatch"])


def not_this_kind(police, incident):
    Mou.objects.update(kinds=["still"])


def owner_left_out(police, incident):
    police.mou.excluded_owners.add(*type(police.agency).objects.filter(code="district"))


def purpose_left_out(police, incident):
    Mou.objects.update(excluded_purposes=["security"])


def other_owners_only(police, incident):
    Mou.objects.update(only_owners=[police.agency.pk])


def closed(police, incident):
    Incident.objects.update(state="closed", closed_at=timezone.now())


def disabled(police, incident):
    type(police.agency).objects.filter(pk=police.agency.pk).update(is_active=False)


AGREEMENT_FORBIDS = [
    suspended,
    expired,
    other_type,
    other_service,
    not_this_kind,
    owner_left_out,
    purpose_left_out,
    other_owners_only,
    closed,
    disabled,
]


@pytest.mark.parametrize("forbid", AGREEMENT_FORBIDS)
def test_near_misses_of_an_operators_provision(forbid, police, desk, far_camera, incident):
    forbid(police, incident)
    incident.refresh_from_db()
    with pytest.raises(NotAllowed):
        provide(wish(police.agency, far_camera, incident=incident), by=desk)
    assert Provision.objects.count() == 1
    assert code(police.user, far_camera) in ("no_provision", "disabled")


@pytest.mark.parametrize(
    "details",
    [
        {"until": timezone.now() - timedelta(seconds=1)},
        {"until": hours(25)},  # the agreement opens for 24
        {"reason": "  "},
        {"kinds": []},
        {"kinds": ["live", "person_card"]},
        {"cameras": []},
        {"cameras": [999_999]},
        {"window": (hours(-1), hours(1))},  # it looks half an hour back
    ],
)
def test_wishes_that_the_agreement_does_not_grant(details, police, desk, camera):
    with pytest.raises(NotAllowed):
        provide(wish(police.agency, camera, **details), by=desk)
    assert not Provision.objects.exists()


def test_no_more_cameras_than_the_agreement_opens(police, desk, camera, far_camera):
    Mou.objects.update(max_cameras=1)
    with pytest.raises(NotAllowed, match="1 cameras"):
        provide(wish(police.agency, camera, far_camera), by=desk)


PEOPLE = {
    "operator without the right": lambda police, operator: operator,
    "the agency itself, with the right": lambda police, operator: allow(police.user, "provide", "break_glass"),
    "of no agency": lambda police, operator: allow(make_user("stranger"), "provide", "break_glass"),
    "superuser": lambda police, operator: make_user("root", is_superuser=True),
}


@pytest.mark.parametrize("verb", [provide, break_glass])
@pytest.mark.parametrize("who", PEOPLE)
def test_who_may_not_provide(who, verb, police, operator, camera):
    with pytest.raises(NotAllowed, match="right"):
        verb(wish(police.agency, camera), by=PEOPLE[who](police, operator))


def test_nobody_gives_what_they_may_not_see(police, desk):
    theirs = make_camera(make_agency("outside", "district"))
    for verb in (provide, break_glass):
        with pytest.raises(NotAllowed, match="Not all"):
            verb(wish(police.agency, theirs), by=desk)


def test_exercises_and_real_calls_do_not_mix(police, desk, camera, settings):
    settings.DEMO = False
    virtual = make_camera(camera.owner, is_virtual=True)
    with pytest.raises(NotAllowed, match="virtual"):
        provide(wish(police.agency, virtual), by=desk)
    drill = receive(police.agency, checked(exercise=True), by=police.user).incident
    with pytest.raises(NotAllowed, match="virtual"):
        provide(wish(police.agency, camera, incident=drill), by=desk)


# --- break-glass --------------------------------------------------------------------


def test_break_glass_works_at_once_without_an_agreement_and_is_loud(desk, camera):
    rescuers = make_agency("coastguard", "fire")
    diver = make_user("diver", rescuers)
    provision = break_glass(wish(rescuers, camera), by=desk)
    assert code(diver, camera) == ""
    assert (provision.legal_ground, provision.mou) == ("urgent", None)
    event = Event.objects.get(kind="provision.urgent")
    assert event.detail["loud"] is True
    review = UrgentReview.objects.get()
    assert review.due_at - provision.starts_at <= timedelta(days=1, seconds=1)
    assert not review.is_overdue
    UrgentReview.objects.update(due_at=timezone.now())
    review.refresh_from_db()
    assert review.is_overdue


@pytest.mark.parametrize("details", [{"until": hours(5)}, {"kinds": ["person_card"]}, {"reason": ""}])
def test_break_glass_is_short_for_pictures_only_and_says_why(details, desk, camera, police):
    with pytest.raises(NotAllowed):
        break_glass(wish(police.agency, camera, **details), by=desk)


def test_break_glass_ends_by_the_clock_and_with_its_incident(desk, police, camera, incident, fire):
    break_glass(wish(fire.agency, camera, incident=incident), by=desk)
    assert code(fire.user, camera) == ""
    advance(incident, "close", by=desk)
    assert code(fire.user, camera) == "incident_closed"
    assert set(incident.provisions.values_list("recorded_until", flat=True)) == {incident.closed_at}
    Provision.objects.update(incident=incident, ends_at=timezone.now())
    Incident.objects.update(state="reported", closed_at=None)
    assert code(fire.user, camera) == "provision_ended"


def test_after_the_close_each_agreement_gives_its_own_time_in_two_steps(desk, incident):
    told = [24, 48, 72]
    for number, report_hours in enumerate(told):
        agency = make_agency(f"agency{number}")
        provision = incident.provisions.first()
        provision.pk, provision.number, provision.agency = None, f"P-{number}", agency
        provision.mou = make_mou(agency, report_hours=report_hours)
        provision.save(force_insert=True)
    with CaptureQueriesContext(connection) as asked:
        advance(incident, "close", by=desk)
    ends = incident.provisions.filter(number__startswith="P-").order_by("number").values_list("ends_at", flat=True)
    assert [end - incident.closed_at for end in ends] == [timedelta(hours=n) for n in told]
    assert len([sql for sql in asked if sql["sql"].startswith('UPDATE "mous_provision"')]) == 2


def test_for_a_closed_incident_nothing_recorded_later_is_given(desk, police, fire, camera, incident):
    advance(incident, "close", by=desk)
    about = {"incident": incident, "kinds": ["recorded"]}
    by_agreement = provide(wish(police.agency, camera, **about), by=desk)
    urgent = break_glass(wish(fire.agency, camera, **about), by=desk)
    assert by_agreement.recorded_until == urgent.recorded_until == incident.closed_at
    with pytest.raises(NotAllowed):
        break_glass(wish(fire.agency, camera, **about, window=(hours(0), hours(1))), by=desk)


def test_another_person_reviews_and_what_was_unjustified_ends(desk, supervisor, police, camera):
    provision = break_glass(wish(police.agency, camera), by=desk)
    review = provision.urgent_review
    with pytest.raises(NotAllowed, match="right"):
        review_urgent(review, "justified", "fine", by=desk)
    with pytest.raises(NotAllowed, match="Somebody else"):
        review_urgent(review, "justified", "fine", by=allow(desk, "review_urgent"))
    with pytest.raises(NotAllowed, match="found"):
        review_urgent(review, "unjustified", " ", by=supervisor)
    review_urgent(review, "unjustified", "nobody was in danger", by=supervisor)
    assert code(police.user, camera) == "provision_revoked"
    with pytest.raises(NotAllowed, match="already"):
        review_urgent(review, "justified", "changed my mind", by=supervisor)


def test_what_was_justified_goes_on(desk, supervisor, police, camera):
    provision = break_glass(wish(police.agency, camera), by=desk)
    review_urgent(provision.urgent_review, "justified", "a man in the water", by=supervisor)
    assert code(police.user, camera) == ""


# --- on request -----------------------------------------------------------------------


def asked(police, **details):
    return {
        "place": "bank",
        "kinds": ["recorded"],
        "recorded_from": hours(-30),
        "recorded_until": hours(-29),
        "legal_ground": "investigation",
        "document_number": "수사-1",
        "purpose": "bank robbery",
        **details,
    }


def test_of_a_closed_incident_its_document_says_which_time_but_none_to_come(police, desk, supervisor, camera, incident):
    advance(incident, "close", by=desk)
    times = {"recorded_from": hours(-1), "recorded_until": hours(1)}
    request = requests.ask(police.agency, by=police.user, **asked(police, incident=incident, **times))
    requests.approve(request, by=supervisor)
    provision = requests.provide(request, [camera.pk], by=desk)
    assert incident.closed_at < provision.recorded_until == provision.starts_at


def test_asked_approved_provided(police, desk, supervisor, camera):
    request = requests.ask(police.agency, by=police.user, **asked(police))
    assert request.due_at - request.asked_at <= timedelta(hours=24, seconds=1)
    with pytest.raises(NotAllowed):
        requests.provide(request, [camera.pk], by=desk)  # not approved yet
    requests.approve(request, by=supervisor)
    provision = requests.provide(request, [camera.pk], by=desk)
    request.refresh_from_db()
    assert (request.state, request.decided_by, request.provision) == ("provided", supervisor, provision)
    assert (provision.legal_ground, provision.document_number) == ("investigation", "수사-1")
    window = (request.recorded_from, request.recorded_until)
    assert code(police.user, camera, "recorded", window=window) == ""
    assert code(police.user, camera, "recorded", window=(hours(-31), hours(-29.5))) == "outside_window"
    assert code(police.user, camera) == "kind_not_provided"
    with pytest.raises(NotAllowed, match="changed"):
        requests.provide(request, [camera.pk], by=desk)


def test_denied_with_a_reason_and_a_line(police, supervisor, desk, camera):
    request = requests.ask(police.agency, by=police.user, **asked(police))
    with pytest.raises(NotAllowed, match="why"):
        requests.deny(request, by=supervisor, reason="")
    requests.deny(request, by=supervisor, reason="no warrant")
    assert LedgerEntry.objects.get().code == "request_denied"
    with pytest.raises(NotAllowed):
        requests.provide(request, [camera.pk], by=desk)
    with pytest.raises(NotAllowed):
        requests.approve(request, by=supervisor)


def test_who_may_ask_decide_and_withdraw(police, fire, desk, supervisor):
    with pytest.raises(NotAllowed, match="own agency"):
        requests.ask(police.agency, by=fire.user, **asked(police))
    request = requests.ask(police.agency, by=police.user, **asked(police))
    for person in (desk, allow(police.user, "decide_request")):
        with pytest.raises(NotAllowed, match="right"):
            requests.approve(request, by=person)
    with pytest.raises(NotAllowed, match="withdraws"):
        requests.withdraw(request, by=fire.user)
    requests.withdraw(request, by=police.user)
    with pytest.raises(NotAllowed):
        requests.approve(request, by=supervisor)


def test_a_field_officer_asks_in_nobodys_name(police):
    officer = make_user("officer", police.agency, Role.OFFICER)
    with pytest.raises(NotAllowed):
        requests.ask(police.agency, by=officer, **asked(police))
    request = requests.ask(police.agency, by=police.user, **asked(police))
    with pytest.raises(NotAllowed):
        requests.withdraw(request, by=officer)


def test_nobody_asks_about_an_incident_they_may_not_know(police, fire, incident):
    with pytest.raises(NotAllowed, match="incident"):
        requests.ask(fire.agency, by=fire.user, incident=incident, **asked(fire))


# --- changed --------------------------------------------------------------------------


def test_extended_within_the_agreement(police, desk, camera, incident):
    provision = incident.provisions.get()
    Provision.objects.update(ends_at=hours(1))
    extend(provision, hours(3), by=desk, reason="still searching")
    line = LedgerEntry.objects.order_by("-number").first()
    assert line.period_until > hours(2.9) and "still searching" in line.purpose
    with pytest.raises(NotAllowed, match="later"):
        extend(provision, hours(2), by=desk, reason="x")
    with pytest.raises(NotAllowed, match="at most"):
        extend(provision, hours(24 * 9), by=desk, reason="x")
    with pytest.raises(NotAllowed, match="right"):
        extend(provision, hours(4), by=police.user, reason="x")
    Provision.objects.update(ends_at=timezone.now())
    with pytest.raises(NotAllowed, match="not in force"):
        extend(provision, hours(4), by=desk, reason="x")


def test_break_glass_is_not_extended_past_its_limit(police, desk, camera):
    provision = break_glass(wish(police.agency, camera), by=desk)
    extend(provision, hours(3.9), by=desk, reason="still in the water")
    with pytest.raises(NotAllowed, match="at most"):
        extend(provision, hours(5), by=desk, reason="x")


def test_narrowed_by_camera_kind_and_time(police, desk, camera, incident):
    second = make_camera(camera.owner)
    provision = provide(wish(police.agency, camera, second, kinds=["live", "still"], incident=incident), by=desk)
    revoke(
        incident.provisions.exclude(pk=provision.pk).get(), by=allow(desk, "revoke_provision"), reason="one is enough"
    )
    narrow(provision, by=desk, reason="shows a school", cameras=[second.pk])
    assert (code(police.user, second), code(police.user, camera)) == ("camera_withdrawn", "")
    narrow(provision, by=desk, reason="live is enough", kinds=["still"])
    assert code(police.user, camera, "still") == "kind_not_provided"
    narrow(provision, by=desk, reason="soon over", until=hours(0.1))
    provision.refresh_from_db()
    assert provision.ends_at < hours(0.2)
    for nothing_left in ({"cameras": [camera.pk]}, {"kinds": ["live"]}, {}, {"until": hours(5)}, {"until": hours(-1)}):
        with pytest.raises(NotAllowed):
            narrow(provision, by=desk, reason="x", **nothing_left)
    assert LedgerEntry.objects.filter(provision=provision).count() == 4


# --- answered for ------------------------------------------------------------------------


def test_the_agency_tells_what_came_of_it(police, fire, incident):
    provision = incident.provisions.get()
    with pytest.raises(NotAllowed, match="Only the agency"):
        report_result(provision, "helped", by=fire.user)
    with pytest.raises(ValueError):
        report_result(provision, "no such outcome", by=police.user)
    report_result(provision, "helped", "seen on the second camera", by=police.user)
    report_result(provision, "arrest", "arrested an hour later", by=police.user)
    provision.refresh_from_db()
    assert provision.result.outcome == "arrest"
    assert Entry.objects.filter(verb="provision.result").count() == 2


def test_too_many_unreported_results_hold_clips_back_until_answered(police, incident, settings, desk):
    settings.UNREPORTED_RESULTS_LIMIT = 0
    assert may_have_clips(police.agency).is_open  # not over yet
    advance(incident, "close", by=desk)
    assert may_have_clips(police.agency).is_open  # over, and there is a week to answer
    Incident.objects.update(closed_at=timezone.now() - timedelta(days=8))
    assert may_have_clips(police.agency).code == "results_overdue"
    settings.UNREPORTED_RESULTS_LIMIT = 1
    assert may_have_clips(police.agency).is_open  # the limit itself is allowed
    settings.UNREPORTED_RESULTS_LIMIT = 0
    report_result(incident.provisions.get(), "no_help", by=police.user)
    assert may_have_clips(police.agency).is_open


def test_exercises_owe_no_result(police, incident):
    Incident.objects.update(is_exercise=True, state="closed", closed_at=timezone.now() - timedelta(days=8))
    assert not owed_results(police.agency).exists()


# --- kept back by the owner -----------------------------------------------------------------


@pytest.fixture
def keeper(owner, centre):
    return make_user("keeper", owner, Role.OWNER)


def test_a_camera_kept_back_vanishes_for_everybody_but_its_owner(police, operator, keeper, camera, incident):
    other = make_camera(camera.owner)
    owners.keep_back(camera, by=keeper, reason="inside a school")
    assert code(police.user, camera) == "camera_withdrawn"
    assert code(operator, camera) == "no_provision"
    for person in (police.user, operator):
        assert camera not in visible_cameras(Principal.of(person))
    assert code(keeper, camera) == "" and camera in own_cameras(Principal.of(keeper))
    assert camera not in [one.camera for one in cameras_for(police.mou, checked())]
    assert [one.camera for one in cameras_for(police.mou, checked())] == [other]
    again = receive(police.agency, checked(), by=police.user)
    assert camera.pk not in [row.camera_id for _provision, rows in again.provisions for row in rows]


def test_shared_again_it_is_chosen_again_but_not_given_back(police, operator, keeper, camera, incident):
    owners.keep_back(camera, by=keeper, reason="undercover")
    owners.share_again(camera, by=keeper)
    assert code(operator, camera) == ""
    assert code(police.user, camera) == "camera_withdrawn"
    assert camera in [one.camera for one in cameras_for(police.mou, checked())]


def test_only_the_owner_keeps_back_and_says_why(police, operator, supervisor, keeper, camera, owner):
    colleague = make_user("colleague", owner, Role.LIAISON)
    stranger = make_user("stranger", make_agency("other", "district"), Role.OWNER)
    for person in (police.user, operator, supervisor, colleague, stranger):
        with pytest.raises(NotAllowed, match="owner"):
            owners.keep_back(camera, by=person, reason="undercover")
    with pytest.raises(NotAllowed, match="why"):
        owners.keep_back(camera, by=keeper, reason=" ")
    assert visible_cameras(Principal.of(operator)).filter(pk=camera.pk).exists()


def test_the_event_does_not_name_the_camera(keeper, camera, police, incident):
    owners.keep_back(camera, by=keeper, reason="undercover")
    event = Event.objects.get(kind="camera.sharing")
    assert (event.object_id, event.detail, event.incident) == (0, {}, None)
    assert set(event.agencies) == {police.agency.pk, camera.owner_id}
