"""Who saw what a camera showed: for its owner, for the centre, and printed for a citizen."""

from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.linked_services.actions import advance, receive
from apps.mous.actions import revoke
from apps.mous.gate import decide
from apps.viewing.actions import log_looking_back, log_view
from apps.viewing.models import ViewLog
from apps.viewing.viewers import report, told, views_of
from tests.cast import Role, allow, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def administrator(centre):
    return allow(make_user("admin", centre, Role.ADMINISTRATOR), "view_viewlog")


def at_desk(user) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


def view(user, camera, *, opened, lasted=None, door="live", period=None):
    """A view of then: its row is written once, so the clock is what it was."""
    principal = Principal.of(user)
    decision = decide(principal, camera.pk)
    with pytest.MonkeyPatch.context() as then:
        then.setattr(ViewLog._meta.get_field("opened_at"), "_get_default", lambda: opened)
        seen = log_view(principal, decision, door, period=period)
    ViewLog.objects.filter(pk=seen.pk).update(closed_at=opened + lasted if lasted else None)
    return seen


def test_what_was_seen_of_a_time_is_live_then_or_recorded_of_then(operator, camera, far_camera):
    now = timezone.now()
    start, end = now - timedelta(hours=2), now - timedelta(hours=1)
    hour, minute = timedelta(hours=1), timedelta(minutes=1)
    within = [
        view(operator, camera, opened=start - hour, lasted=2 * hour),
        view(operator, camera, opened=start + minute, lasted=minute),
        view(operator, camera, opened=start - hour),  # its server died: no end on record
        view(operator, camera, opened=start + minute, door="still"),
        view(operator, camera, opened=now, door="playback", period=(start - hour, start + minute)),
        view(operator, camera, opened=now, door="still", period=(start, start)),
    ]
    view(operator, camera, opened=start - 2 * hour, lasted=hour)
    view(operator, camera, opened=end, lasted=hour)
    view(operator, camera, opened=start - timedelta(days=1))
    view(operator, camera, opened=start - minute, door="still")
    view(operator, camera, opened=start + minute, lasted=minute, door="playback", period=(end, now))
    view(operator, far_camera, opened=start, lasted=hour)
    assert {seen.pk for seen in views_of(camera, start, end)} == {seen.pk for seen in within}


def test_a_citizen_is_told_the_body_and_the_ground_not_the_person(police, operator, camera, incident):
    police.user.last_name = "Park"
    police.user.save()
    principal = Principal.of(police.user)
    now = timezone.now()
    before = now - timedelta(minutes=2)
    log_looking_back(principal, decide(principal, camera.pk), "playback", period=(before, now))
    lines = list(told(camera, before, now + timedelta(minutes=1)))
    assert {line.whom for line in lines} == {police.agency.name}
    assert [line.what for line in lines][-1] == "Playback"
    assert not any("Park" in word or incident.number in word for line in lines for word in (line.whom, line.why))


def closed(incident, operator, camera):
    advance(incident, "close", by=operator)


def revoked(incident, operator, camera):
    revoke(incident.provisions.get(), by=operator, reason="no longer needed")


def taken_out(incident, operator, camera):
    incident.provisions.get().provided.update(removed_at=timezone.now())


@pytest.mark.parametrize("end", [closed, revoked, taken_out])
def test_nothing_is_told_as_given_that_was_shown_after_the_end(end, incident, operator, camera):
    allow(operator, "revoke_provision")
    minute = timedelta(minutes=1)
    before = timezone.now()
    assert len(list(told(camera, before + minute, before + 2 * minute))) == 1
    end(incident, operator, camera)
    after = timezone.now()
    assert not list(told(camera, after, after + minute))
    assert len(list(told(camera, before - minute, after))) == 1


def test_what_was_given_live_alone_was_not_given_of_before(incident, camera):
    before, after = timezone.now() - timedelta(minutes=5), timezone.now() + timedelta(minutes=1)
    assert len(list(told(camera, before, incident.received_at))) == 1
    incident.provisions.update(kinds=["live"])
    assert not list(told(camera, before, incident.received_at))
    assert len(list(told(camera, before, after))) == 1


def pages_of(pdf: bytes) -> int:
    return pdf.count(b"/Type /Page\n")


@pytest.mark.skipif(not (settings.NODE_MODULES / "pretendard").is_dir(), reason="npm packages are not installed")
def test_the_report_is_printed_over_as_many_pages_as_it_takes(operator, camera):
    start = timezone.now() - timedelta(minutes=5)
    empty = report(camera, start, timezone.now(), number="1").printed()
    for _n in range(60):
        view(operator, camera, opened=start, lasted=timedelta(minutes=1))
    long = report(camera, start, timezone.now(), number="2").printed()
    assert empty.startswith(b"%PDF") and long.startswith(b"%PDF")
    assert pages_of(empty) == 1 < pages_of(long)


def asked(seen, **changed) -> dict:
    now = timezone.localtime()
    times = {"start": now - timedelta(hours=1), "end": now + timedelta(minutes=1)}
    return {"camera": seen.number, **{name: f"{at:%Y-%m-%dT%H:%M:%S}" for name, at in times.items()}, **changed}


def test_the_page_names_persons_to_the_centre_and_asking_is_on_record(administrator, operator, camera):
    view(operator, camera, opened=timezone.now(), lasted=timedelta(seconds=5))
    page = at_desk(administrator).get("/console/who-saw/", asked(camera))
    assert str(operator) in page.content.decode()
    entry = Entry.objects.get(verb="viewers.asked")
    assert (entry.actor, entry.detail["printed"]) == (administrator, False)


@pytest.mark.parametrize(
    "wrong",
    [
        {"camera": "no such"},
        {"camera": ""},
        {"start": "yesterday"},
        {"end": "1999-01-01T00:00:00"},
        {"end": "9999-12-31T23:59:59"},
    ],
)
def test_what_cannot_be_asked_is_named(administrator, camera, wrong):
    answer = at_desk(administrator).get("/console/who-saw/", {**asked(camera, **wrong), "print": "1"})
    assert answer.status_code == 422
    assert not Entry.objects.filter(verb="viewers.asked").exists()


def test_a_camera_kept_back_is_not_there(administrator, camera):
    camera.excluded_at, camera.excluded_reason = timezone.now(), "undercover"
    camera.save()
    assert at_desk(administrator).get("/console/who-saw/", asked(camera)).status_code == 422


def test_who_saw_is_for_those_who_may_read_it(operator, police, camera):
    for person in (operator, police.user):
        assert at_desk(person).get("/console/who-saw/", asked(camera)).status_code == 403


def test_an_owner_sees_every_view_and_provision_of_its_own(owner, operator, police, camera, incident):
    other = make_camera(owner)
    for seen in (camera, other):
        view(operator, seen, opened=timezone.now(), lasted=timedelta(seconds=5))
    desk = at_desk(make_user("keeper", owner, Role.OWNER))
    page = desk.get("/agency/cameras/")
    assert {row.camera_id for row in page.context["views"]} == {camera.pk, other.pk}
    assert camera.pk in {row.camera_id for row in page.context["provided"]}
    assert str(operator) in page.content.decode()
    page = desk.get("/agency/cameras/", {"q": other.number})
    assert {row.camera_id for row in page.context["views"]} == {other.pk}
