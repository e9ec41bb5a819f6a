import pytest
from django.db import IntegrityError, transaction

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.actions import MOU_TRANSITIONS, NotAllowed, advance_mou, revoke
from apps.mous.models import LedgerEntry, Mou
from tests.cast import allow, make_agency, make_mou, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def signer(db):
    return allow(make_user("signer"), "sign_mou", "suspend_mou")


@pytest.mark.parametrize("state", Mou.State.values)
@pytest.mark.parametrize("verb", MOU_TRANSITIONS)
def test_the_table_of_states(verb, state, signer):
    sources, after, _permission = MOU_TRANSITIONS[verb]
    mou = make_mou(make_agency("police"), state=state)
    if state in sources:
        assert advance_mou(mou, verb, by=signer).state == after
        assert Entry.objects.get().verb == f"mou.{verb}"
    else:
        with pytest.raises(NotAllowed):
            advance_mou(mou, verb, by=signer)
        assert Mou.objects.get().state == state


def test_the_writer_does_not_sign(signer):
    mou = make_mou(make_agency("police"), state="draft", drafted_by=signer)
    with pytest.raises(NotAllowed, match="another person"):
        advance_mou(mou, "sign", by=signer)


def test_signing_needs_the_right(police):
    with pytest.raises(NotAllowed, match="right"):
        advance_mou(make_mou(make_agency("other"), state="draft"), "sign", by=police.user)


def test_the_database_holds_the_same_rules(signer):
    mou = make_mou(make_agency("police"), state="draft", drafted_by=signer)
    for changes in (
        {"state": "signed"},
        {"signed_by": signer, "signed_at": mou.starts_at},
        {"ends_at": mou.starts_at},
        {"outer_radius_m": 10},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Mou.objects.filter(pk=mou.pk).update(**changes)


def test_revoking_needs_a_right_and_a_reason_and_happens_once(police, camera):
    incident = receive(police.agency, checked(), by=police.user).incident
    provision = incident.provisions.get()
    with pytest.raises(NotAllowed):
        revoke(provision, by=police.user, reason="because")
    supervisor = allow(make_user("boss"), "revoke_provision")
    with pytest.raises(NotAllowed):
        revoke(provision, by=supervisor, reason="  ")
    revoke(provision, by=supervisor, reason="wrong place")
    with pytest.raises(NotAllowed, match="already"):
        revoke(provision, by=supervisor, reason="wrong place")
    assert incident.events.filter(kind="provision.revoked").count() == 1


def test_the_register_has_the_laws_columns(police, camera):
    incident = receive(police.agency, checked(), by=police.user).incident
    line = LedgerEntry.objects.get()
    assert line.kind == LedgerEntry.Kind.PROVIDE
    assert line.third_party == police.agency.name_ko
    assert line.ground == "urgent"
    assert line.purpose == police.mou.purpose
    assert line.cameras == [camera.number]
    assert line.incident_number == incident.number
    assert line.period_from == incident.received_at
    assert line.period_until > line.period_from
