"""The list of camera alarms: what it shows to whom, and the new view of a camera that was turned on purpose."""

from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import Entry
from apps.video.alarms import clear_alarm, raise_alarm
from apps.video.models import CameraAlarm, UsualView
from tests.cast import allow, make_agency, make_camera

pytestmark = pytest.mark.django_db


def person(user, language: str = "en") -> Client:
    client = Client(headers={"accept-language": language})
    client.force_login(user)
    return client


def shown(client, **query) -> list[tuple[str, str]]:
    page = client.get(f"{reverse('alarms')}?{urlencode(query)}").context["page"]
    return [(alarm.camera.number, alarm.kind) for alarm in page]


@pytest.fixture
def other(owner):
    return make_camera(owner)


@pytest.fixture
def alarms(camera, other):
    """Of one camera: black before, moved now; of the other nothing is recorded."""
    raise_alarm(camera.pk, "black")
    clear_alarm(camera.pk, "black")
    raise_alarm(other.pk, "disk")
    raise_alarm(camera.pk, "moved")


class TestTheList:
    def test_what_is_wrong_now_and_what_was(self, operator, camera, other, alarms):
        desk = person(operator)
        now = [(camera.number, "moved"), (other.number, "disk")]
        assert shown(desk) == now
        assert shown(desk, which="past") == [(camera.number, "black")]
        assert len(shown(desk, which="all")) == 3
        assert shown(desk, kind="disk") == [now[1]]
        assert shown(desk, q=camera.number) == [now[0]]
        assert shown(desk, kind="nonsense", which="nonsense", q="%" * 100) == []

    def test_it_says_what_and_leads_to_the_camera(self, operator, camera, alarms):
        page = person(operator).get(reverse("alarms")).content.decode()
        assert "The camera looks elsewhere than usual" in page
        assert f"?camera={camera.pk}&amp;reason=" in page
        assert 'office-count">2<' in page

    def test_the_bar_counts_and_leads_here(self, operator, alarms):
        bar = person(operator).get(reverse("camera_alarms")).content.decode()
        assert "<b>2</b>" in bar
        assert reverse("alarms") in bar

    def test_cameras_of_strangers_are_not_in_it(self, operator, police, alarms):
        raise_alarm(make_camera(make_agency("stranger", "district")).pk, "frozen")
        assert not shown(person(operator), kind="frozen")
        assert person(police.user).get(reverse("alarms")).status_code == 403

    def test_fifty_cost_no_more_questions_than_two(self, operator, owner, alarms, django_assert_max_num_queries):
        for _n in range(8):
            raise_alarm(make_camera(owner).pk, "frozen")
        desk = person(operator)
        desk.get(reverse("alarms"))
        with django_assert_max_num_queries(40):
            desk.get(reverse("alarms"))


class TestTheNewView:
    @pytest.fixture
    def moved(self, camera):
        UsualView.objects.create(camera=camera, looks=b"", detail=0.5)
        raise_alarm(camera.pk, "moved")
        return CameraAlarm.objects.get()

    def accept(self, client, alarm):
        return client.post(reverse("alarm_accept", args=[alarm.pk]), follow=True)

    def test_it_is_learnt_anew_and_on_record(self, supervisor, camera, moved):
        keeper = person(supervisor)
        assert "Accept the new view" in keeper.get(reverse("alarms")).content.decode()
        assert "is accepted" in self.accept(keeper, moved).content.decode()
        assert not UsualView.objects.exists()
        assert not CameraAlarm.objects.open().exists()
        line = Entry.objects.get(verb="camera.view_accepted")
        assert (line.actor, line.detail["since"]) == (supervisor, moved.began_at.isoformat())

    def test_it_needs_the_right(self, operator, moved):
        desk = person(operator)
        assert "Accept the new view" not in desk.get(reverse("alarms")).content.decode()
        assert "do not have the right" in self.accept(desk, moved).content.decode()
        assert CameraAlarm.objects.open().exists()

    def test_a_right_without_the_camera_is_none(self, operator, moved):
        keeper = person(allow(operator, "accept_view"))
        type(moved.camera).objects.update(excluded_at=timezone.now(), excluded_reason="private")
        assert self.accept(keeper, moved).status_code == 404
        assert CameraAlarm.objects.open().exists()

    def test_once_it_is_over_nothing_is_accepted(self, supervisor, camera, moved):
        clear_alarm(camera.pk, "moved")
        assert "alarm is over" in self.accept(person(supervisor), moved).content.decode()
        assert UsualView.objects.exists()

    @pytest.mark.parametrize("kind", ["covered", "disk"])
    def test_other_alarms_have_no_view_to_accept(self, kind, supervisor, camera):
        raise_alarm(camera.pk, kind)
        assert self.accept(person(supervisor), CameraAlarm.objects.get()).status_code == 404
