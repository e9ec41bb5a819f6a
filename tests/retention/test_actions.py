import os
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.models import LedgerEntry
from apps.retention import actions, tasks
from apps.retention.certificates import confirmation_of, facts_of
from apps.retention.models import Certificate
from apps.video import actions as video
from apps.video.models import Clip
from apps.viewing.actions import confirm_destruction
from apps.viewing.models import ProvidedCopy
from tests.killing import killed_at
from tests.linked_services.calls import checked
from tests.video.conftest import roots  # noqa: F401

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def provide(incident, police, camera, roots):  # noqa: F811
    """Provide a copy to the police, to be destroyed by the given time."""

    def provide(destroy_by, *, made: bool = True) -> ProvidedCopy:
        now = timezone.now()
        clip = Clip.objects.create(camera=camera, starts_at=now - timedelta(minutes=2), ends_at=now)
        if made:
            file = roots.CLIP_ROOT / f"{clip.pk}.mp4"
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(b"film")
            clip.state, clip.path, clip.bytes, clip.sha256 = "ready", file.name, 4, "a" * 64
            clip.save()
        return ProvidedCopy.objects.create(
            provision=incident.provisions.first(),
            clip=clip,
            agency=police.agency,
            ledger_number=7,
            requested_by="police",
            destroy_by=destroy_by,
        )

    return provide


@pytest.fixture
def due(provide):
    return provide(timezone.now() - timedelta(seconds=1))


def test_a_due_copy_is_destroyed_and_certified(due, police, camera):
    file = due.clip.file
    tasks.destroy_due_copies()
    due.refresh_from_db()
    assert not file.exists()
    assert due.destroyed_at is not None and due.clip.state == Clip.State.DESTROYED
    certificate = due.certificate
    assert certificate.number == f"D{due.destroyed_at:%Y}-{certificate.pk:06d}"
    assert (certificate.camera, certificate.sha256) == (camera, "a" * 64)
    assert certificate.destroyed_at == due.destroyed_at
    line = LedgerEntry.objects.get(kind=LedgerEntry.Kind.DESTROY)
    assert (line.agency, line.cameras) == (police.agency, [camera.number])
    assert Entry.objects.get(verb="copy.destroyed").detail["certificate"] == certificate.number


def test_the_last_day_is_not_overstepped(provide):
    copy = provide(timezone.now() + timedelta(minutes=59))
    tasks.destroy_due_copies()
    copy.refresh_from_db()
    assert copy.destroyed_at < copy.destroy_by


@pytest.mark.parametrize("destroy_by", [None, timedelta(minutes=61)])
def test_a_copy_that_is_not_due_stays(provide, destroy_by):
    copy = provide(destroy_by and timezone.now() + destroy_by)
    tasks.destroy_due_copies()
    copy.refresh_from_db()
    assert copy.destroyed_at is None and copy.clip.file.exists()
    assert not Certificate.objects.exists()


def test_a_second_run_certifies_nothing_twice(due):
    tasks.destroy_due_copies()
    tasks.destroy_due_copies()
    actions.destroy_copy(due, by=None)
    assert Certificate.objects.count() == 1


def test_a_copy_without_a_file_needs_no_certificate(provide):
    copy = provide(timezone.now(), made=False)
    assert actions.destroy_copy(copy, by=None) is None
    copy.refresh_from_db()
    assert copy.destroyed_at is not None


def test_who_destroyed_it_by_hand_is_named(due, operator):
    assert actions.destroy_copy(due, by=operator).by == str(operator)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_at_any_step_the_next_run_finishes(due):
    """From the first step on nobody is given the file; it is certified when it is gone, once."""
    file = due.clip.file
    for place, name, gone in (
        (actions, "destroy_clip", False),
        (os, "unlink", False),
        (video, "sync_directory", True),
        (actions, "_certify", True),
        (actions, "record", True),
    ):
        killed_at(tasks.destroy_due_copies, place, name)
        due.refresh_from_db()
        assert (file.exists(), due.destroyed_at) == (not gone, None)
        assert due.clip.path == ("" if gone and place is actions else file.name)
        assert due.clip.state == (Clip.State.READY if name == "destroy_clip" else Clip.State.DESTROYED)
        assert not Certificate.objects.exists()
    tasks.destroy_due_copies()
    assert Certificate.objects.get().copy == due
    assert LedgerEntry.objects.filter(kind="destroy").count() == 1
    assert Entry.objects.filter(verb="copy.destroyed").count() == 1


def test_one_stubborn_copy_stops_nobody_and_is_told(provide):
    stubborn, other = provide(timezone.now()), provide(timezone.now())
    stubborn.clip.file.unlink()
    stubborn.clip.file.mkdir()
    with pytest.raises(tasks.Incomplete):
        tasks.destroy_due_copies()
    other.refresh_from_db()
    stubborn.refresh_from_db()
    assert (other.destroyed_at is None, stubborn.destroyed_at is None) == (False, True)


@pytest.mark.parametrize("change", [lambda c: c.update(by="nobody"), lambda c: c.delete()])
def test_a_certificate_cannot_be_changed(due, change):
    actions.destroy_copy(due, by=None)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        change(Certificate.objects.all())


@pytest.fixture
def desk(police):
    client = Client(headers={"accept-language": "en"})
    client.force_login(police.user)
    return client


@pytest.mark.skipif(not (settings.NODE_MODULES / "pretendard").is_dir(), reason="npm packages are not installed")
def test_certificate_and_confirmation_are_printed_for_the_agency_concerned(due, desk, police, fire):
    tasks.destroy_due_copies()
    ProvidedCopy.objects.update(taken_at=timezone.now())
    confirm_destruction(due, by=police.user)
    papers = (f"/certificates/{due.certificate.pk}.pdf", f"/certificates/copies/{due.pk}.pdf")
    for address in papers:
        paper = desk.get(address)
        assert (paper.status_code, paper["Content-Type"]) == (200, "application/pdf")
        assert paper.content.startswith(b"%PDF") and "no-store" in paper["Cache-Control"]
    stranger = Client()
    stranger.force_login(fire.user)
    assert [stranger.get(address).status_code for address in papers] == [404, 404]
    answers = desk.get("/agency/results/").content.decode()
    assert all(address in answers for address in papers)


def test_what_is_not_confirmed_is_not_printed(due, desk):
    assert desk.get(f"/certificates/copies/{due.pk}.pdf").status_code == 404


def test_the_form_names_the_recipient_and_the_law(due, police):
    tasks.destroy_due_copies()
    ProvidedCopy.objects.filter(pk=due.pk).update(taken_at=timezone.now(), requested_by="경위 박지우")
    confirm_destruction(due, by=police.user)
    copy = ProvidedCopy.objects.get(pk=due.pk)
    told = dict(confirmation_of(copy).facts)
    assert told["Provided to"] == f"{police.agency.name}\n경위 박지우"
    assert told["Confirmed by"].endswith(str(police.user))
    assert "Articles 19 and 21" in confirmation_of(copy).statement
    assert confirmation_of(copy).signer == police.agency.name
    assert dict(facts_of(copy.certificate))["Fingerprint (SHA-256)"] == "a" * 64
