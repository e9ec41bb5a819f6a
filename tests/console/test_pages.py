"""What each role is shown, and what it is not."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils import timezone

from apps.linked_services.actions import advance, receive
from apps.mous.actions import revoke
from apps.mous.models import MediaKind
from apps.video.models import Segment
from tests.cast import PASSWORD, Role, allow, make_camera, make_user
from tests.linked_services.calls import checked

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_english(client):
    client.cookies["django_language"] = "en"


@pytest.fixture
def incident(police, camera):
    return receive(police.agency, checked(), by=police.user).incident


def text(answer) -> str:
    return answer.content.decode()


def htmx(client, address: str, about: str = "", **form):
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver/console/{about}"}
    return client.post(address, form, headers=headers) if form else client.get(address, headers=headers)


@pytest.mark.parametrize(
    ("role", "first_page"),
    [
        (Role.OPERATOR, "/console/"),
        (Role.SUPERVISOR, "/console/"),
        (Role.ADMINISTRATOR, "/admin/"),
        (Role.AUDITOR, "/checks/"),
        (Role.LIAISON, "/agency/"),
        (Role.OFFICER, "/agency/"),
        (Role.OWNER, "/agency/"),
    ],
)
def test_everybody_starts_at_their_own_page(client, centre, role, first_page):
    client.force_login(make_user("someone", centre, role))
    assert client.get("/").url == first_page


def test_an_agencys_own_administrator_starts_with_its_members(client, police):
    client.force_login(make_user("someone", police.agency, Role.ADMINISTRATOR))
    assert client.get("/").url == "/members/"


def test_nobody_goes_round_in_circles_before_the_administration(client, police):
    client.force_login(police.user)
    assert client.get("/admin/").url == "/admin/login/?next=/admin/"
    assert client.get("/admin/login/?next=/admin/").status_code == 403


def test_a_member_of_nothing_is_shown_nothing(client, incident, camera):
    client.force_login(make_user("stranger"))
    assert client.get("/").url == "/agency/"
    page = text(client.get("/agency/"))
    assert incident.number not in page and camera.number not in page


@pytest.mark.parametrize("address", ["/", "/console/", "/console/queue/", "/agency/", "/agency/provisions/"])
def test_nobody_gets_in_without_signing_in(client, db, address):
    answer = client.get(address)
    assert answer.status_code == 302
    assert answer.url.startswith("/sign-in/")


def test_signing_in_and_out(client, police):
    assert client.post("/sign-in/", {"username": "police", "password": PASSWORD}).url == "/"
    assert client.post("/sign-out/").url == "/sign-in/"
    assert client.get("/agency/").status_code == 302


def test_a_wrong_password_says_what_happened(client, police):
    answer = client.post("/sign-in/", {"username": "police", "password": "wrong"})
    assert "do not belong together" in text(answer)


@pytest.mark.parametrize("address", ["/console/", "/console/queue/", "/console/work/", "/console/search/?q=ab"])
def test_the_desk_is_for_the_centre_only(client, police, address):
    client.force_login(police.user)
    answer = client.get(address)
    assert answer.status_code == 403
    assert "not for your role" in text(answer)


def test_the_operator_sees_the_call_and_its_cameras(client, operator, incident, camera):
    client.force_login(operator)
    page = text(client.get(f"/console/?incident={incident.number}"))
    assert f'data-live="/api/v1/cameras/{camera.pk}/live?incident={incident.number}"' in page
    assert "a man with a black cap" in page
    assert "Urgent protection of life" in page  # who sees it, and why
    assert 'value="acknowledge"' in page and 'value="arrive"' not in page


def test_an_unknown_incident_is_not_there(client, operator):
    client.force_login(operator)
    assert client.get("/console/?incident=1").status_code == 404
    assert client.get("/console/?camera=1").status_code == 404
    assert client.get("/console/?camera=%27%3B--").status_code == 404


def test_parts_are_about_what_the_page_is_about(client, operator, incident):
    client.force_login(operator)
    about = f"?incident={incident.number}"
    assert incident.number in text(htmx(client, "/console/work/", about))
    assert "data-map-subject" not in text(htmx(client, "/console/work/"))
    assert 'aria-current="true"' in text(htmx(client, "/console/queue/", about))


def test_a_camera_opens_without_an_incident_with_a_reason(client, operator, camera):
    client.force_login(operator)
    page = text(client.get(f"/console/?camera={camera.pk}&reason=patrol"))
    assert f"/api/v1/cameras/{camera.pk}/live?incident=none&amp;reason=patrol" in page


def test_the_operator_adds_a_camera_in_the_last_place(client, operator, incident, far_camera):
    client.force_login(operator)
    page = text(client.get(f"/console/?incident={incident.number}&camera={far_camera.pk}"))
    first, last = page.index("is-hero"), page.index(f"/cameras/{far_camera.pk}/live")
    assert first < last


def test_a_camera_of_an_owner_outside_the_centre_is_not_offered(client, operator, incident, police):
    alien = make_camera(police.agency)
    client.force_login(operator)
    assert client.get(f"/console/?camera={alien.pk}&reason=x").status_code == 404
    assert f"/cameras/{alien.pk}/live" not in text(
        client.get(f"/console/?incident={incident.number}&camera={alien.pk}")
    )
    assert "data-camera-id" not in text(client.get(f"/console/search/?q={alien.number}"))


def test_moving_an_incident_on(client, operator, incident):
    client.force_login(operator)
    step = {"number": incident.number, "before": "reported", "event": "acknowledge"}
    answer = htmx(client, "/console/advance/", f"?incident={incident.number}", **step)
    assert answer.status_code == 200
    assert "Acknowledged" in text(answer)
    incident.refresh_from_db()
    assert incident.state == "acknowledged"


def test_a_stale_page_moves_nothing_and_says_so(client, operator, incident):
    client.force_login(operator)
    advance(incident, "acknowledge", by=operator)
    step = {"number": incident.number, "before": "reported", "event": "dispatch"}
    answer = htmx(client, "/console/advance/", f"?incident={incident.number}", **step)
    assert answer.status_code == 409
    assert "just been changed by someone else" in text(answer)
    incident.refresh_from_db()
    assert incident.state == "acknowledged"


def test_moving_on_works_as_plain_html(client, operator, incident):
    client.force_login(operator)
    step = {"number": incident.number, "before": "reported", "event": "close", "outcome": "false_alarm", "note": "cat"}
    assert client.post("/console/advance/", step).url == f"/console/?incident={incident.number}"
    assert incident.events.order_by("-seq").first().detail["note"] == "False alarm. cat"


@pytest.mark.parametrize("event", ["", "explode", "reported"])
def test_an_unknown_step_is_refused(client, operator, incident, event):
    client.force_login(operator)
    step = {"number": incident.number, "before": "reported", "event": event}
    assert client.post("/console/advance/", step).status_code == 404


def test_an_agency_moves_nothing_on_from_the_desk(client, police, incident):
    client.force_login(police.user)
    step = {"number": incident.number, "before": "reported", "event": "close"}
    assert client.post("/console/advance/", step).status_code == 403


def test_the_callers_words_are_text(client, operator, police, camera):
    call = checked(description="<script>alert(1)</script>", place='"><img src=x>')
    incident = receive(police.agency, call, by=police.user).incident
    client.force_login(operator)
    page = text(client.get(f"/console/?incident={incident.number}"))
    assert "<script>alert" not in page and "<img src=x>" not in page


def test_searching(client, operator, incident, camera):
    client.force_login(operator)
    found = text(client.get("/console/search/", {"q": camera.number}))
    assert camera.number in found
    assert incident.number in text(client.get("/console/search/", {"q": "City Hall"}))
    assert "Nothing with" in text(client.get("/console/search/", {"q": "<b>%"}))
    assert text(client.get("/console/search/", {"q": "x"})).strip() == ""


def test_the_agency_sees_what_is_provided_to_it(client, police, incident, camera):
    client.force_login(police.user)
    page = text(client.get("/agency/"))
    assert f"/api/v1/cameras/{camera.pk}/live" in page
    assert police.mou.document_number in page
    assert "Order a clip" in page


def test_a_clip_is_proposed_up_to_what_is_whole_on_disk(client, police, incident, camera):
    client.force_login(police.user)
    proposed = lambda: client.get("/agency/provisions/").context["shown"][0]  # noqa: E731
    assert proposed().clip_from < proposed().clip_to <= timezone.now()
    closed = timezone.now().replace(microsecond=0) - timedelta(seconds=40)
    fields = {"camera": camera, "session": 1, "bytes": 100, "init_bytes": 10, "codec": "avc1.42c01e"}
    fields |= {"width": 640, "height": 360}
    minute = timedelta(minutes=1)
    whole = {"sha256": "0" * 64, "state": Segment.State.CLOSED}
    Segment.objects.create(started_at=closed - minute, ended_at=closed, **fields, **whole)
    Segment.objects.create(started_at=closed, **fields)
    assert proposed().clip_to == closed


def test_another_agency_sees_nothing_of_it(client, fire, incident, camera):
    client.force_login(fire.user)
    page = text(client.get("/agency/"))
    assert "Nothing is being provided to your agency now" in page
    assert incident.number not in page and camera.number not in page


def test_a_closed_incident_goes_dark_and_says_when(client, police, operator, incident, camera):
    advance(incident, "close", by=operator)
    client.force_login(police.user)
    page = text(client.get("/agency/provisions/"))
    at = timezone.localtime(incident.closed_at).strftime("%H:%M:%S")
    assert f"The incident was closed at {at}." in page
    assert "camera-tile" not in page


def test_a_revoked_provision_is_gone(client, police, supervisor, incident):
    revoke(incident.provisions.get(), by=allow(supervisor, "revoke_provision"), reason="mistake")
    client.force_login(police.user)
    assert incident.number not in text(client.get("/agency/"))


def test_a_live_only_provision_offers_no_clip(client, police, camera):
    police.mou.kinds = [MediaKind.LIVE]
    police.mou.save()
    receive(police.agency, checked(), by=police.user)
    client.force_login(police.user)
    page = text(client.get("/agency/"))
    assert "camera-tile" in page
    assert "Order a clip" not in page and "still.jpg" not in page


def test_an_owner_sees_how_its_cameras_are(client, owner, centre):
    dead = make_camera(owner, rtsp_url="rtsp://127.0.0.1/1", status="serious", status_reason="no answer")
    client.force_login(make_user("district", owner, Role.OWNER))
    page = text(client.get("/agency/"))
    assert dead.number in page and "no answer" in page


def test_exercise_is_written_across_the_page(client, operator, police, owner):
    make_camera(owner, is_virtual=True)
    incident = receive(police.agency, checked(exercise=True), by=police.user).incident
    client.force_login(operator)
    assert "exercise-band" in text(client.get(f"/console/?incident={incident.number}"))
    client.force_login(police.user)
    assert "exercise-band" in text(client.get("/agency/"))


def test_the_queue_costs_the_same_however_long(client, operator, police, camera, django_assert_max_num_queries):
    client.force_login(operator)
    for _ in range(3):
        receive(police.agency, checked(), by=police.user)
    with django_assert_max_num_queries(15):
        few = text(client.get("/console/queue/"))
    for _ in range(10):
        receive(police.agency, checked(), by=police.user)
    with django_assert_max_num_queries(15):
        many = text(client.get("/console/queue/"))
    assert many.count('class="row ') == few.count('class="row ') + 10


def test_in_a_flood_of_calls_the_urgent_one_stays_in_the_list(client, operator, police, camera, monkeypatch):
    monkeypatch.setattr("apps.console.operator_page.OPEN_SHOWN", 2)
    client.force_login(operator)
    urgent, *others = [
        receive(police.agency, checked(grade=grade), by=police.user).incident
        for grade in ("urgent", "normal", "normal", "normal")
    ]
    page = client.get("/console/queue/", headers={"accept-language": "en"})
    assert [incident.number for incident in page.context["new"]] == [urgent.number, others[-1].number]
    assert "2 more open calls are not in this list" in text(page)
    advance(others[0], "acknowledge", by=operator)
    page = client.get("/console/queue/", headers={"accept-language": "en"})
    assert [incident.number for incident in page.context["in_hand"]] == [others[0].number], "what is worked on stays"
    assert "1 more open call is not in this list" in text(page)


def test_the_agency_page_costs_the_same_however_long(client, police, camera, django_assert_max_num_queries):
    client.force_login(police.user)
    for _ in range(8):
        receive(police.agency, checked(), by=police.user)
    with django_assert_max_num_queries(16):
        assert text(client.get("/agency/provisions/")).count("<article") == 8


def test_languages(client, police):
    client.force_login(police.user)
    assert client.post("/language/", {"language": "ko", "next": "/agency/"}).url == "/agency/"
    assert '<html lang="ko"' in text(client.get("/agency/"))


def test_the_exercise_call_is_for_the_demonstration_and_the_staff(client, police, operator, settings):
    client.force_login(police.user)
    settings.DEMO = True
    assert client.post("/demo-call/").status_code == 403
    settings.DEMO = False
    client.force_login(operator)
    assert client.post("/demo-call/").status_code == 404
    assert client.get("/demo-call/").status_code == 405


def test_demo_sign_ins_are_shown_in_the_demonstration_only(client, police, settings, tmp_path):
    settings.VAR_DIR = tmp_path
    (tmp_path / "demo.json").write_text('{"users": [{"username": "police", "password": "shown"}]}')
    settings.DEMO = True
    assert "shown" in text(client.get("/sign-in/"))
    settings.DEMO = False
    assert "shown" not in text(client.get("/sign-in/"))


def test_pages_allow_no_inline_script(client, operator, incident):
    client.force_login(operator)
    policy = client.get("/console/").headers["Content-Security-Policy"]
    assert "unsafe-inline" not in policy and "unsafe-eval" not in policy
    assert "'nonce-" in policy


def test_error_pages_are_ours(client, operator):
    client.force_login(operator)
    assert "nothing here that you may see" in text(client.get("/nowhere/"))
    damaged = client.get("/", headers={"host": "a b"})
    assert damaged.status_code == 400 and "could not be understood" in text(damaged)


def test_the_interface_is_described_in_our_family(client):
    page = text(client.get("/api/docs/"))
    assert 'id="swagger-ui"' in page and "css/docs.css" in page and "<style" not in page


def test_a_server_error_says_what_is_safe(client, operator, monkeypatch):
    def break_down(request):
        raise RuntimeError("broken on purpose")

    monkeypatch.setattr("apps.console.operator_page.queue_context", break_down)
    client.force_login(operator)
    client.raise_request_exception = False
    answer = client.get("/console/queue/")
    assert answer.status_code == 500
    assert "Something went wrong on our side" in text(answer)


def test_times_without_video_are_told_in_the_citys_time():
    gaps = [{"from": "2026-11-21T22:41:57.000Z", "to": "2026-11-21T22:42:54.092Z"}]
    words = render_to_string("console/_gaps.html", {"gaps": gaps})
    assert "07:41:57" in words and "07:42:54" in words
