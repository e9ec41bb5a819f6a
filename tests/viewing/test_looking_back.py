"""Timeline, thumbnails and bookmarks: what the doors let through, and what is written down of it."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.gate import decide
from apps.mous.models import Provision
from apps.video import stills
from apps.video.alarms import raise_alarm
from apps.video.models import PurgeMark
from apps.video.motion import note
from apps.video.reasons import NOT_RECORDED, NotAvailable
from apps.viewing import actions
from apps.viewing.actions import log_view
from apps.viewing.models import Bookmark, ViewLog
from tests.cast import make_segment
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db
Door = ViewLog.Door


class Person(Client):
    def __init__(self, user):
        super().__init__(headers={"accept-language": "en"})
        self.force_login(user)


class System(Client):
    def __init__(self, token: str):
        super().__init__(headers={"authorization": f"Bearer {token}", "accept-language": "en"})


@pytest.fixture
def incident(police, camera):
    call = checked(occurred_at=(timezone.now().replace(microsecond=0) - timedelta(minutes=10)).isoformat())
    return receive(police.agency, call, by=police.user).incident


@pytest.fixture
def call(incident):
    return incident.occurred_at


@pytest.fixture
def recorded(camera, call):
    """Two minutes from the call on, then a minute's gap, then one more."""
    for minute in (0, 1, 3):
        begins = call + timedelta(minutes=minute)
        make_segment(camera, begins)


@pytest.fixture
def pictures(monkeypatch):
    monkeypatch.setattr(stills, "thumbnail", lambda camera, at: b"\xff\xd8")


def span_of(begins, minutes) -> dict:
    return {"from": begins.isoformat(), "to": (begins + timedelta(minutes=minutes)).isoformat()}


def timeline(camera) -> str:
    return f"/api/v1/cameras/{camera.pk}/timeline"


def thumbnail(camera) -> str:
    return f"/api/v1/cameras/{camera.pk}/thumbnail.jpg"


class TestTimeline:
    def test_what_is_recorded_and_what_is_not(self, police, camera, call, recorded):
        answer = System(police.token).get(timeline(camera), span_of(call, 5)).json()
        assert [(s["from"], s["to"], s["codec"]) for s in answer["spans"]] == [
            (text(call), text(call + timedelta(minutes=2)), "avc1.42c01e"),
            (text(call + timedelta(minutes=3)), text(call + timedelta(minutes=4)), "avc1.42c01e"),
        ]
        assert [(g["from"], g["code"]) for g in answer["gaps"]] == [
            (text(call + timedelta(minutes=2)), "not_recorded"),
            (text(call + timedelta(minutes=4)), "not_recorded"),
        ]
        assert answer["kept_days"] == camera.retention_days

    def test_what_is_past_its_time_is_called_deleted(self, operator, camera):
        old = timezone.now() - timedelta(days=camera.retention_days + 1)
        (gap,) = Person(operator).get(timeline(camera), span_of(old, 60)).json()["gaps"]
        assert gap["code"] == "deleted"

    def test_what_a_full_disk_took_is_called_deleted_too(self, operator, camera):
        at = timezone.now() - timedelta(days=2)
        PurgeMark.objects.create(camera=camera, until=timezone.now() - timedelta(days=1))
        (gap,) = Person(operator).get(timeline(camera), span_of(at, 60)).json()["gaps"]
        assert gap["code"] == "deleted"

    def test_the_future_is_no_gap(self, operator, camera):
        answer = Person(operator).get(timeline(camera), span_of(timezone.now() + timedelta(hours=1), 60)).json()
        assert answer["spans"] == answer["gaps"] == []

    def test_motion_and_alarms(self, police, camera, call):
        minute = call.replace(second=0)
        note({(camera.pk, minute): bytes([1] * 59 + [90]), (camera.pk, minute + timedelta(minutes=1)): bytes(60)})
        raise_alarm(camera.pk, "covered")
        answer = System(police.token).get(timeline(camera), span_of(call, 30)).json()
        assert answer["motion"]["step_s"] == 1
        (run,) = answer["motion"]["runs"]
        assert (run["from"], len(run["levels"]), run["levels"][59]) == (text(minute), 120, 90)
        (alarm,) = answer["alarms"]
        assert (alarm["kind"], alarm["to"]) == ("covered", None)

    def test_motion_by_the_minute_in_a_day_and_not_in_a_month(self, operator, camera, call):
        note({(camera.pk, call.replace(second=0) - timedelta(minutes=1)): bytes([1] * 59 + [90])})
        day, month = (
            Person(operator).get(timeline(camera), span_of(call - timedelta(days=days), days * 1440)).json()["motion"]
            for days in (1, 30)
        )
        assert (day["step_s"], day["runs"][0]["levels"], month) == (60, [90], None)

    def test_only_within_the_provision(self, police, fire, camera, call):
        assert System(fire.token).get(timeline(camera), span_of(call, 5)).status_code == 404
        early = System(police.token).get(timeline(camera), span_of(call - timedelta(days=1), 5))
        assert (early.status_code, early.json()["code"]) == (404, "outside_window")
        assert Entry.objects.filter(verb="view.refused").count() == 2
        assert not ViewLog.objects.exists()
        assert Client().get(timeline(camera), span_of(call, 5)).status_code == 401

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"to": "2026-01-01T00:00Z"}, "from"),
            ({"from": "x", "to": "2026-01-01T00:00Z"}, "from"),
            ({"from": "2026-01-02T00:00Z", "to": "2026-01-01T00:00Z"}, "to"),
            ({"from": "2026-01-01T00:00Z", "to": "2026-03-01T00:00Z"}, "to"),
        ],
    )
    def test_bad_periods_are_named(self, query, field, operator, camera):
        answer = Person(operator).get(timeline(camera), query)
        assert (answer.status_code, list(answer.json())) == (400, [field])


