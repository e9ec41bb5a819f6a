"""Pages of agreements and provision: who has them, and what they do."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.cameras.models import Camera
from apps.linked_services.actions import advance, receive
from apps.mous import requests
from apps.mous.actions import Wish, break_glass
from apps.mous.gate import decide
from apps.mous.models import Mou, Provision, ProvisionRequest, UrgentReview, UseResult
from tests.cast import Role, allow, make_agency, make_mou, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def pages_in_english(client):
    client.cookies["django_language"] = "en"


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


@pytest.fixture
def desk(operator):
    return allow(operator, "provide", "break_glass", "revoke_provision")


@pytest.fixture
def keeper(owner, centre):
    return make_user("keeper", owner, Role.OWNER)


def text(answer) -> str:
    return answer.content.decode()


def local(hours: float) -> str:
    return f"{timezone.localtime() + timedelta(hours=hours):%Y-%m-%dT%H:%M:%S}"


CENTRE = ["provisions", "provide", "requests", "urgent_reviews"]
AGENCY = ["agency_requests", "agency_answers"]


@pytest.mark.parametrize("name", CENTRE)
def test_the_centres_pages(name, client, operator, police, incident):
    client.force_login(police.user)
    assert client.get(reverse(name)).status_code == 403
    client.force_login(operator)
    assert client.get(reverse(name)).status_code == 200


@pytest.mark.parametrize("name", AGENCY)
def test_an_agencys_pages(name, client, operator, police, incident):
    client.force_login(operator)
    assert client.get(reverse(name)).status_code == 403
    client.force_login(police.user)
    assert client.get(reverse(name)).status_code == 200


def test_the_owners_page(client, operator, police, keeper, camera, incident):
    for person in (operator, police.user):
        client.force_login(person)
        assert client.get(reverse("own_cameras")).status_code == 403
    client.force_login(keeper)
    page = text(client.get(reverse("own_cameras")))
    assert camera.number in page and police.agency.name in page
    address = reverse("camera_sharing", args=[camera.pk])
    client.post(address, {"keep_back": "", "reason": "inside a school"})
    assert decide(Principal.of(police.user), camera.pk).code == "camera_withdrawn"
    assert "inside a school" in text(client.get(reverse("own_cameras")))
    client.post(address, {"share": ""})
    assert decide(Principal.of(operator), camera.pk).is_open


def test_another_owners_camera_is_not_there(client, camera):
    client.force_login(make_user("stranger", make_agency("other", "district"), Role.OWNER))
    assert client.post(reverse("camera_sharing", args=[camera.pk]), {"keep_back": "", "reason": "x"}).status_code == 404


def provide_form(given_to, camera, **changes) -> dict:
    return {
        "way": "operator",
        "agency": given_to.pk,
        "numbers": camera.number,
        "kinds": ["live"],
        "until": local(1),
        "reason": "last seen there",
        **changes,
    }


def test_an_operator_provides_from_the_page(client, desk, police, far_camera, incident):
    client.force_login(desk)
    page = client.get(reverse("provide") + f"?incident={incident.number}")
    assert "robbery" in text(page).lower()
    answer = client.post(reverse("provide"), provide_form(police.agency, far_camera, incident=incident.number))
    provision = Provision.objects.get(way="operator")
    assert answer.url == reverse("provision", args=[provision.pk])
    assert far_camera.number in text(client.get(answer.url))
    assert decide(Principal.of(police.user), far_camera.pk).is_open


def test_what_was_looked_at_is_proposed(client, desk, camera, far_camera, incident):
    client.force_login(desk)
    marked = f"camera={camera.pk}&camera={far_camera.pk}&from=2026-03-08T09:30:00Z&until=2026-03-08T09:32:00Z"
    proposed = client.get(f"{reverse('provide')}?incident={incident.number}&{marked}").context["form"].initial
    assert (proposed["cameras"], proposed["numbers"]) == ([camera.pk], far_camera.number)
    assert proposed["recorded_until"] - proposed["recorded_from"] == timedelta(minutes=2)
    assert proposed["kinds"] == ["recorded"]
    assert client.get(f"{reverse('provide')}?camera=x").status_code == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"numbers": "no-such"},
        {"numbers": ""},
        {"kinds": ["sound"]},
        {"until": "soon"},
        {"until": "1999-01-01T00:00:00"},
        {"reason": ""},
        {"agency": 0},
        {"way": "magic"},
        {"recorded_from": local(-1)},
        {"numbers": "x " * 60},
        {"cameras": ["1; drop table"]},
    ],
)
def test_what_is_wrong_with_the_form_is_said_and_nothing_opens(changes, client, desk, police, camera):
    client.force_login(desk)
    answer = client.post(reverse("provide"), provide_form(police.agency, camera, **changes))
    assert answer.status_code == 422
    assert answer.context["form"].errors
    assert not Provision.objects.exists()


def test_narrowed_extended_and_revoked_from_the_page(client, desk, police, camera):
    client.force_login(desk)
    client.post(reverse("provide"), provide_form(police.agency, camera, kinds=["live", "still"]))
    provision = Provision.objects.get()
    change = lambda verb, **form: client.post(  # noqa: E731
        reverse("provision_change", args=[provision.pk, verb]), {f"{verb}-{name}": v for name, v in form.items()}
    )
    assert change("narrow", kinds=["still"], reason="live is enough").status_code == 302
    assert change("extend", until=local(3), reason="goes on").status_code == 302
    assert change("extend", until="", reason="goes on").status_code == 422
    assert change("revoke", reason="").status_code == 422
    assert change("dance", reason="x").status_code == 404
    provision.refresh_from_db()
    assert provision.kinds == ["live"] and provision.revoked_at is None
    assert change("revoke", reason="found").status_code == 302
    assert decide(Principal.of(police.user), camera.pk).code == "provision_revoked"
    page = text(client.get(reverse("provision", args=[provision.pk])))
    assert "found" in page and "goes on" in page


def test_break_glass_shows_on_the_supervisors_desk_until_it_is_reviewed(client, desk, supervisor, police, camera):
    client.force_login(desk)
    client.post(reverse("provide"), provide_form(police.agency, camera, way="urgent"))
    review = UrgentReview.objects.get()
    assert "data-break-glass" not in text(client.get("/console/queue/"))
    client.force_login(supervisor)
    assert f'data-break-glass="{review.pk}"' in text(client.get("/console/queue/"))
    address = reverse("urgent_review", args=[review.pk])
    client.post(address, {"verdict": "justified", "note": ""})
    assert UrgentReview.objects.get().reviewed_at is None
    client.post(address, {"verdict": "justified", "note": "a man in the water"})
    assert "data-break-glass" not in text(client.get("/console/queue/"))
    assert "a man in the water" in text(client.get(reverse("urgent_reviews")))


def request_form(**changes) -> dict:
    return {
        "place": "bank",
        "kinds": ["recorded"],
        "recorded_from": local(-30),
        "recorded_until": local(-29),
        "legal_ground": "investigation",
        "document_number": "2026-77",
        "purpose": "bank robbery",
        "incident_number": "",
        **changes,
    }


def test_from_request_to_provision(client, police, supervisor, camera):
    client.force_login(police.user)
    assert client.post(reverse("agency_requests"), request_form()).status_code == 302
    asked = ProvisionRequest.objects.get()
    client.force_login(supervisor)
    assert "2026-77" in text(client.get(reverse("requests")))
    address = reverse("request", args=[asked.pk])
    assert address in text(client.get("/console/queue/"))
    client.post(address, {"approve": "", "reason": "warrant seen"})
    assert address not in text(client.get("/console/queue/"))
    assert client.post(address, {"provide": "", "numbers": "nothing-like-it"}).status_code == 422
    client.post(address, {"provide": "", "numbers": camera.number})
    asked.refresh_from_db()
    assert asked.state == "provided"
    client.force_login(police.user)
    page = text(client.get("/agency/"))
    assert asked.provision.number in page and "Recorded video only" in page
    assert "Nothing is being provided" not in page
    assert "warrant seen" in text(client.get(reverse("agency_requests")))


def test_cameras_of_a_request_are_found_by_their_place_and_ticked(client, police, supervisor, camera, far_camera):
    client.force_login(police.user)
    client.post(reverse("agency_requests"), request_form(place=camera.number))
    address = reverse("request", args=[ProvisionRequest.objects.get().pk])
    client.force_login(supervisor)
    client.post(address, {"approve": ""})
    tick = '<input type="checkbox" name="cameras" value="{}"'.format
    page = text(client.get(address))
    assert tick(camera.pk) in page and tick(far_camera.pk) not in page
    found = f"{address}?q={far_camera.number}"
    assert tick(far_camera.pk) in text(client.get(found))
    Camera.objects.filter(pk=far_camera.pk).update(excluded_at=timezone.now(), excluded_reason="undercover")
    assert "Nothing with" in text(client.get(found))
    assert client.post(found, {"provide": "", "cameras": far_camera.pk}).status_code == 422
    assert client.post(address, {"provide": "", "cameras": camera.pk}).status_code == 302


@pytest.mark.parametrize(
    "changes",
    [
        {"recorded_until": local(-31)},
        {"legal_ground": "curiosity"},
        {"kinds": ["person_card"]},
        {"document_number": ""},
        {"incident_number": "260101-000001"},
        {"purpose": "x" * 301},
    ],
)
def test_a_request_that_lacks_something(changes, client, police):
    client.force_login(police.user)
    assert client.post(reverse("agency_requests"), request_form(**changes)).status_code == 422
    assert not ProvisionRequest.objects.exists()


def test_requests_of_others_are_not_there(client, police, fire):
    details = {name: value for name, value in request_form().items() if name != "incident_number"}
    details |= {"recorded_from": timezone.now() - timedelta(hours=2), "recorded_until": timezone.now()}
    asked = requests.ask(police.agency, by=police.user, **details)
    client.force_login(fire.user)
    assert client.post(reverse("request_withdraw", args=[asked.pk])).status_code == 404
    assert "2026-77" not in text(client.get(reverse("agency_requests")))
    client.force_login(police.user)
    client.post(reverse("request_withdraw", args=[asked.pk]))
    asked.refresh_from_db()
    assert asked.state == "withdrawn"


def test_an_agency_reports_its_own_results_only(client, police, fire, operator, incident):
    provision = incident.provisions.get()
    advance(incident, "close", by=operator)
    address = reverse("use_result", args=[provision.pk])
    client.force_login(fire.user)
    assert client.post(address, {"outcome": "helped"}).status_code == 404
    assert not UseResult.objects.exists()
    client.force_login(police.user)
    assert provision.number in text(client.get(reverse("agency_answers")))
    client.post(address, {"outcome": "miracle"})
    assert not UseResult.objects.exists()
    client.post(address, {"outcome": "arrest", "text": "near the bridge"})
    assert UseResult.objects.get().text == "near the bridge"


# --- agreements ------------------------------------------------------------------------


def test_an_agreement_explains_itself_to_its_parties_only(client, police, fire, operator):
    address = reverse("agreement", args=[police.mou.pk])
    for person in (police.user, operator):
        client.force_login(person)
        page = text(client.get(address))
        assert "It is in force now." in page and "112 on-site video" in page and "may not pass it on" in page
        assert police.mou.document_number in text(client.get(reverse("agreements")))
    client.force_login(fire.user)
    assert client.get(address).status_code == 404
    assert police.mou.document_number not in text(client.get(reverse("agreements")))
    assert client.get(reverse("agreement_of_kind", args=["treaty", 1])).status_code == 404


def test_both_parties_sign_from_their_pages(client, police, supervisor):
    mou = make_mou(police.agency, state="reviewed")
    address = reverse("agreement_sign", args=["mou", mou.pk])
    client.force_login(police.user)
    assert "Agreements <b>1</b>" in text(client.get("/agency/"))
    client.post(address, {"word": "hold_out", "reason": "too wide"})
    client.force_login(supervisor)
    assert "too wide" in text(client.get(reverse("agreement", args=[mou.pk])))
    client.post(address, {"word": "consent"})
    mou.refresh_from_db()
    assert mou.state == "reviewed"
    client.force_login(police.user)
    client.post(address, {"word": "consent"})
    mou.refresh_from_db()
    assert mou.state == "signed"
    assert "Agreements <b>" not in text(client.get("/agency/"))


def test_who_may_not_sign_is_not_offered_to(client, police, operator, fire):
    mou = make_mou(police.agency, state="reviewed")
    client.force_login(operator)
    assert "I consent" not in text(client.get(reverse("agreement", args=[mou.pk])))
    client.post(reverse("agreement_sign", args=["mou", mou.pk]), {"word": "consent"})
    client.force_login(fire.user)
    assert client.post(reverse("agreement_sign", args=["mou", mou.pk]), {"word": "consent"}).status_code == 404
    assert not mou.consents.exists()


def test_break_glass_without_agreement_shows_on_the_agencys_page(client, desk, camera):
    rescuers = make_agency("coastguard", "fire")
    until = timezone.now() + timedelta(hours=1)
    provision = break_glass(Wish(rescuers, [camera.pk], ["live", "recorded"], until, "man overboard"), by=desk)
    client.force_login(make_user("diver", rescuers))
    page = text(client.get("/agency/"))
    assert provision.number in page and f"/api/v1/cameras/{camera.pk}/live" in page and "man overboard" in page
    assert not Mou.objects.exists()
