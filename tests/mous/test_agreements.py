"""Agreements through their life: two signatures, one from each party; hold-outs; versions; their end."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.agencies.actions import enrol
from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.incidents.models import Event
from apps.linked_services.actions import receive
from apps.mous import agreements
from apps.mous.actions import NotAllowed
from apps.mous.gate import decide
from apps.mous.models import Agreement, Integration, LedgerEntry, Mou, Provision
from tests.cast import Role, allow, make_agency, make_camera, make_mou, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db
S = Agreement.State


@pytest.fixture
def draft(police):
    """A draft of what would take the place of nothing: another document with the same agency."""
    return make_mou(police.agency, state=S.DRAFT)


@pytest.fixture
def reviewed(draft, supervisor):
    return agreements.advance(draft, "review", by=supervisor)


def signed(agreement, supervisor, police):
    agreements.advance(agreement, "review", by=supervisor)
    agreements.consent(agreement, by=supervisor)
    return agreements.consent(agreement, by=police.user)


@pytest.mark.parametrize("state", S.values)
@pytest.mark.parametrize("verb", agreements.TRANSITIONS)
def test_the_table_of_states(verb, state, supervisor):
    sources, after, _permission = agreements.TRANSITIONS[verb]
    mou = make_mou(make_agency("elsewhere"), state=state)
    if state in sources:
        assert agreements.advance(mou, verb, by=supervisor).state == after
        assert Entry.objects.filter(verb=f"mou.{verb}").count() == 1
        assert Event.objects.get(kind=f"mou.{verb}").agencies == [mou.agency_id]
    else:
        with pytest.raises(NotAllowed, match="step"):
            agreements.advance(mou, verb, by=supervisor)
        mou.refresh_from_db()
        assert mou.state == state


@pytest.mark.parametrize("verb", agreements.TRANSITIONS)
def test_every_step_needs_the_right(verb, operator):
    sources, _after, _permission = agreements.TRANSITIONS[verb]
    mou = make_mou(make_agency("elsewhere"), state=next(iter(sources)))
    with pytest.raises(NotAllowed, match="right"):
        agreements.advance(mou, verb, by=operator)


def test_one_signature_is_none(reviewed, supervisor):
    agreements.consent(reviewed, by=supervisor)
    reviewed.refresh_from_db()
    assert (reviewed.state, reviewed.signed_by) == (S.REVIEWED, None)


def test_two_signatures_of_one_party_are_none(reviewed, supervisor, centre):
    agreements.consent(reviewed, by=supervisor)
    agreements.consent(reviewed, by=allow(make_user("second", centre, Role.SUPERVISOR), "sign_mou"))
    reviewed.refresh_from_db()
    assert reviewed.state == S.REVIEWED


@pytest.mark.parametrize("first", ["centre", "agency"])
def test_one_of_each_party_signs_in_either_order(first, reviewed, supervisor, police):
    people = [supervisor, police.user] if first == "centre" else [police.user, supervisor]
    for person in people:
        mou = agreements.consent(reviewed, by=person)
    assert mou.state == S.SIGNED and not mou.why_not_in_force(timezone.now())
    assert (mou.signed_by, mou.countersigned_by) == (supervisor, police.user)
    assert {(word.party, word.person) for word in mou.consents.all()} == {
        ("centre", supervisor),
        ("other", police.user),
    }


def test_one_hold_out_blocks_until_that_person_consents(reviewed, supervisor, police):
    other = make_user("chief", police.agency, Role.ADMINISTRATOR)
    agreements.hold_out(reviewed, by=other, reason="The area is too wide.")
    agreements.consent(reviewed, by=supervisor)
    assert agreements.consent(reviewed, by=police.user).state == S.REVIEWED
    assert agreements.consent(reviewed, by=other).state == S.SIGNED


def test_a_hold_out_says_why(reviewed, police):
    with pytest.raises(NotAllowed, match="why"):
        agreements.hold_out(reviewed, by=police.user, reason="  ")


def test_nobody_signs_for_both_parties(reviewed, supervisor, police):
    enrol(supervisor, police.agency, Role.LIAISON, by=None)
    with pytest.raises(NotAllowed, match="both parties"):
        agreements.consent(reviewed, by=supervisor)


STRANGERS = {
    "of another agency": lambda police, centre: make_user("x", make_agency("other"), Role.LIAISON),
    "an officer of the agency": lambda police, centre: make_user("x", police.agency, Role.OFFICER),
    "of the centre without the right": lambda police, centre: make_user("x", centre, Role.SUPERVISOR),
    "with the right, of no party": lambda police, centre: allow(make_user("x"), "sign_mou"),
    "disabled": lambda police, centre: make_user("x", police.agency, Role.LIAISON, is_active=False),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_who_may_not_sign(who, reviewed, police, centre):
    with pytest.raises(NotAllowed, match="right"):
        agreements.consent(reviewed, by=STRANGERS[who](police, centre))
    assert not reviewed.consents.exists()


@pytest.mark.parametrize("state", [state for state in S.values if state != S.REVIEWED])
def test_only_what_is_reviewed_is_signed(state, police):
    mou = make_mou(police.agency, state=state)
    with pytest.raises(NotAllowed, match="cannot be signed"):
        agreements.consent(mou, by=police.user)


def test_the_writer_neither_reviews_nor_signs(police, supervisor, centre):
    mou = make_mou(police.agency, state=S.DRAFT, drafted_by=supervisor)
    with pytest.raises(NotAllowed, match="another person"):
        agreements.advance(mou, "review", by=supervisor)
    colleague = allow(make_user("colleague", centre, Role.SUPERVISOR), "review_mou", "sign_mou")
    agreements.advance(mou, "review", by=colleague)
    with pytest.raises(NotAllowed, match="another person"):
        agreements.consent(mou, by=supervisor)


def test_sent_back_it_wants_every_consent_again(reviewed, supervisor, police):
    agreements.consent(reviewed, by=police.user)
    agreements.advance(reviewed, "send_back", by=supervisor)
    agreements.advance(reviewed, "review", by=supervisor)
    assert agreements.consent(reviewed, by=supervisor).state == S.REVIEWED


def test_what_is_over_is_not_signed(supervisor, police):
    now = timezone.now()
    mou = make_mou(police.agency, state=S.DRAFT, starts_at=now - timedelta(days=9), ends_at=now - timedelta(seconds=1))
    with pytest.raises(NotAllowed, match="over"):
        signed(mou, supervisor, police)
    mou.refresh_from_db()
    assert mou.state == S.REVIEWED


# --- versions ---------------------------------------------------------------------


@pytest.fixture
def writer(centre):
    return allow(make_user("writer", centre, Role.ADMINISTRATOR), "add_mou", "add_integration")


def test_the_old_version_stays_in_force_until_the_second_the_new_one_is_signed(police, writer, supervisor):
    new = agreements.amend(police.mou, by=writer)
    assert (new.version, new.state, new.supersedes, new.drafted_by) == (2, S.DRAFT, police.mou, writer)
    assert (new.document_number, new.services) == (police.mou.document_number, police.mou.services)
    agreements.advance(new, "review", by=supervisor)
    agreements.consent(new, by=supervisor)
    assert list(Mou.objects.in_force()) == [police.mou]
    new = agreements.consent(new, by=police.user)
    police.mou.refresh_from_db()
    assert list(Mou.objects.in_force()) == [new]
    second = police.mou.superseded_at
    assert second == new.starts_at == new.signed_at
    assert police.mou.why_not_in_force(second) == "mou_superseded"
    assert list(Mou.objects.in_force(second)) == [new]
    assert list(Mou.objects.in_force(second - timedelta(microseconds=1))) == [police.mou]


def test_a_version_that_begins_later_leaves_the_old_one_in_force_till_then(police, writer, supervisor):
    new = agreements.amend(police.mou, by=writer)
    begins = timezone.now() + timedelta(days=30)
    Mou.objects.filter(pk=new.pk).update(starts_at=begins)
    new.refresh_from_db()
    signed(new, supervisor, police)
    assert list(Mou.objects.in_force()) == [police.mou]
    assert list(Mou.objects.in_force(begins)) == [new]


def test_the_database_lets_no_two_versions_be_in_force_at_once(police):
    with pytest.raises(IntegrityError, match="one_version_at_a_time"), transaction.atomic():
        make_mou(police.agency, document_number=police.mou.document_number, version=2)
    make_mou(police.agency, document_number=police.mou.document_number, version=2, state=S.DRAFT)


def test_one_draft_at_a_time(police, writer, draft):
    agreements.amend(police.mou, by=writer)
    with pytest.raises(NotAllowed, match="one draft"):
        agreements.amend(police.mou, by=writer)
    with pytest.raises(NotAllowed, match="follows a signed one"):
        agreements.amend(draft, by=writer)
    with pytest.raises(NotAllowed, match="right"):
        agreements.amend(police.mou, by=police.user)


def amended(police, writer, supervisor, **changes):
    new = agreements.amend(police.mou, by=writer)
    Mou.objects.filter(pk=new.pk).update(**changes)
    new.refresh_from_db()
    return signed(new, supervisor, police)


def test_what_is_open_goes_over_to_the_new_version_as_far_as_it_gives_it(police, camera, writer, supervisor):
    parking = make_camera(camera.owner, purpose="parking")
    incident = receive(police.agency, checked(), by=police.user).incident
    amended(police, writer, supervisor, kinds=["live"], excluded_purposes=["parking"])
    who = Principal.of(police.user)
    assert decide(who, camera.pk).is_open
    assert decide(who, parking.pk).code == "camera_withdrawn"
    assert decide(who, camera.pk, "still").code == "kind_not_provided"
    assert LedgerEntry.objects.filter(incident_number=incident.number).count() == 2


def test_what_the_new_version_does_not_cover_ends(police, camera, writer, supervisor):
    receive(police.agency, checked(), by=police.user)
    amended(police, writer, supervisor, incident_types=["theft"])
    assert decide(Principal.of(police.user), camera.pk).code == "mou_superseded"


# --- owners -------------------------------------------------------------------------


def make_integration(owner, **details) -> Integration:
    now = timezone.now()
    drafter = make_user(f"drafter of {owner.code}")
    period = {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=365)}
    return Integration.objects.create(
        **{"owner": owner, "document_number": owner.code, "purpose": "one centre", "drafted_by": drafter, **period}
        | details
    )


@pytest.fixture
def district(centre, supervisor):
    """An owner outside the centre, with a camera, a keeper and a reviewed agreement."""
    agency = make_agency("new-district", "district")
    agreement = agreements.advance(make_integration(agency), "review", by=supervisor)
    return agency, make_camera(agency), make_user("keeper", agency, Role.OWNER), agreement


def test_an_owner_joins_with_the_second_signature(district, supervisor, operator):
    _agency, camera, keeper, agreement = district
    watcher = Principal.of(operator)
    agreements.consent(agreement, by=supervisor)
    assert decide(watcher, camera.pk).code == "no_provision"
    agreements.consent(agreement, by=keeper)
    assert decide(watcher.again(), camera.pk).is_open
    assert decide(Principal.of(keeper), camera.pk).is_open


ENDS = {
    "suspended": lambda agreement, by: agreements.advance(agreement, "suspend", by=by),
    "revoked": lambda agreement, by: agreements.advance(agreement, "revoke", by=by),
    "expired": lambda agreement, by: Integration.objects.update(ends_at=timezone.now()),
    "superseded": lambda agreement, by: Integration.objects.update(superseded_at=timezone.now()),
}


@pytest.mark.parametrize("how", ENDS)
def test_the_centres_view_ends_with_the_owners_agreement(how, district, supervisor, operator):
    _agency, camera, keeper, agreement = district
    for person in (supervisor, keeper):
        agreement = agreements.consent(agreement, by=person)
    assert decide(Principal.of(operator), camera.pk).is_open
    ENDS[how](agreement, supervisor)
    assert decide(Principal.of(operator), camera.pk).code == "no_provision"
    assert decide(Principal.of(keeper), camera.pk).is_open


def test_the_database_holds_the_same_rules(supervisor):
    mou = make_mou(make_agency("police"), state=S.DRAFT, drafted_by=supervisor)
    for changes in (
        {"state": "signed"},
        {"state": "signed", "signed_by": supervisor, "signed_at": mou.starts_at},
        {"ends_at": mou.starts_at},
        {"outer_radius_m": 10},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Mou.objects.filter(pk=mou.pk).update(**changes)
    with pytest.raises(IntegrityError), transaction.atomic():
        make_mou(make_agency("x"), countersigned_by=make_user("one"), signed_by_id=None)


def test_suspending_closes_everything_it_opened_and_resuming_opens_it_again(police, supervisor, camera):
    receive(police.agency, checked(), by=police.user)
    agreements.advance(police.mou, "suspend", by=supervisor)
    assert decide(Principal.of(police.user), camera.pk).code == "mou_suspended"
    assert not Provision.objects.in_force().exists()
    agreements.advance(police.mou, "resume", by=supervisor)
    assert decide(Principal.of(police.user), camera.pk).is_open
