"""The HTTP doors, with recordings played by rows and files of a few bytes: what each door lets through."""

from datetime import datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.audit.models import Entry
from apps.linked_services.actions import advance, receive
from apps.mous.models import LedgerEntry, Provision
from apps.video import playback, stills
from apps.video.models import Clip
from apps.video.reasons import NO_ANSWER, TOO_MANY_CONVERTED, NotAvailable
from apps.viewing import addresses, api
from apps.viewing.models import ProvidedCopy, ViewLog
from tests.cast import CITY_HALL, make_segment, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


class System(Client):
    """An agency's own system."""

    def __init__(self, token: str):
        super().__init__(headers={"authorization": f"Bearer {token}", "accept-language": "en"})


@pytest.fixture
def incident(police, camera):
    call = checked(occurred_at=(timezone.now() - timedelta(minutes=10)).isoformat())
    return receive(police.agency, call, by=police.user).incident


@pytest.fixture
def segment(camera, incident):
    return make_segment(camera, incident.occurred_at)


def order(camera, incident, **changes) -> dict:
    return {
        "camera": camera.pk,
        "from": incident.occurred_at.isoformat(),
        "to": (incident.occurred_at + timedelta(minutes=1)).isoformat(),
        "provision": incident.provisions.get().pk,
        **changes,
    }


@pytest.fixture
def copy(police, camera, incident):
    System(police.token).post("/api/v1/clips/", order(camera, incident), content_type="application/json")
    Clip.objects.update(state="ready", path="ab/clip.mp4", bytes=5, sha256="1" * 64, progress=100)
    return ProvidedCopy.objects.select_related("clip").get()


class TestCameras:
    def test_only_what_is_provided(self, police, fire, camera, far_camera, incident):
        address = f"/api/v1/cameras/?near={CITY_HALL[0]},{CITY_HALL[1]}&limit=5"
        assert [row["id"] for row in System(police.token).get(address).json()] == [camera.pk]
        assert System(fire.token).get(address).json() == []
        assert Client().get(address).status_code == 401

    @pytest.mark.parametrize("query", ["", "near=x", "near=1", "near=1,2,3", "near=999,1", "near=1,2&limit=0"])
    def test_bad_queries_are_named(self, query, police):
        answer = System(police.token).get(f"/api/v1/cameras/?{query}")
        assert answer.status_code == 400
        assert {"near", "limit"} & set(answer.json())

    def test_the_map_is_guarded_like_the_pictures(self, police, fire, camera, far_camera, incident):
        def seen(token):
            return [
                feature["properties"]["id"] for feature in System(token).get("/api/v1/map/cameras/").json()["features"]
            ]

        assert seen(police.token) == [camera.pk]
        assert seen(fire.token) == []

    def test_addresses_of_cameras_never_leave(self, police, camera, incident):
        type(camera).objects.update(rtsp_url="rtsp://secret:word@10.0.0.1/1")
        for address in (f"/api/v1/cameras/?near={CITY_HALL[0]},{CITY_HALL[1]}", "/api/v1/map/cameras/"):
            assert "rtsp" not in System(police.token).get(address).content.decode()


