"""What nobody does in a day's work: told at once, once, to those who review what is urgent."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import update_last_login
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from apps.agencies.models import User
from apps.agencies.sign_ins import failed
from apps.audit.actions import record, source_address
from apps.audit.models import Entry
from apps.audit.refusals import record_repeats
from apps.incidents.models import Event
from apps.linked_services import api
from apps.viewing import unusual
from apps.viewing.models import ViewLog
from apps.viewing.tasks import look_for_the_unusual
from tests.cast import make_call
from tests.linked_services.test_intake import within_one_minute

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def few(settings):
    settings.UNUSUAL_VIEWS = settings.UNUSUAL_REFUSALS = 3


def seen(camera, times: int, at=None, **who) -> None:
    facts = {"door": "live", "camera": camera, "reason": "x", "opened_at": at or timezone.now(), **who}
    ViewLog.objects.bulk_create([ViewLog(**facts) for _n in range(times)])


def told() -> list[tuple[str, str]]:
    return [(entry.verb, entry.detail["who"]) for entry in unusual.lately().order_by("pk")]


def test_many_pictures_of_one_party_are_told_once_and_few_are_not(camera, operator, police, fire):
    seen(camera, 4, user=operator)
    seen(camera, 4, key=police.key)
    seen(camera, 3, user=fire.user)
    seen(camera, 9, user=fire.user, at=timezone.now() - timedelta(minutes=11))
    look_for_the_unusual()
    look_for_the_unusual()
    assert sorted(told()) == [("unusual.views", "operator (operator)"), ("unusual.views", "police – 112")]
    assert Event.objects.filter(kind="unusual.views", agencies=[]).count() == 2


def test_it_is_told_again_after_an_hour(camera, operator, monkeypatch):
    seen(camera, 4, user=operator)
    assert unusual.look() == 1
    monkeypatch.setattr(unusual, "TOLD_FOR", timedelta(0))
    assert unusual.look() == 1


def test_refusals_and_failed_sign_ins(camera, police):
    address = source_address.set("192.0.2.7")
    for _n in range(4):
        record("view.refused", actor=police.user, camera=camera.pk, door="live", code="no_provision")
        failed(None, {"username": "somebody"})
    source_address.reset(address)
    unusual.look()
    assert sorted(told()) == [("unusual.refusals", "police"), ("unusual.sign_ins", "192.0.2.7")]


def test_keys_tried_out_from_one_address_are_told_whatever_stands_in_one_entry(client):
    for _n in range(4):
        client.get("/api/v1/incident-types/", headers={"authorization": "Bearer guess"}, REMOTE_ADDR="192.0.2.8")
    assert unusual.look() == 0
    record_repeats()
    unusual.look()
    assert told() == [("unusual.sign_ins", "192.0.2.8")]


def test_a_key_that_sends_more_than_it_may_is_told_at_once(client, police, monkeypatch):
    monkeypatch.setattr(api.IntakeThrottle, "rate", 2)
    within_one_minute(monkeypatch)
    key = {"authorization": f"Bearer {police.token}"}
    sent = [
        client.post("/api/v1/incidents/", make_call(), content_type="application/json", headers=key) for _n in range(5)
    ]
    assert [answer.status_code for answer in sent].count(429) >= 2
    assert told() == [("unusual.calls", "police – 112")]


def test_who_gives_every_right_at_the_machine_does_not_do_so_in_secret(monkeypatch, operator):
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", "a long one of the test")
    call_command("createsuperuser", "--noinput", "--username=root", "--email=", verbosity=0)
    root = User.objects.get(username="root")
    operator.is_superuser = True
    operator.save()
    for person in (root, operator):
        person.save(update_fields=["last_login"])
        update_last_login(None, person)
    line, other = Entry.objects.filter(verb="person.given_every_right").order_by("pk")
    assert (line.target, line.actor_name, other.detail["name"]) == (f"agencies.user:{root.pk}", "system", "operator")
    assert unusual.look() == 2 and unusual.look() == 0
    assert told() == [("unusual.rights", "root"), ("unusual.rights", "operator")]


def test_supervisors_see_it_on_their_desks_and_operators_do_not(supervisor, operator, camera):
    seen(camera, 4, user=operator)
    unusual.look()
    (entry,) = Entry.objects.filter(verb="unusual.views")
    pages = []
    for person in (supervisor, operator):
        desk = Client(headers={"accept-language": "en"})
        desk.force_login(person)
        pages.append(desk.get("/console/queue/").content.decode())
    assert f'data-break-glass="unusual-{entry.pk}"' in pages[0]
    assert "operator (operator) opened 4 pictures in ten minutes." in pages[0]
    assert "unusual" not in pages[1]
    for noun in ("unusual", "provision", "urgent"):
        assert f"{noun}:changed from:body, " in desk.get("/console/").content.decode(), "the queue is drawn anew for it"


def test_and_get_it_by_mail(supervisor, operator, camera, mailoutbox, django_capture_on_commit_callbacks):
    supervisor.email = "duty@example.org"
    supervisor.save()
    seen(camera, 4, user=operator)
    with django_capture_on_commit_callbacks(execute=True):
        unusual.look()
    assert [mail.to for mail in mailoutbox] == [["duty@example.org"]]
    assert "operator (operator)" in mailoutbox[0].body
