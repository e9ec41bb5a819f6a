"""Clips and their public check in a browser."""

# ruff: noqa: F811  (fixtures of other modules)

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.video import actions, tasks
from apps.video.models import Clip
from apps.viewing.models import ProvidedCopy
from tests.console.test_browser import check, database_beside_the_browser, incident, page, plain_http, sign_in  # noqa: F401
from tests.video.conftest import roots  # noqa: F401
from tests.video.filming import film
from tests.video.test_cutting import START, after

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def clip(roots, camera):
    film(roots, camera, START, 3)
    clip = actions.order_clip(camera.pk, after(0.5), after(2), note={"ledger_number": 17})
    tasks.cut_clips()
    clip.refresh_from_db()
    return clip


def verdict_on(page, file) -> str:
    page.set_input_files("#file", file)
    page.click(".verify-form button")
    page.wait_for_selector("[data-verdict]")
    return page.get_attribute("[data-verdict]", "data-verdict")


def test_a_citizen_checks_a_file_that_stays_at_home(page, clip, tmp_path):
    bodies = []
    page.on("request", lambda request: bodies.append(len(request.post_data_buffer or b"")))
    page.goto("/verify/")
    check(page)
    assert verdict_on(page, clip.file) == "untouched"
    assert clip.camera.number in page.inner_text(".finding")
    check(page)
    changed = tmp_path / "changed.mp4"
    data = bytearray(clip.file.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    page.goto("/verify/")
    assert verdict_on(page, changed) == "changed"
    other = tmp_path / "other.mp4"
    other.write_bytes(bytes(9_000_000))
    page.goto("/verify/")
    assert verdict_on(page, other) == "unknown"
    check(page)
    assert max(bodies) < 4000 < clip.bytes


def test_the_page_works_without_scripts(browser, live_server, clip, camera):
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, locale="ko-KR")
    try:
        page = context.new_page()
        page.goto("/verify/")
        assert verdict_on(page, clip.file) == "untouched"
        assert camera.number in page.inner_text(".finding")
    finally:
        context.close()


def test_an_order_waits_in_its_place_and_is_cancelled(page, police, operator, incident):
    sign_in(page, "police")
    page.click(".clip-order summary")
    page.check("[name=kind][value=viewing]")
    page.fill("[name=to]", f"{timezone.localtime() - timedelta(minutes=1):%Y-%m-%dT%H:%M:%S}")
    check(page)
    page.click(".clip-order .button-main")
    page.wait_for_selector("clip-state[data-state=queued]")
    assert "number 1 in the queue" in page.inner_text("clip-state")
    assert Clip.objects.get().kind == "viewing"
    check(page)
    page.click("[data-cancel]")
    page.wait_for_selector("clip-state", state="detached")
    assert ProvidedCopy.objects.get().clip.state == "cancelled"
