"""Holds on the centre's pages: who may place, review and release them, and what the form proposes."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.retention.models import Hold
from tests.cast import allow, make_agency, make_camera
from tests.linked_services.calls import checked
from tests.retention.conftest import NOW, custodian, hold, hour, lay  # noqa: F401
from tests.video.conftest import roots  # noqa: F401

pytestmark = pytest.mark.django_db


class Person(Client):
    def __init__(self, user):
        super().__init__(headers={"accept-language": "en"})
        self.force_login(user)

    def page(self, name: str, *args, **query):
        return self.get(f"{reverse(name, args=args)}?{urlencode(query, doseq=True)}")

    def read(self, name: str, *args, **query) -> str:
        return self.page(name, *args, **query).content.decode()


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def keeper(custodian):  # noqa: F811
    return Person(custodian)


def local(at) -> str:
    return f"{timezone.localtime(at):%Y-%m-%dT%H:%M:%S}"


def form(camera, agency, **changes) -> dict:
    return {
        "cameras": camera.number,
        "period_from": local(NOW - timedelta(minutes=5)),
        "period_until": local(NOW),
        "reason": "robbery at the bank",
        "legal_ground": "investigation",
        "document_number": "2026-1234",
        "agency": agency.pk,
        "owner": "Inspector Kim",
        "ends_at": local(timezone.now() + timedelta(days=90)),
        "review_at": local(timezone.now() + timedelta(days=30)),
        **changes,
    }


class TestPlacing:
    def test_it_takes_its_copies(self, keeper, camera, police, hour, django_capture_on_commit_callbacks):  # noqa: F811
        with django_capture_on_commit_callbacks(execute=True):
            answer = keeper.post(reverse("hold_new"), form(camera, police.agency))
        placed = Hold.objects.get()
        assert answer.headers["location"] == reverse("hold", args=[placed.pk])
        assert (list(placed.cameras.all()), placed.held.count()) == ([camera], 5)
        assert "robbery at the bank" in keeper.read("hold", placed.pk)
        assert placed.number in keeper.read("holds")

    @pytest.mark.parametrize(
        ("field", "wrong"),
        [
            ("cameras", ""),
            ("cameras", "nowhere-1"),
            ("period_until", "2026-01-01T00:00:00"),
            ("ends_at", "2026-01-01T00:00:00"),
            ("review_at", "2926-01-01T00:00:00"),
            ("period_from", "9" * 40),
            ("legal_ground", "because"),
            ("reason", "x" * 301),
        ],
    )
    def test_what_is_wrong_is_said(self, field, wrong, keeper, camera, police):
        answer = keeper.post(reverse("hold_new"), form(camera, police.agency, **{field: wrong}))
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
        assert not Hold.objects.exists()

    def test_only_what_one_may_see(self, keeper, police):
        hidden = make_camera(make_agency("stranger", "district"))
        answer = keeper.post(reverse("hold_new"), form(hidden, police.agency))
        assert "cameras" in answer.context["form"].errors

    def test_what_was_looked_at_is_proposed(self, keeper, camera, far_camera):
        shown = {"camera": [camera.pk, far_camera.pk], "from": "2026-06-01T11:00:00Z", "until": "2026-06-01T11:02:00Z"}
        proposed = keeper.page("hold_new", **shown).context["form"].initial
        assert proposed["cameras"] == ", ".join(sorted([camera.number, far_camera.number]))
        assert proposed["period_until"] - proposed["period_from"] == timedelta(minutes=2)
        around = keeper.page("hold_new", camera=camera.pk, at="2026-06-01T11:00:00Z").context["form"].initial
        assert around["period_until"] - around["period_from"] == timedelta(minutes=10)

    def test_of_an_incident_its_cameras_and_its_agency(self, keeper, police, camera, incident):
        proposed = keeper.page("hold_new", incident=incident.number).context["form"].initial
        assert (proposed["cameras"], proposed["agency"]) == (camera.number, police.agency.pk)
        assert proposed["period_from"] < incident.occurred_at < proposed["period_until"]

    @pytest.mark.parametrize("query", [{"camera": "x"}, {"incident": "../1"}, {"camera": "9" * 30}])
    def test_an_address_that_means_nothing_is_not_found(self, query, keeper):
        assert keeper.page("hold_new", **query).status_code == 404

    @pytest.mark.parametrize("query", [{"at": "yesterday"}, {"from": "2026-13-45T00:00:00Z", "until": "x"}])
    def test_a_time_that_means_nothing_is_left_out(self, query, keeper):
        assert keeper.page("hold_new", **query).context["form"].initial["period_from"] is None


class TestReviewAndRelease:
    def test_a_review_is_on_record_and_asked_for_again(self, keeper, camera, hold):  # noqa: F811
        placed = hold(camera)
        Hold.objects.update(review_at=timezone.now() - timedelta(days=1))
        assert 'office-count">1<' in keeper.read("holds")
        later = timezone.now() + timedelta(days=200)
        step = {"ends_at": local(later), "review_at": local(later), "reason": "trial begins in May"}
        assert keeper.post(reverse("hold_change", args=[placed.pk, "review"]), step).status_code == 302
        assert Entry.objects.get(verb="hold.reviewed").detail["reason"] == "trial begins in May"
        assert "office-count" not in keeper.read("holds")

    def test_a_release_ends_it(self, keeper, camera, hold):  # noqa: F811
        placed = hold(camera)
        keeper.post(reverse("hold_change", args=[placed.pk, "release"]), {"reason": "case dropped"})
        assert not Hold.objects.in_force().exists()
        page = keeper.read("hold", placed.pk)
        assert "case dropped" in page
        assert "Release" not in page
        assert placed.number not in keeper.read("holds")
        assert placed.number in keeper.read("holds", which="all")

    def test_without_a_reason_nothing_happens(self, keeper, camera, hold):  # noqa: F811
        placed = hold(camera)
        answer = keeper.post(reverse("hold_change", args=[placed.pk, "release"]), {"reason": " "})
        assert (answer.status_code, Hold.objects.in_force().count()) == (422, 1)

    def test_an_unknown_step_is_not_found(self, keeper, camera, hold):  # noqa: F811
        assert keeper.post(reverse("hold_change", args=[hold(camera).pk, "keep"])).status_code == 404


class TestWhoMay:
    def test_who_has_no_right_sees_none_of_it(self, operator, police, camera, hold):  # noqa: F811
        placed = hold(camera)
        for person in map(Person, (operator, police.user)):
            for name, args in (("holds", []), ("hold", [placed.pk]), ("hold_new", [])):
                assert person.page(name, *args).status_code == 403
            assert person.post(reverse("hold_change", args=[placed.pk, "release"]), {"reason": "x"}).status_code == 403
        assert Hold.objects.in_force().exists()

    def test_each_step_needs_its_own_right(self, operator, camera, hold, incident):  # noqa: F811
        placed = hold(camera)
        placer = Person(allow(operator, "place_hold"))
        assert "Release" not in placer.read("hold", placed.pk)
        placer.post(reverse("hold_change", args=[placed.pk, "release"]), {"reason": "x"})
        assert Hold.objects.in_force().exists()
        assert reverse("hold_new") in placer.read("operator", incident=incident.number)

    def test_the_button_is_there_for_those_who_may(self, operator, police, camera, incident):
        looking = {"camera": camera.pk, "reason": "lost child"}
        assert reverse("hold_new") not in Person(operator).read("playback_page", **looking)
        placer = Person(allow(operator, "place_hold"))
        assert f"{reverse('hold_new')}?incident=&amp;camera={camera.pk}" in placer.read("playback_page", **looking)
