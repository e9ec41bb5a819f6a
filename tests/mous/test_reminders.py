"""What is told once, to whom, and what a dead mail server costs."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from apps.audit.models import Entry
from apps.incidents.models import Event, Incident
from apps.linked_services.actions import receive
from apps.mous.actions import Wish, break_glass
from apps.mous.models import Mou, ProvisionRequest, UrgentReview
from apps.mous.reminders import chase, remind_of_endings
from tests.cast import Role, allow, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


def ends_in(**time):
    Mou.objects.update(ends_at=timezone.now() + timedelta(**time))


@pytest.mark.parametrize(
    ("time", "told"), [({"days": 61}, 0), ({"days": 59}, 1), ({"days": 29}, 1), ({"days": 6}, 1), ({"days": -1}, 0)]
)
def test_an_agreement_that_ends_soon_is_spoken_of(time, told, police):
    ends_in(**time)
    assert remind_of_endings() == told
    assert Event.objects.filter(kind="agreement.ending", agencies=[police.agency.pk]).count() == told


def test_each_step_is_told_once(police):
    ends_in(days=59)
    assert [remind_of_endings(), remind_of_endings()] == [1, 0]
    ends_in(days=29)
    assert [remind_of_endings(), remind_of_endings()] == [1, 0]
    ends_in(days=5)
    assert [remind_of_endings(), remind_of_endings()] == [1, 0]


@pytest.mark.parametrize("state", ["draft", "reviewed", "suspended", "revoked"])
def test_what_is_not_in_force_ends_silently(state, police):
    ends_in(days=5)
    Mou.objects.update(state=state)
    assert remind_of_endings() == 0


def test_both_parties_get_mail_and_nobody_else(police, fire, centre, django_capture_on_commit_callbacks):
    for person in (police.user, fire.user):
        person.email = f"{person.username}@example.org"
        person.save()
    make_user("chief", centre, Role.SUPERVISOR, email="chief@example.org")
    make_user("gone", police.agency, Role.LIAISON, email="gone@example.org", is_active=False)
    Mou.objects.filter(pk=police.mou.pk).update(ends_at=timezone.now() + timedelta(days=5))
    with django_capture_on_commit_callbacks(execute=True):
        remind_of_endings()
    (letter,) = mail.outbox
    assert letter.to == ["chief@example.org", "police@example.org"]
    assert police.mou.document_number in letter.body


def test_a_dead_mail_server_does_not_cost_the_reminder(police, settings, caplog, django_capture_on_commit_callbacks):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 9
    police.user.email = "police@example.org"
    police.user.save()
    ends_in(days=5)
    with django_capture_on_commit_callbacks(execute=True):
        assert remind_of_endings() == 1
    assert "reminder not sent" in caplog.text
    assert Event.objects.filter(kind="agreement.ending").exists()


def test_owed_results_are_chased_once_a_day(police, camera, monkeypatch):
    receive(police.agency, checked(), by=police.user)
    assert chase() == 0
    Incident.objects.update(state="closed", closed_at=timezone.now() - timedelta(days=8))
    assert [chase(), chase()] == [1, 0]
    monkeypatch.setattr("apps.mous.reminders.CHASE_EVERY", timedelta(0))
    assert chase() == 1


def test_an_overdue_review_is_escalated_once(police, operator, camera):
    desk = allow(operator, "break_glass")
    until = timezone.now() + timedelta(hours=1)
    break_glass(Wish(police.agency, [camera.pk], ["live"], until, "man overboard"), by=desk)
    assert chase() == 0
    UrgentReview.objects.update(due_at=timezone.now())
    assert [chase(), chase()] == [1, 0]
    assert Entry.objects.filter(verb="urgent.overdue").count() == 1


def test_an_overdue_request_is_chased_once(police):
    now = timezone.now()
    ProvisionRequest.objects.create(
        agency=police.agency,
        asked_by=police.user,
        due_at=now,
        place="bank",
        kinds=["recorded"],
        recorded_from=now - timedelta(hours=1),
        recorded_until=now,
        legal_ground="investigation",
        document_number="1",
        purpose="robbery",
    )
    assert [chase(), chase()] == [1, 0]
