"""Whom the pages let look back, and between which times."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.linked_services.actions import receive
from apps.mous.models import MediaKind, Provision
from apps.viewing.models import Bookmark
from tests.cast import Role, allow, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db
MARKED = "from=2026-03-08T09:30:00Z&until=2026-03-08T09:32:00Z"


@pytest.fixture(autouse=True)
def in_english(client):
    client.cookies["django_language"] = "en"


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def desk(client, operator):
    client.force_login(operator)
    return client


@pytest.fixture
def agency(client, police):
    client.force_login(police.user)
    return client


def deck(client, query: str):
    return client.get(f"/playback/?{query}").context["deck"]


def cameras(client, query: str) -> list[int]:
    return [tile.camera.pk for tile in client.get(f"/playback/?{query}").context["tiles"]]


class TestTheCentre:
    def test_five_cameras_at_most_in_the_order_asked_for(self, desk, camera):
        others = [make_camera(camera.owner).pk for _n in range(6)]
        asked = [others[3], camera.pk, *others]
        named = "&".join(f"camera={number}" for number in asked)
        assert cameras(desk, named) == [others[3], camera.pk, *others[:3]]

    def test_a_moment_and_no_bounds(self, desk, camera):
        shown = deck(desk, f"camera={camera.pk}&at=2026-03-08T09:30:00Z&reason=lost+child")
        assert (shown.at.isoformat(), shown.begins, shown.reason) == ("2026-03-08T09:30:00+00:00", None, "lost child")
        assert deck(desk, f"camera={camera.pk}&from=2026-03-08T09:30:00Z").at == shown.at

    @pytest.mark.parametrize("at", ["", "x", "2026-13-45T00:00:00Z", "9" * 60])
    def test_no_moment_is_just_now(self, at, desk, camera):
        assert timezone.now() - deck(desk, f"camera={camera.pk}&at={at}").at < timedelta(minutes=3)

    def test_of_an_incident_half_a_minute_before_the_call(self, desk, camera, incident):
        shown = deck(desk, f"camera={camera.pk}&incident={incident.number}")
        assert shown.at == incident.occurred_at - timedelta(seconds=30)

    @pytest.mark.parametrize("query", ["", "camera=", "camera=x", "camera=999999", f"camera={'9' * 40}", "camera=-1"])
    def test_no_such_camera(self, query, desk):
        assert desk.get(f"/playback/?{query}").status_code == 404

    def test_the_desk_looks_back_with_the_same_cameras(self, desk, incident):
        live, past = (
            desk.get(f"/console/?incident={incident.number}{at}").content.decode()
            for at in ("", "&at=2026-03-08T09:30:00Z")
        )
        assert "<camera-tile" in live and "<recorded-tile" not in live
        assert "<recorded-tile" in past and "<camera-tile" not in past
        assert f'data-live="?incident={incident.number}"' in past

    def test_a_moment_that_is_none_stays_live(self, desk, incident):
        assert "<camera-tile" in desk.get(f"/console/?incident={incident.number}&at=x").content.decode()

    def test_a_mark_is_a_line_of_the_log(self, desk, operator, incident, camera):
        body = {"camera": camera.pk, "at": timezone.now().isoformat(), "note": "a cap", "incident": incident.number}
        assert desk.post("/api/v1/bookmarks/", body, content_type="application/json").status_code == 201
        moment = timezone.localtime(Bookmark.objects.get().at)
        page = desk.get(f"/console/?incident={incident.number}").content.decode()
        assert f"Marked at {moment:%H:%M:%S} on {camera.number}" in page and "a cap" in page


class TestAnAgency:
    def test_between_the_times_that_are_provided(self, agency, incident, camera, far_camera):
        provision = Provision.objects.get()
        for query in (f"provision={provision.pk}", f"camera={camera.pk}", f"camera={camera.pk}&camera={far_camera.pk}"):
            shown = deck(agency, query)
            assert (shown.begins, shown.ends) == (provision.recorded_from, provision.recorded_until)
            assert (shown.incident, shown.provision) == (incident, provision)
            assert cameras(agency, query) == [camera.pk]

    def test_the_same_on_its_own_page(self, agency, fire, incident, camera):
        provision = Provision.objects.get()
        context = agency.get(f"/agency/?past={provision.pk}").context
        (shown,) = context["shown"]
        assert ([tile.camera for tile in shown.tiles], shown.deck.begins) == ([camera], provision.recorded_from)
        assert (context["deck"], context["deck"].provision) == (shown.deck, provision)
        Provision.objects.update(kinds=[MediaKind.LIVE])
        assert agency.get(f"/agency/?past={provision.pk}").status_code == 404
        agency.force_login(fire.user)
        assert agency.get(f"/agency/?past={provision.pk}").status_code == 404
        assert agency.get("/agency/?past=x").status_code == 404

    def test_a_moment_outside_is_moved_to_the_edge(self, agency, incident):
        provision = Provision.objects.get()
        assert deck(agency, f"provision={provision.pk}&at=2020-01-01T00:00:00Z").at == provision.recorded_from

    def test_nothing_of_another_agency(self, client, fire, incident, camera):
        client.force_login(fire.user)
        for query in (f"provision={Provision.objects.get().pk}", f"camera={camera.pk}", f"incident={incident.number}"):
            assert client.get(f"/playback/?{query}").status_code == 404

    def test_nothing_when_it_has_ended_or_gives_no_recordings(self, agency, incident, camera):
        Provision.objects.update(kinds=[MediaKind.LIVE])
        assert agency.get(f"/playback/?camera={camera.pk}").status_code == 404
        Provision.objects.update(kinds=[MediaKind.RECORDED], ends_at=timezone.now())
        assert agency.get(f"/playback/?provision={Provision.objects.get().pk}").status_code == 404

    def test_a_clip_can_be_ordered_on_a_provision_only(self, agency, desk, operator, police, incident, camera):
        page = desk.get(f"/playback/?camera={camera.pk}").content.decode()
        assert "data-clip-order" not in page
        assert "ask the supervisor on duty" in page
        desk.force_login(allow(operator, "provide", "place_hold"))
        page = desk.get(f"/playback/?camera={camera.pk}").content.decode()
        for name in ("provide", "hold_new"):
            assert f'href="{reverse(name)}" data-marked' in page
        agency.force_login(police.user)
        assert "data-clip-order" in agency.get(f"/playback/?camera={camera.pk}").content.decode()

    def test_an_owner_without_a_provision_is_led_to_asking(self, client, owner, centre, camera):
        client.force_login(make_user("keeper", owner, Role.OWNER))
        page = client.get(f"/playback/?camera={camera.pk}").content.decode()
        assert f'href="{reverse("agency_requests")}" data-marked' in page
        form = client.get(f"{reverse('agency_requests')}?camera={camera.pk}&{MARKED}").context["form"]
        assert form.initial["place"] == camera.number
        assert form.initial["recorded_until"] - form.initial["recorded_from"] == timedelta(minutes=2)


def test_nobody_gets_in_without_signing_in(client, camera):
    assert client.get(f"/playback/?camera={camera.pk}").url.startswith("/sign-in/")