class TestStill:
    @pytest.fixture(autouse=True)
    def picture(self, monkeypatch):
        monkeypatch.setattr(stills, "still", lambda camera, at: stills.Still(b"\xff\xd8", timezone.now()))

    def test_a_picture_and_its_row(self, police, camera, incident):
        answer = System(police.token).get(f"/api/v1/cameras/{camera.pk}/still.jpg", headers={"accept": "image/jpeg"})
        assert (answer.status_code, answer["content-type"]) == (200, "image/jpeg")
        assert "no-store" in answer["cache-control"]
        assert ViewLog.objects.get().incident_number == incident.number

    def test_not_yours_and_not_there_look_the_same(self, fire, camera, incident):
        answers = [System(fire.token).get(f"/api/v1/cameras/{pk}/still.jpg") for pk in (camera.pk, 999_999)]
        assert [answer.status_code for answer in answers] == [404, 404]
        assert answers[0].content == answers[1].content
        assert not ViewLog.objects.exists()
        assert Entry.objects.filter(verb="view.refused").count() == 2

    def test_outside_the_window(self, police, camera, incident):
        at = (incident.occurred_at - timedelta(days=1)).isoformat()
        answer = System(police.token).get(f"/api/v1/cameras/{camera.pk}/still.jpg", {"at": at})
        assert (answer.status_code, answer.json()["code"]) == (404, "outside_window")

    def test_after_the_close_only_of_before(self, police, camera, incident):
        address = f"/api/v1/cameras/{camera.pk}/still.jpg"
        assert System(police.token).get(address).status_code == 200
        advance(incident, "close", by=police.user)
        of_now = System(police.token).get(address)
        assert (of_now.status_code, of_now.json()["code"]) == (404, "incident_closed")
        for at, status in ((incident.closed_at, 200), (incident.closed_at + timedelta(milliseconds=1), 404)):
            assert System(police.token).get(address, {"at": at.isoformat()}).status_code == status

    @pytest.mark.parametrize("at", ["x", "2026-13-45T00:00:00Z", "9" * 50])
    def test_bad_times_are_named(self, at, police, camera, incident):
        answer = System(police.token).get(f"/api/v1/cameras/{camera.pk}/still.jpg", {"at": at})
        assert answer.status_code == 400
        assert "at" in answer.json()

    def test_no_picture_says_why(self, police, camera, incident, monkeypatch):
        def none(camera, at):
            raise NotAvailable(NO_ANSWER)

        monkeypatch.setattr(stills, "still", none)
        answer = System(police.token).get(f"/api/v1/cameras/{camera.pk}/still.jpg")
        assert (answer.status_code, answer.json()["detail"]) == (503, NO_ANSWER)


