"""Agreements in the administration: written by one person, signed by another."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import Entry
from apps.linked_services.actions import receive
from apps.mous.actions import refuse
from apps.mous.agreements import consent
from apps.mous.models import LegalGround, MediaKind, Mou, Provision
from tests.cast import Role, allow, make_mou, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


def staff(name: str, centre, *codenames: str) -> Client:
    user = allow(make_user(name, centre, Role.ADMINISTRATOR, is_staff=True), *codenames)
    client = Client(headers={"accept-language": "en"})
    client.force_login(user)
    return client


@pytest.fixture
def writer(centre):
    return staff("writer", centre, "add_mou", "change_mou", "view_mou")


@pytest.fixture
def signer(centre):
    return staff("signer", centre, "review_mou", "sign_mou", "suspend_mou", "view_mou")


def form(agency, **changes) -> dict:
    now = timezone.localtime()
    return {
        "agency": agency.pk,
        "document_number": "2026-1",
        "services": ["112-onsite"],
        "incident_types": ["robbery"],
        "kinds": [MediaKind.LIVE],
        "legal_ground": LegalGround.URGENT,
        "purpose": "to see the scene",
        "starts_at_0": f"{now:%Y-%m-%d}",
        "starts_at_1": "00:00:00",
        "ends_at_0": f"{now + timedelta(days=365):%Y-%m-%d}",
        "ends_at_1": "00:00:00",
        "drawn": "",
        "purposes": [],
        "max_cameras": 9,
        "radius_m": 500,
        "outer_radius_m": 1000,
        "lookback_min": 30,
        "lookahead_min": 120,
        "open_hours": 24,
        "report_hours": 72,
        **changes,
    }


def step(client: Client, mou: Mou, verb: str):
    return client.post(reverse("admin:mou_step", args=[mou.pk, verb]), follow=True)


def test_from_draft_to_revoked(writer, signer, police):
    Mou.objects.all().delete()
    answer = writer.post(reverse("admin:mous_mou_add"), form(police.agency))
    assert answer.status_code == 302, answer.context["adminform"].errors
    mou = Mou.objects.get()
    assert (mou.state, mou.drafted_by.username, mou.signed_by) == ("draft", "writer", None)
    assert "step/review/" in signer.get(reverse("admin:mous_mou_change", args=[mou.pk])).content.decode()
    steps = [("review", "reviewed"), ("consent", "signed"), ("suspend", "suspended"), ("resume", "signed")]
    for verb, state in [*steps, ("revoke", "revoked")]:
        if verb == "consent":
            consent(mou, by=police.user)
        step(signer, mou, verb)
        mou.refresh_from_db()
        assert mou.state == state
    assert (mou.signed_by.username, mou.countersigned_by) == ("signer", police.user)
    assert [f"mou.{verb}" for verb in ("added", "review", "consent", "consent", "sign", "suspend")] == list(
        Entry.objects.filter(verb__startswith="mou.").order_by("pk").values_list("verb", flat=True)[:6]
    )


def test_the_writer_cannot_sign_even_with_the_right(writer, police):
    Mou.objects.all().delete()
    writer.post(reverse("admin:mous_mou_add"), form(police.agency))
    mou = Mou.objects.get()
    mou.drafted_by.user_permissions.add(*Permission.objects.filter(codename__in=["sign_mou", "review_mou"]))
    assert "another person" in (page := step(writer, mou, "review").content.decode())
    assert "step/review/" not in page
    Mou.objects.update(state="reviewed")
    assert "another person" in (page := step(writer, mou, "consent").content.decode())
    assert "step/send_back/" in page and "step/consent/" not in page
    mou.refresh_from_db()
    assert mou.state == "reviewed"


def test_no_agreement_of_the_centre_with_itself(writer, centre):
    answer = writer.post(reverse("admin:mous_mou_add"), form(centre))
    assert "agency" in answer.context["adminform"].errors


def test_without_the_right_nothing_happens(writer, police):
    mou = make_mou(police.agency, state="draft")
    assert "right" in step(writer, mou, "review").content.decode()
    assert Client().post(reverse("admin:mou_step", args=[mou.pk, "review"])).status_code == 302
    mou.refresh_from_db()
    assert mou.state == "draft"


def test_steps_are_taken_by_post_only(signer, police):
    assert signer.get(reverse("admin:mou_step", args=[police.mou.pk, "suspend"])).status_code == 404
    assert signer.post(reverse("admin:mou_step", args=[police.mou.pk, "dance"])).status_code == 404


def test_what_is_signed_is_not_edited(writer, police):
    answer = writer.post(reverse("admin:mous_mou_change", args=[police.mou.pk]), form(police.agency))
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"services": []}, "services"),
        ({"services": ["tea"]}, "services"),
        ({"incident_types": ["fire"]}, "incident_types"),
        ({"kinds": []}, "kinds"),
        ({"ends_at_0": "2020-01-01"}, "ends_at"),
        ({"outer_radius_m": 10}, "outer_radius_m"),
        ({"drawn": "not a shape"}, "drawn"),
        ({"document_number": ""}, "document_number"),
    ],
)
def test_bad_fields_are_named(changes, field, writer, police):
    Mou.objects.all().delete()
    answer = writer.post(reverse("admin:mous_mou_add"), form(police.agency, **changes))
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Mou.objects.exists()


@pytest.mark.parametrize("model", ["mous_mou", "mous_provision", "mous_ledgerentry", "viewing_viewlog", "audit_entry"])
def test_nothing_of_the_record_can_be_deleted(model, centre, police):
    root = make_user("root", centre, Role.ADMINISTRATOR, is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(root)
    assert client.get(reverse(f"admin:{model}_changelist")).status_code == 200
    answer = client.post(reverse(f"admin:{model}_delete", args=[police.mou.pk]), {"post": "yes"})
    assert answer.status_code == 403
    assert Mou.objects.filter(pk=police.mou.pk).exists()


def test_codes_are_shown_as_words(centre, police, camera):
    refuse(police.agency, "outside_area", purpose="a call", officer="112")
    receive(police.agency, checked(), by=police.user)
    desk = staff("reader", centre, "view_apikey", "view_provision", "view_ledgerentry")
    pages = {
        "agencies/apikey/": ["Send calls and move its own incidents on", "112 on-site video"],
        "mous/provision/": ["112 on-site video"],
        "mous/ledgerentry/": ["The place lies outside the area of the agreement."],
    }
    for address, words in pages.items():
        page = desk.get(f"/admin/{address}").content.decode()
        assert all(word in page for word in words), address
        assert "112-onsite<" not in page and ">outside_area<" not in page, address
    provision = desk.get(f"/admin/mous/provision/{Provision.objects.get().pk}/change/").content.decode()
    assert "Live video, Recorded video, Still picture" in provision
    key = desk.get(f"/admin/agencies/apikey/{police.key.pk}/change/").content.decode()
    assert "See cameras, video and incidents" in key


def test_the_drawing_buttons_of_the_map_speak_the_pages_language(centre, police, owner):
    draft = make_mou(police.agency, state=Mou.State.DRAFT)
    desk = staff("reader", centre, "view_mou", "change_mou")
    page = desk.get(f"/admin/mous/mou/{draft.pk}/change/").content.decode()
    assert '<script id="with-forms" type="application/json">true</script>' in page
    assert '<script id="draw-toolbar-buttons-polygon" type="application/json">"Draw a polygon"</script>' in page
