import pytest

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "asked",
    ["/console/?incident=%00", "/alarms/?q=%00", "/console/search/?q=ab%00", "/playback/?camera=%00", "/console/%00"],
)
def test_a_zero_byte_in_an_address_is_no_error_of_ours(asked, client, operator):
    client.force_login(operator)
    assert client.get(asked).status_code == 400


def test_a_system_is_told_in_its_own_way(client, camera, police):
    key = {"authorization": f"Bearer {police.token}"}
    answer = client.get(f"/api/v1/cameras/{camera.pk}/timeline?incident=%00", headers=key)
    assert (answer.status_code, list(answer.json())) == (400, ["incident"])
    answer = client.get("/api/v1/cameras/%00/timeline", headers=key)
    assert (answer.status_code, list(answer.json())) == (400, ["detail"])


def test_nor_in_a_form(client, operator):
    client.force_login(operator)
    form = "number=%00&event=close&before=reported"
    assert client.post("/console/advance/", form, "application/x-www-form-urlencoded").status_code == 400


def test_nor_in_what_a_refreshed_part_says_of_its_page(client, operator):
    client.force_login(operator)
    page = {"HX-Request": "true", "HX-Current-URL": "http://testserver/console/?incident=%00"}
    assert client.get("/console/work/", headers=page).status_code == 400
