import pytest

from apps.linked_services.actions import receive
from apps.mous.actions import NotAllowed, revoke
from apps.mous.models import LedgerEntry
from tests.cast import allow, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


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