class TestPlayback:
    def window(self, incident, minutes=1):
        end = incident.occurred_at + timedelta(minutes=minutes)
        return {"from": incident.occurred_at.isoformat(), "to": end.isoformat()}

    @pytest.fixture(autouse=True)
    def pieces(self, monkeypatch, incident):
        """The file holds 10 bytes of set-up, then two pieces of four seconds in 45 bytes each."""
        begins = (incident.occurred_at, incident.occurred_at + timedelta(seconds=4))
        found = [playback.Piece(at, 4.0, 10 + 45 * turn, 45) for turn, at in enumerate(begins)]
        monkeypatch.setattr(playback, "pieces", lambda segment: found)

    def get(self, party, camera, segment, window, part="0-9", carried=None):
        """As a playlist names it, unless it is said what the address carries."""
        address = f"/api/v1/cameras/{camera.pk}/segments/{segment.start_ms}.mp4"
        carried = self.carried(party, camera, window) if carried is None else carried
        return System(party.token).get(address, {**window, **carried}, headers={"range": f"bytes={part}"})

    def carried(self, party, camera, window):
        times = (datetime.fromisoformat(window[name]) for name in ("from", "to"))
        return addresses.seal(Principal(key_id=party.key.pk), camera.pk, *times)

    def test_segments_go_by_the_front_after_the_gate(self, police, camera, incident, segment):
        answer = self.get(police, camera, segment, self.window(incident))
        assert answer.status_code == 200
        assert answer["x-accel-redirect"] == f"/protected/video/{segment.path}"
        advance(incident, "close", by=police.user)
        assert self.get(police, camera, segment, self.window(incident)).status_code == 200
        Provision.objects.update(ends_at=timezone.now())
        assert self.get(police, camera, segment, self.window(incident)).status_code == 404

    @pytest.mark.parametrize(
        ("part", "status"),
        [("0-9", 200), ("10-54", 200), ("20-30", 200), ("10-55", 416), ("55-99", 416), ("0-99", 416), ("0-", 416)]
        + [("-5", 416), ("0-1,2-3", 416), ("x", 416), ("9-0", 416)],
    )
    def test_of_a_segment_only_the_bytes_of_the_time_asked(self, part, status, police, camera, incident, segment):
        end = incident.occurred_at + timedelta(seconds=2)
        window = {"from": incident.occurred_at.isoformat(), "to": end.isoformat()}
        assert self.get(police, camera, segment, window, part).status_code == status

    def test_a_condition_that_would_have_the_front_send_the_whole_file(self, police, camera, incident, segment):
        """A minute of it, of which a few seconds may be given."""
        window = self.window(incident)
        address = f"/api/v1/cameras/{camera.pk}/segments/{segment.start_ms}.mp4"
        asked = window | self.carried(police, camera, window)
        headers = {"range": "bytes=0-9", "if-range": '"another"'}
        assert System(police.token).get(address, asked, headers=headers).status_code == 416

    def test_the_playlists_own_addresses_open(self, police, camera, incident, segment):
        list_of = System(police.token).get(f"/api/v1/cameras/{camera.pk}/playback.m3u8", self.window(incident))
        part = next(line for line in list_of.content.decode().split("\n") if line.startswith("/api/"))
        assert System(police.token).get(part, headers={"range": "bytes=10-54"}).status_code == 200
        assert ViewLog.objects.count() == 1

    @pytest.mark.parametrize("name", ["expires", "seal", "from", "to", "camera"])
    def test_what_an_address_carries_is_of_one_piece(self, name, police, camera, incident, segment):
        window = self.window(incident)
        carried = self.carried(police, camera, window)
        second = timedelta(seconds=1)
        wrong = {
            "expires": {"expires": str(int(carried["expires"]) + 1)},
            "seal": {"seal": carried["seal"][:-1] + "é"},
            "from": {"from": (incident.occurred_at - second).isoformat()},
            "to": {"to": (incident.occurred_at + timedelta(minutes=2)).isoformat()},
            "camera": self.carried(police, type(camera)(pk=camera.pk + 1), window),
        }
        assert self.get(police, camera, segment, window, carried={**carried, **wrong[name]}).status_code == 404
        assert Entry.objects.get(verb="view.refused").detail["code"] == "not_their_address"
        assert self.get(police, camera, segment, window, carried=carried).status_code == 200

    @pytest.mark.parametrize("expires", ["", "x", "-1", "٣", "9" * 50, "1e9"])
    def test_without_a_seal_nothing_opens(self, expires, police, camera, incident, segment):
        for carried in ({}, {"expires": expires}, {"expires": expires, "seal": ""}, {"seal": ":"}):
            assert self.get(police, camera, segment, self.window(incident), carried=carried).status_code == 404

    def test_another_with_the_same_right_cannot_use_it(self, police, camera, incident, segment):
        window = self.window(incident)
        first, second = Client(), Client()
        for client in (first, second):
            client.force_login(police.user)
        text = first.get(f"/api/v1/cameras/{camera.pk}/playback.m3u8", window).content.decode()
        address = next(line for line in text.split("\n") if line.startswith("/api/"))
        part = {"headers": {"range": "bytes=0-9"}}
        assert first.get(address, **part).status_code == 200
        assert second.get(address, **part).status_code == 404  # the same person, elsewhere
        assert System(police.token).get(address, **part).status_code == 404
        other = Client()
        other.force_login(make_user("colleague", police.agency))
        assert other.get(address, **part).status_code == 404
        first.logout()
        first.force_login(police.user)
        assert first.get(address, **part).status_code == 404

    @pytest.mark.parametrize(("asked", "lasts"), [(1, 61), (24 * 60, 12 * 60)])
    def test_it_lasts_for_its_length_and_an_hour_and_a_shift_at_most(self, asked, lasts, police, camera, monkeypatch):
        now = timezone.now()
        carried = addresses.seal(Principal(key_id=police.key.pk), camera.pk, now - timedelta(minutes=asked), now)
        for minutes, over in ((lasts - 1, False), (lasts + 15, True)):
            later = now + timedelta(minutes=minutes, seconds=1)
            monkeypatch.setattr(addresses.timezone, "now", lambda at=later: at)
            assert addresses.is_over(carried) is over

    def test_what_is_over_opens_no_more_and_is_no_trespass(self, police, camera, incident, segment, monkeypatch):
        monkeypatch.setattr(addresses, "PAUSES", -timedelta(hours=2))
        assert self.get(police, camera, segment, self.window(incident)).status_code == 404
        assert not Entry.objects.filter(verb="view.refused").exists()

    def test_a_seal_asks_no_database(self, police, camera, django_assert_num_queries):
        now, principal = timezone.now(), Principal(key_id=police.key.pk)
        with django_assert_num_queries(0):
            carried = addresses.seal(principal, camera.pk, now, now + timedelta(minutes=1))
            assert addresses.is_theirs(carried, principal, camera.pk, now, now + timedelta(minutes=1))

    def test_what_reaches_too_far_is_told_how_far_it_may(self, police, camera, incident, segment):
        Provision.objects.update(recorded_until=incident.occurred_at + timedelta(seconds=30))
        answer = System(police.token).get(f"/api/v1/cameras/{camera.pk}/playback.m3u8", self.window(incident))
        said = answer.json()
        assert (answer.status_code, said["code"]) == (404, "outside_window")
        assert datetime.fromisoformat(said["recorded_until"]) == incident.occurred_at + timedelta(seconds=30)

    def test_coded_anew_it_comes_from_here(self, police, camera, incident, segment, monkeypatch):
        asked = []
        monkeypatch.setattr(api, "convert", lambda film, part: asked.append((film, part)) or ("video/mp4", b"mp4"))
        window = self.window(incident) | {"codec": "h264"}
        answer = self.get(police, camera, segment, window, "10-54")
        assert (answer.status_code, answer.content, asked) == (200, b"mp4", [(segment, range(10, 55))])
        assert "x-accel-redirect" not in answer
        assert self.get(police, camera, segment, window, "10-999").status_code == 416
        Provision.objects.update(ends_at=timezone.now())
        assert self.get(police, camera, segment, window, "10-54").status_code == 404
        assert len(asked) == 1

    def test_too_many_at_once_are_told_so(self, police, camera, incident, segment, monkeypatch):
        def busy(film, part):
            raise NotAvailable(TOO_MANY_CONVERTED)

        monkeypatch.setattr(api, "convert", busy)
        answer = self.get(police, camera, segment, self.window(incident) | {"codec": "h264"}, "10-54")
        assert (answer.status_code, answer.json()["detail"]) == (503, TOO_MANY_CONVERTED)

    def test_only_within_the_window_that_was_asked(self, police, camera, incident, segment):
        before = {
            "from": (incident.occurred_at - timedelta(minutes=5)).isoformat(),
            "to": (incident.occurred_at - timedelta(minutes=4)).isoformat(),
        }
        assert self.get(police, camera, segment, before).status_code == 404
        assert self.get(police, camera, segment, self.window(incident, minutes=300)).status_code == 404

    def test_a_playlist(self, police, fire, camera, incident, segment):
        address = f"/api/v1/cameras/{camera.pk}/playback.m3u8"
        answer = System(police.token).get(address, self.window(incident))
        assert answer.status_code == 200
        assert answer.content.startswith(b"#EXTM3U")
        assert ViewLog.objects.get().door == "playback"
        assert System(fire.token).get(address, self.window(incident)).status_code == 404

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({}, "from"),
            ({"from": "x", "to": "y"}, "from"),
            ({"from": "2026-01-02T00:00Z", "to": "2026-01-01T00:00Z"}, "to"),
            ({"from": "2026-01-01T00:00Z", "to": "2026-01-02T00:00Z"}, "to"),
        ],
    )
    def test_bad_periods_are_named(self, query, field, police, camera, incident):
        answer = System(police.token).get(f"/api/v1/cameras/{camera.pk}/playback.m3u8", query)
        assert answer.status_code == 400
        assert field in answer.json()


