from functools import reduce

import pytest
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon, Point
from django.urls import reverse

from apps.cameras import boundaries
from apps.cameras.actions import load_boundaries
from apps.cameras.boundaries import NoBoundaries, _read
from apps.cameras.models import Camera, District, Dong
from apps.cameras.placing import place
from apps.cameras.sample import load_sample_registry
from apps.cameras.seams import close_seams
from tests.cameras.conftest import CENTRE, box, metres
from tests.cameras.test_choosing import chosen
from tests.cast import make_user

pytestmark = pytest.mark.django_db
URLS = [f"rtsp://127.0.0.1:1/cam/{turn}" for turn in range(1, 9)]


def test_the_boundaries_of_the_city():
    assert load_boundaries() == (5, 177)
    assert dict(District.objects.values_list("name_ko", "name_en")) == {
        "동구": "Dong-gu",
        "중구": "Jung-gu",
        "서구": "Seo-gu",
        "유성구": "Yuseong-gu",
        "대덕구": "Daedeok-gu",
    }
    dong = Dong.objects.get(shape__contains=CENTRE)
    assert (dong.name_ko, dong.name_en, dong.district.name_en) == ("둔산동", "Dunsan-dong", "Seo-gu")
    assert tile_the_city(District)
    assert tile_the_city(Dong)
    assert changed_by_slivers_alone({meta["code"]: shape for meta, shape in _read("sigungu", "30")})
    before = list(Dong.objects.values_list("pk", "code"))
    assert load_boundaries() == (5, 177)
    assert list(Dong.objects.values_list("pk", "code")) == before


def tile_the_city(model) -> bool:
    """Neither over one another nor a hole between them: together they are as large as their union, a single piece."""
    shapes = list(model.objects.values_list("shape", flat=True))
    whole = reduce(GEOSGeometry.union, shapes)
    meet = sum(shape.area for shape in shapes) == pytest.approx(whole.area, rel=1e-12)
    return meet and (whole.geom_type, len(whole)) == ("Polygon", 1) and all(shape.valid for shape in shapes)


def changed_by_slivers_alone(published: dict) -> bool:
    closed = {code: District.objects.get(code=code).shape for code in published}
    return all(
        closed[code].area == pytest.approx(shape.area, rel=0.001)
        and closed[code].sym_difference(shape).area < 0.006 * shape.area
        for code, shape in published.items()
    )


@pytest.mark.parametrize(
    ("gap", "whose"),
    [(0.0001, ["1"]), (-0.0001, ["1"]), (0.0009, ["1"]), (0.0015, [])],
    ids=["a gap", "an overlap", "as wide as a sliver is", "wider"],
)
def test_what_lies_between_two_areas(gap, whose, db):
    west, east = box(127.36, 36.34, 127.38, 36.36), box(127.38 + gap, 36.34, 127.40, 36.36)
    for code, shape in (("1", west), ("2", east)):
        District.objects.create(code=code, name_ko=code, name_en=code, shape=shape)
    close_seams(District._meta.db_table)
    between = Point(127.38 + gap / 2, 36.3456, srid=4326)
    assert list(District.objects.filter(shape__covers=between).values_list("code", flat=True)) == whose
    assert District.objects.get(code="2").shape.area == pytest.approx(east.area, rel=0.01)


def test_another_citys_enclave_stays_anothers(db):
    around = box(127.36, 36.34, 127.40, 36.38).difference(box(127.375, 36.355, 127.385, 36.365))
    small = box(127.362, 36.342, 127.3645, 36.3445)  # 0.06 km²
    District.objects.create(
        code="1", name_ko="구", name_en="gu", shape=MultiPolygon(around.difference(small), srid=4326)
    )
    close_seams(District._meta.db_table)
    assert District.objects.get().shape.area == pytest.approx(around.area, rel=1e-3)


@pytest.mark.parametrize("region", ["4413", "4374"])
def test_a_city_is_not_listed_beside_its_own_districts(region, db, monkeypatch):
    listed = {"4413": ["천안시", "천안시동남구", "천안시서북구"], "4374": ["영동군", "증평군"]}[region]
    areas = [
        ({"code": f"{region}{turn}", "sigungu": name}, box(127.3, 36.3, 127.4, 36.4))
        for turn, name in enumerate(listed)
    ]
    monkeypatch.setattr(boundaries, "_read", lambda level, _region: areas if level == "sigungu" else [])
    monkeypatch.setattr(boundaries, "close_seams", lambda table: None)
    load_boundaries(region_code=region)
    assert list(District.objects.values_list("name_ko", flat=True)) == listed[-2:]


def test_a_city_that_the_register_does_not_know():
    with pytest.raises(NoBoundaries, match="'99'"):
        load_boundaries(region_code="99")


