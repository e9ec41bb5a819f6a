import pytest
from django.contrib.admin.sites import site as admin_site
from django.core.exceptions import ValidationError
from django.urls import reverse

from apps.agencies.sittings import give_pledge
from apps.audit.models import Entry
from apps.cameras.forms import PositionField
from apps.cameras.models import Camera, District, Dong, Site

pytestmark = pytest.mark.django_db
MODELS = [Camera, Site, District, Dong]


@pytest.fixture
def admin(admin_client, admin_user, districts, camera):
    give_pledge(admin_user, text="as in the centre's form")
    for turn in range(20):
        camera(f"C-{turn}")
    return admin_client


@pytest.mark.parametrize("model", MODELS)
def test_lists_in_few_queries(admin, model, django_assert_max_num_queries):
    address = reverse(f"admin:cameras_{model._meta.model_name}_changelist")
    with django_assert_max_num_queries(14):
        assert admin.get(address).status_code == 200
    assert admin.get(address, {"q": "C-1"}).status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_nothing_is_deletable(admin, model):
    row = model.objects.first()
    address = reverse(f"admin:cameras_{model._meta.model_name}_delete", args=[row.pk])
    assert admin.post(address, {"post": "yes"}).status_code == 403
    assert model.objects.filter(pk=row.pk).exists()


@pytest.mark.parametrize("model", MODELS)
def test_a_row_opens(admin, model):
    row = model.objects.first()
    assert admin.get(reverse(f"admin:cameras_{model._meta.model_name}_change", args=[row.pk])).status_code == 200


def test_status_cannot_be_typed(rf, admin_user):
    request = rf.get("/")
    request.user = admin_user
    fields = admin_site.get_model_admin(Camera).get_form(request)().fields
    assert "bearing_deg" in fields
    assert not {"status", "status_reason", "status_at", "coverage"} & set(fields)


def test_a_change_is_on_record_and_moves_the_coverage(admin):
    one = Camera.objects.first()
    form = {
        "site": one.site_id, "number": one.number, "owner": one.owner_id, "purpose": "traffic", "kind": "fixed",
        "location_lon": one.location.x, "location_lat": one.location.y,
        "bearing_deg": "90", "fov_deg": "60", "range_m": "40", "retention_days": "30",
        "initial-retention_days": "30",
        "rtsp_url": one.rtsp_url, "is_enabled": "on",
    }  # fmt: skip
    answer = admin.post(reverse("admin:cameras_camera_change", args=[one.pk]), form)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    entry = Entry.objects.get(verb="camera.changed")
    assert entry.target == f"cameras.camera:{one.pk}"
    assert set(entry.detail["fields"]) == {"purpose", "bearing_deg", "fov_deg", "range_m"}
    assert Camera.objects.get(pk=one.pk).coverage != one.coverage


@pytest.mark.parametrize("model", [District, Dong])
def test_a_corrected_name_is_on_record(model, admin, admin_user):
    area = model.objects.first()
    kind = area._meta.model_name
    form = {"name_ko": area.name_ko, "name_en": "Corrected", "district": getattr(area, "district_id", "")}
    assert admin.post(reverse(f"admin:cameras_{kind}_change", args=[area.pk]), form).status_code == 302
    entry = Entry.objects.get(verb=f"{kind}.changed")
    assert (entry.actor, entry.target) == (admin_user, f"cameras.{kind}:{area.pk}")
    assert entry.detail == {"fields": ["name_en"]}


@pytest.mark.parametrize(("lon", "lat"), [("", "36.3"), ("200", "36.3"), ("127.3", "91"), ("nan", "36"), ("x", "y")])
def test_a_position_must_be_one(lon, lat):
    with pytest.raises(ValidationError):
        PositionField().clean([lon, lat])


def test_a_position_moves_the_camera():
    assert PositionField().clean(["127.3", "36.3"]).tuple == (127.3, 36.3)
