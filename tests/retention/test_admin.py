"""Holds and certificates in the administration, and the certificate as a page for the agency it concerns."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import Entry
from apps.retention import tasks
from apps.retention.models import Certificate, DiskWatch, EarlyPurge, Hold
from tests.cast import Role, allow, make_user
from tests.retention.conftest import NOW

pytestmark = pytest.mark.django_db


def staff(name: str, centre, *codenames: str) -> Client:
    user = allow(make_user(name, centre, Role.SUPERVISOR, is_staff=True), *codenames)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def placer(centre):
    return staff("placer", centre, "place_hold", "view_hold", "view_camera")


@pytest.fixture
def keeper(centre):
    return staff("keeper", centre, "extend_hold", "release_hold", "view_hold", "view_certificate")


@pytest.fixture
def reader(centre):
    return staff("reader", centre, "view_hold")


def at(name: str, when) -> dict:
    local = timezone.localtime(when)
    return {f"{name}_0": f"{local:%Y-%m-%d}", f"{name}_1": f"{local:%H:%M:%S}"}


def form(camera, agency, **changes) -> dict:
    times = {
        "period_from": NOW - timedelta(minutes=5),
        "period_until": NOW,
        "ends_at": timezone.now() + timedelta(days=90),
        "review_at": timezone.now() + timedelta(days=30),
        **{name: changes.pop(name) for name in list(changes) if name in ("period_until", "ends_at", "review_at")},
    }
    return {
        "cameras": [camera.pk],
        "reason": "robbery at the bank",
        "legal_ground": "investigation",
        "document_number": "2026-1234",
        "incident_number": "",
        "agency": agency.pk,
        "owner": "Inspector Kim",
        **{key: value for name, when in times.items() for key, value in at(name, when).items()},
        **changes,
    }


def page(hold: Hold) -> str:
    return reverse("admin:retention_hold_change", args=[hold.pk])


def step(hold: Hold, verb: str) -> str:
    return reverse("admin:hold_step", args=[hold.pk, verb])


def test_a_hold_is_placed_and_takes_its_copies(placer, camera, police, hour, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = placer.post(reverse("admin:retention_hold_add"), form(camera, police.agency))
    assert answer.status_code == 302
    placed = Hold.objects.get()
    assert (placed.created_by.username, placed.held.count()) == ("placer", 5)
    assert Entry.objects.get(verb="hold.placed").actor == placed.created_by
    shown = placer.get(page(placed)).content.decode()
    assert camera.number in shown and "robbery at the bank" in shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"period_until": NOW - timedelta(days=1)}, "Must be later than the beginning."),
        ({"ends_at": NOW - timedelta(days=400)}, "A hold must end in the future."),
        ({"review_at": NOW + timedelta(days=4000)}, "Must not be later than the end of the hold."),
        ({"reason": ""}, "This field is required."),
        ({"cameras": []}, "This field is required."),
    ],
)
def test_nonsense_is_refused_in_words(placer, camera, police, changes, said):
    answer = placer.post(reverse("admin:retention_hold_add"), form(camera, police.agency, **changes))
    assert answer.status_code == 200 and said in answer.content.decode()
    assert not Hold.objects.exists()


def test_who_may_only_look_places_nothing_and_has_no_buttons(reader, camera, police, hold, hour):
    assert reader.post(reverse("admin:retention_hold_add"), form(camera, police.agency)).status_code == 403
    placed = hold(camera)
    shown = reader.get(page(placed)).content.decode()
    assert "hold_step" not in shown and "/step/" not in shown
    reader.post(step(placed, "release"), {"reason": "I want to"})
    assert Hold.objects.in_force().count() == 1


def test_a_placed_hold_is_not_edited(keeper, camera, police, hold):
    placed = hold(camera)
    assert keeper.post(page(placed), form(camera, police.agency, owner="somebody else")).status_code == 403
    placed.refresh_from_db()
    assert placed.owner == "Inspector Kim"


def test_it_is_reviewed_and_made_longer(keeper, camera, hold):
    placed = hold(camera)
    later = (timezone.now() + timedelta(days=200)).replace(microsecond=0)
    given = {**at("ends_at", later), **at("review_at", later), "reason": "trial in May"}
    said = keeper.post(step(placed, "review"), given, follow=True).content.decode()
    assert "still needed" in said
    placed.refresh_from_db()
    assert placed.ends_at == placed.review_at == later


def test_a_release_needs_a_reason_and_leads_to_a_certificate(keeper, camera, hold, hour):
    placed = hold(camera)
    assert "required" in keeper.post(step(placed, "release"), {"reason": ""}, follow=True).content.decode()
    assert Hold.objects.in_force().exists()
    keeper.post(step(placed, "release"), {"reason": "case dropped"})
    tasks.keep_holds()
    shown = keeper.get(page(placed)).content.decode()
    certificate = Certificate.objects.get()
    assert reverse("certificate", args=[certificate.pk]) in shown and "None any more." in shown
    assert "/step/" not in shown


@pytest.mark.parametrize(("verb", "method"), [("review", "get"), ("nonsense", "post"), ("release", "get")])
def test_there_are_no_other_steps(keeper, camera, hold, verb, method):
    assert getattr(keeper, method)(step(hold(camera), verb)).status_code == 404


def test_the_list_shows_what_is_due(keeper, camera, hold, django_assert_max_num_queries):
    hold(camera)
    Hold.objects.update(review_at=timezone.now() - timedelta(days=1))
    for _ in range(4):
        hold(camera)
    with django_assert_max_num_queries(16):
        shown = keeper.get(reverse("admin:retention_hold_changelist")).content.decode()
    assert shown.count("<strong>") == 1 and "In force" in shown


def test_the_shortage_is_listed(centre, camera):
    client = staff("watcher", centre, "view_earlypurge", "view_diskwatch")
    camera.retention_days = 30
    camera.save()
    EarlyPurge.objects.create(camera=camera, until=timezone.now() - timedelta(days=12, hours=1), at=timezone.now())
    DiskWatch.objects.create(root="/video", level="critical")
    assert "12 of 30" in client.get(reverse("admin:retention_earlypurge_changelist")).content.decode()
    assert "critical" in client.get(reverse("admin:retention_diskwatch_changelist")).content.decode()


class TestTheCertificate:
    @pytest.fixture
    def certificate(self, hold, camera, hour):
        Hold.objects.filter(pk=hold(camera).pk).update(
            ends_at=timezone.now() - timedelta(hours=1), review_at=timezone.now() - timedelta(hours=2)
        )
        tasks.keep_holds()
        return Certificate.objects.get()

    def seen_by(self, user, certificate) -> tuple[int, str]:
        client = Client(headers={"accept-language": "en"})
        client.force_login(user)
        answer = client.get(reverse("certificate", args=[certificate.pk]))
        return answer.status_code, answer.content.decode()

    def test_says_what_the_law_asks_for(self, certificate, police, camera):
        status, text = self.seen_by(police.user, certificate)
        assert status == 200
        for fact in (certificate.number, certificate.sha256, camera.number, "2026-1234", "Inspector Kim", "Article 21"):
            assert fact in text
        assert "paper.css" in text and "style=" not in text

    def test_is_listed_with_its_page(self, keeper, certificate):
        shown = keeper.get(reverse("admin:retention_certificate_changelist")).content.decode()
        assert reverse("certificate", args=[certificate.pk]) in shown

    def test_another_agency_and_the_curious_see_none(self, certificate, fire, operator):
        assert self.seen_by(fire.user, certificate)[0] == 404
        assert self.seen_by(operator, certificate)[0] == 404

    def test_nobody_sees_it_without_signing_in(self, certificate, client):
        assert client.get(reverse("certificate", args=[certificate.pk])).status_code == 302


class TestTheDesk:
    def desk(self, client) -> str:
        return client.get(reverse("queue"), headers={"accept-language": "en"}).content.decode()

    @pytest.mark.parametrize(
        ("level", "is_making_room", "said"),
        [
            ("normal", False, ""),
            ("caution", False, "Room for recordings is running out"),
            ("critical", True, "the oldest recordings go before their time"),
        ],
    )
    def test_the_operator_is_told_of_the_disk(self, client, operator, level, is_making_room, said):
        DiskWatch.objects.create(root="/video", level=level, is_making_room=is_making_room)
        client.force_login(operator)
        assert (said or "No open calls.") in self.desk(client)
        assert ("urgent-line" in self.desk(client)) == bool(said)

    def test_who_may_extend_holds_is_told_which_are_to_be_reviewed(self, client, operator, custodian, camera, hold):
        placed = hold(camera)
        Hold.objects.update(review_at=timezone.now() - timedelta(days=1))
        client.force_login(custodian)
        assert placed.number in self.desk(client)
        client.force_login(operator)
        assert placed.number not in self.desk(client)