def test_places(districts):
    west, east = districts
    lon, lat = [127.35, 127.35, 127.45, 127.3999, 126.0], [36.35, 36.37, 36.35, 36.4005, 37.0]
    found = place(lon, lat)
    assert [each.district_id for each in found] == [west.pk, west.pk, east.pk, west.pk, None]
    assert [bool(each.dong_id) for each in found] == [True, False, True, False, False]
    assert [round(each.outside_m) for each in found[:3]] == [0, 0, 0]
    assert found[3].outside_m == pytest.approx(55, abs=2)
    assert found[4].outside_m > 100_000


def test_without_boundaries_nothing_is_outside(db):
    assert place([0.0], [0.0])[0].outside_m == 0


# --- the map -------------------------------------------------------------------


@pytest.fixture
def signed_in(client, db):
    client.force_login(make_user("anybody"))
    return client


def test_the_map_needs_a_sign_in(client, districts):
    assert client.get(reverse("map_shapes")).status_code in (401, 403)


def test_shapes_for_the_map(signed_in, districts, django_assert_max_num_queries):
    with django_assert_max_num_queries(6):
        answer = signed_in.get(reverse("map_shapes"), headers={"Accept-Language": "en"})
    assert answer["Content-Type"] == "application/geo+json"
    features = answer.json()["features"]
    assert [(each["properties"]["kind"], each["properties"]["name"]) for each in features] == [
        ("district", "Dong-gu"),
        ("district", "Seo-gu"),
        ("dong", "원동"),
        ("dong", "둔산동"),
    ]
    assert features[0]["geometry"]["type"] in ("Polygon", "MultiPolygon")


def test_names_come_in_the_readers_language(signed_in, districts):
    for language, name in (("ko", "동구"), ("en", "Dong-gu")):
        answer = signed_in.get(reverse("map_shapes"), headers={"Accept-Language": language})
        assert answer.json()["features"][0]["properties"]["name"] == name


def test_shapes_are_sent_once(signed_in, districts):
    etag = signed_in.get(reverse("map_shapes"))["ETag"]
    again = signed_in.get(reverse("map_shapes"), headers={"If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    District.objects.filter(code="30110").update(name_ko="새 이름", name_en="New")
    changed = signed_in.get(reverse("map_shapes"), headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed.json()["features"][0]["properties"]["name"] in ("새 이름", "New")


# --- the sample ----------------------------------------------------------------


@pytest.mark.slow
def test_the_sample_registry():
    load_boundaries()
    load_sample_registry(virtual_urls=URLS)
    silent = Camera.objects.filter(is_virtual=False)
    assert 900 < silent.count() < 1200
    assert 0.79 < silent.filter(purpose="security").count() / silent.count() < 0.87
    assert not silent.exclude(status="off", rtsp_url="").exists()
    assert not silent.filter(site__dong=None).exists()
    assert set(silent.values_list("purpose", flat=True)) == {
        "security", "plate", "parking", "children", "traffic", "dumping", "facility", "disaster",
    }  # fmt: skip

    virtual = Camera.objects.filter(is_virtual=True).select_related("owner")
    assert [one.rtsp_url for one in virtual.order_by("number")] == URLS
    assert sum(one.owner.name_ko == "서구청" for one in virtual) >= 5
    assert virtual.filter(kind="ptz").count() in (1, 2)
    found = chosen(limit=9)
    assert sum(each.covers and each.camera.is_virtual for each in found) >= 4
    assert all(each.distance_m < 300 for each in found if each.camera.is_virtual)

    before = list(Camera.objects.order_by("pk").values_list("pk", "number", "rtsp_url", "status_at"))
    load_sample_registry(virtual_urls=URLS)
    assert list(Camera.objects.order_by("pk").values_list("pk", "number", "rtsp_url", "status_at")) == before


def test_other_addresses_move_the_virtual_cameras(districts):
    load_sample_registry(virtual_urls=URLS)
    count = Camera.objects.count()
    load_sample_registry(virtual_urls=["rtsp://127.0.0.1:2/cam/1"])
    assert Camera.objects.count() == count
    assert [one.rtsp_url for one in Camera.objects.streaming()] == ["rtsp://127.0.0.1:2/cam/1"]
    load_sample_registry(virtual_urls=URLS * 3)
    assert Camera.objects.streaming().count() == 24
    assert all(one.location.distance(CENTRE) < 0.004 for one in Camera.objects.streaming())


def test_a_point_helper_is_true_to_scale():
    (one,) = place([CENTRE.x], [CENTRE.y])
    assert one.outside_m == 0
    assert isinstance(metres(1), Point)