class TestClips:
    def post(self, token, body):
        return System(token).post("/api/v1/clips/", body, content_type="application/json")

    def test_an_order_is_registered_before_anything_is_cut(self, police, camera, incident):
        answer = self.post(police.token, order(camera, incident))
        assert answer.status_code == 202
        body = answer.json()
        assert answer["location"] == body["status_url"]
        assert (body["state"], body["progress"], body["file_url"]) == ("queued", 0, None)
        line = LedgerEntry.objects.get(number=body["ledger_number"])
        assert (line.manner, line.incident_number, line.cameras) == ("file", incident.number, [camera.number])
        assert Clip.objects.get().note["ledger_number"] == line.pk

    def test_only_on_a_provision_of_ones_own(self, police, fire, operator, camera, incident):
        assert self.post(fire.token, order(camera, incident)).status_code == 404
        assert self.post(police.token, order(camera, incident, provision=999_999)).status_code == 404
        assert not Clip.objects.exists()

    def test_within_the_provisions_window(self, police, camera, incident):
        early = {
            "from": (incident.occurred_at - timedelta(hours=3)).isoformat(),
            "to": (incident.occurred_at - timedelta(hours=2)).isoformat(),
        }
        answer = self.post(police.token, order(camera, incident, **early))
        assert (answer.status_code, answer.json()["code"]) == (403, "outside_window")

    @pytest.mark.parametrize("field", ["camera", "from", "to", "provision"])
    @pytest.mark.parametrize("value", [None, "x", -1, 10**30, [], {"a": 1}])
    def test_bad_fields_are_named(self, field, value, police, camera, incident):
        answer = self.post(police.token, order(camera, incident) | {field: value})
        assert answer.status_code == 400
        assert field in answer.json()

    def test_the_future_is_not_recorded_yet(self, police, camera, incident):
        future = {
            "from": (timezone.now() + timedelta(minutes=5)).isoformat(),
            "to": (timezone.now() + timedelta(minutes=6)).isoformat(),
        }
        assert "to" in self.post(police.token, order(camera, incident, **future)).json()

    def test_each_download_is_logged_and_sent_by_the_front(self, police, copy):
        answer = System(police.token).get(f"/api/v1/clips/{copy.clip_id}/file")
        assert answer["x-accel-redirect"] == "/protected/clips/ab/clip.mp4"
        assert "attachment" in answer["content-disposition"]
        assert ViewLog.objects.get().door == "clip"

    @pytest.mark.parametrize("part", ["", "file", "manifest.json"])
    def test_nobody_else(self, part, fire, police, copy):
        address = f"/api/v1/clips/{copy.clip_id}/{part}"
        assert System(fire.token).get(address).status_code == 404
        assert Client().get(address).status_code == 401

    @pytest.mark.parametrize("part", ["file", "manifest.json"])
    def test_not_when_the_provision_has_ended(self, part, police, copy):
        Provision.objects.update(ends_at=timezone.now())
        answer = System(police.token).get(f"/api/v1/clips/{copy.clip_id}/{part}")
        assert (answer.status_code, answer.json()["code"]) == (404, "provision_ended")

    def test_not_before_it_is_whole(self, police, copy):
        Clip.objects.update(state="cutting")
        assert System(police.token).get(f"/api/v1/clips/{copy.clip_id}/file").status_code == 404

    def test_not_while_it_is_unknown_whether_a_power_cut_tore_it(self, police, copy):
        address = f"/api/v1/clips/{copy.clip_id}/"
        for age, state in ((Clip.PATIENCE / 2, "ready"), (Clip.PATIENCE * 2, "cutting")):
            Clip.objects.update(claim=uuid4(), touched_at=timezone.now() - age)
            said = System(police.token).get(address).json()
            answer = System(police.token).get(f"{address}file")
            assert (said["state"], bool(said["file_url"]), answer.status_code == 200) == (
                state,
                *[state == "ready"] * 2,
            )

    def test_the_end_of_the_incident_sets_the_last_day(self, police, incident, copy):
        assert copy.destroy_by is None
        advance(incident, "close", by=police.user)
        copy.refresh_from_db()
        assert copy.destroy_by == incident.closed_at + timedelta(days=5)