class TestTheViewLog:
    def test_periods_that_touch_are_one_view(self, police, camera, call):
        asked = System(police.token)
        for minute in (0, 5, 3):
            asked.get(timeline(camera), span_of(call + timedelta(minutes=minute), 5))
        (view,) = ViewLog.objects.all()
        assert (view.door, view.period_from, view.period_until) == (Door.TIMELINE, call, call + timedelta(minutes=10))
        entries = Entry.objects.filter(verb__startswith="view.").order_by("pk")
        assert list(entries.values_list("verb", flat=True)) == ["view.opened", "view.extended"]

    def test_a_period_apart_is_a_view_of_its_own(self, operator, camera, call):
        for hours in (0, 3):
            Person(operator).get(timeline(camera), span_of(call - timedelta(hours=hours), 5))
        assert ViewLog.objects.count() == 2

    def test_another_person_incident_or_reason_is_another_view(self, operator, supervisor, incident, camera, call):
        Person(operator).get(timeline(camera), span_of(call, 5))
        Person(operator).get(timeline(camera), span_of(call, 5) | {"incident": incident.number})
        Person(operator).get(timeline(camera), span_of(call, 5) | {"reason": "lost child"})
        Person(supervisor).get(timeline(camera), span_of(call, 5))
        assert ViewLog.objects.count() == 4

    def test_who_comes_back_later_opens_another(self, operator, camera, call, monkeypatch):
        Person(operator).get(timeline(camera), span_of(call, 5))
        monkeypatch.setattr(actions, "LOOKING_ENDS_AFTER", timedelta(0))
        Person(operator).get(timeline(camera), span_of(call, 5))
        assert ViewLog.objects.count() == 2

    def test_a_playlist_is_logged_once_per_period(self, police, camera, call, recorded):
        for _time in range(3):
            System(police.token).get(f"/api/v1/cameras/{camera.pk}/playback.m3u8", span_of(call, 2))
        assert ViewLog.objects.get().door == Door.PLAYBACK

    def test_a_view_that_cannot_be_audited_is_none_and_shows_nothing(self, operator, camera, call, monkeypatch):
        def fail(*said, **more):
            raise OperationalError("the audit is away")

        monkeypatch.setattr(actions, "record", fail)
        principal = Principal.of(operator)
        with pytest.raises(OperationalError):
            log_view(principal, decide(principal, camera.pk), Door.LIVE)
        with pytest.raises(OperationalError):
            Person(operator).get(timeline(camera), span_of(call, 5))
        assert not ViewLog.objects.exists()


class TestThumbnails:
    def test_they_count_under_the_timeline_that_was_opened(self, police, camera, call, pictures):
        asked = System(police.token)
        asked.get(timeline(camera), span_of(call, 5))
        for minute in (0, 1, 4):
            at = (call + timedelta(minutes=minute)).isoformat()
            answer = asked.get(thumbnail(camera), {"at": at}, headers={"accept": "image/jpeg"})
            assert (answer.status_code, answer["content-type"]) == (200, "image/jpeg")
            assert "no-store" in answer["cache-control"]
        view = ViewLog.objects.get()
        assert (view.door, view.pictures) == (Door.TIMELINE, 3)

    @pytest.mark.parametrize("minute", [None, -20])
    def test_without_one_each_is_a_still_picture(self, minute, operator, camera, call, pictures):
        asked = Person(operator)
        if minute:
            asked.get(timeline(camera), span_of(call + timedelta(minutes=minute), 5))
        for second in (0, 1):
            asked.get(thumbnail(camera), {"at": (call + timedelta(seconds=second)).isoformat()})
        stills_seen = ViewLog.objects.filter(door=Door.STILL)
        assert stills_seen.count() == 2
        assert stills_seen.last().period_from == call

    def test_someone_elses_timeline_covers_nothing(self, operator, supervisor, camera, call, pictures):
        Person(supervisor).get(timeline(camera), span_of(call, 5))
        Person(operator).get(thumbnail(camera), {"at": call.isoformat()})
        assert ViewLog.objects.get(user=operator).door == Door.STILL

    def test_refused_and_logged(self, police, fire, camera, call, pictures):
        assert System(fire.token).get(thumbnail(camera), {"at": call.isoformat()}).status_code == 404
        early = (call - timedelta(days=1)).isoformat()
        assert System(police.token).get(thumbnail(camera), {"at": early}).json()["code"] == "outside_window"
        Provision.objects.update(ends_at=timezone.now())
        assert System(police.token).get(thumbnail(camera), {"at": call.isoformat()}).status_code == 404
        assert Entry.objects.filter(verb="view.refused").count() == 3
        assert not ViewLog.objects.exists()

    @pytest.mark.parametrize("at", ["", "x", "2026-13-45T00:00:00Z", "9" * 50])
    def test_bad_times_are_named(self, at, operator, camera):
        answer = Person(operator).get(thumbnail(camera), {"at": at})
        assert (answer.status_code, list(answer.json())) == (400, ["at"])

    def test_no_picture_says_why_and_is_no_view(self, operator, camera, call, monkeypatch):
        def none(camera, at):
            raise NotAvailable(NOT_RECORDED)

        monkeypatch.setattr(stills, "thumbnail", none)
        answer = Person(operator).get(thumbnail(camera), {"at": call.isoformat()})
        assert (answer.status_code, answer.json()["detail"]) == (503, NOT_RECORDED)
        assert not ViewLog.objects.exists()


class TestBookmarks:
    def post(self, client, camera, at, **more):
        body = {"camera": camera.pk, "at": at.isoformat(), "note": "a black cap"} | more
        return client.post("/api/v1/bookmarks/", body, content_type="application/json")

    def test_it_is_a_line_of_the_incidents_log(self, operator, police, incident, camera, call):
        answer = self.post(Person(operator), camera, call, incident=incident.number)
        assert (answer.status_code, answer.json()["incident"]) == (201, incident.number)
        event = incident.events.order_by("-seq").first()
        assert (event.kind, event.detail["note"]) == ("incident.bookmarked", "a black cap")
        assert Entry.objects.filter(verb="bookmark.made").count() == 1
        shown = System(police.token).get(timeline(camera), span_of(call, 5)).json()["bookmarks"]
        assert [mark["note"] for mark in shown] == ["a black cap"]

    def test_without_an_incident_it_is_the_centres_own(self, operator, supervisor, police, incident, camera, call):
        assert self.post(Person(operator), camera, call).json()["incident"] is None
        assert not System(police.token).get(timeline(camera), span_of(call, 5)).json()["bookmarks"]
        assert Person(supervisor).get(timeline(camera), span_of(call, 5)).json()["bookmarks"]

    def test_on_a_provision_it_is_the_provisions_incident(self, police, incident, camera, call):
        assert self.post(Person(police.user), camera, call).json()["incident"] == incident.number

    def test_only_of_what_one_may_see(self, fire, police, camera, call):
        assert self.post(Person(fire.user), camera, call).status_code == 404
        assert self.post(Person(police.user), camera, call - timedelta(days=1)).status_code == 404
        assert self.post(System(police.token), camera, call).status_code == 403
        assert not Bookmark.objects.exists()

    def test_ones_own_is_taken_back_and_that_is_on_record(self, operator, incident, camera, call):
        client = Person(operator)
        made = self.post(client, camera, call, incident=incident.number)
        assert made.json()["mine"]
        assert client.delete(made["Location"]).status_code == 204
        assert not Bookmark.objects.exists()
        assert Entry.objects.get(verb="bookmark.taken_back").detail["note"] == "a black cap"
        event = incident.events.order_by("-seq").first()
        assert (event.kind, event.detail["camera"]) == ("incident.unmarked", camera.number)
        assert not client.get(timeline(camera), span_of(call, 5)).json()["bookmarks"]
        assert client.delete(made["Location"]).status_code == 404

    def test_anothers_stays(self, operator, supervisor, police, fire, incident, camera, call):
        where = self.post(Person(operator), camera, call, incident=incident.number)["Location"]
        assert Person(supervisor).delete(where).status_code == 403
        assert Person(police.user).delete(where).status_code == 403
        assert Person(fire.user).delete(where).status_code == 404
        assert System(police.token).delete(where).status_code == 404
        assert Client().delete(where).status_code == 401
        assert not Person(supervisor).get(timeline(camera), span_of(call, 5)).json()["bookmarks"][0]["mine"]

    @pytest.mark.parametrize("field", ["camera", "at", "note"])
    @pytest.mark.parametrize("value", [None, "", "x" * 301, {"a": 1}])
    def test_bad_fields_are_named(self, field, value, operator, camera, call):
        body = {"camera": camera.pk, "at": call.isoformat(), "note": "a black cap"} | {field: value}
        answer = Person(operator).post("/api/v1/bookmarks/", body, content_type="application/json")
        assert (answer.status_code, list(answer.json())) == (400, [field])


def text(at) -> str:
    return at.astimezone(timezone.get_current_timezone()).isoformat()
