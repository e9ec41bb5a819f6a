import csv
import time
from collections import Counter

import pytest
from django.core.management import CommandError, call_command

from apps.agencies.models import Agency
from apps.audit.models import Entry
from apps.cameras.actions import export_cctv, import_cctv
from apps.cameras.models import Camera, District, Dong, Site
from tests.cameras.conftest import metres
from tests.cameras.lists import listed

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("districts")]


@pytest.fixture(autouse=True)
def in_english(settings):
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def bring_in(tmp_path):
    def import_rows(*rows, columns=18, **options):
        path = tmp_path / "list.csv"
        path.write_bytes(listed(*rows, columns=columns).encode("cp949"))
        return import_cctv(path, **options)

    return import_rows


def report(done) -> list[tuple[str, str, str]]:
    assert done.report.read_bytes().startswith(b"\xef\xbb\xbf")
    with done.report.open(encoding="utf-8-sig", newline="") as stream:
        return [(row["line"], row["severity"], row["reason"]) for row in csv.DictReader(stream)]


def everything() -> list:
    sites = Site.objects.order_by("owner__code", "management_no").values_list(
        "owner__name_ko", "management_no", "purpose", "purpose_text", "road_address", "lot_address", "direction_text",
        "installed", "phone", "pixels_10k", "region_code", "as_of", "location", "district__code", "dong__code",
    )  # fmt: skip
    cameras = Camera.objects.order_by("number").values_list(
        "number", "purpose", "location", "bearing_deg", "fov_deg", "coverage", "retention_days", "is_enabled"
    )
    return [list(sites), list(cameras)]


def test_a_row_becomes_a_site_with_its_cameras(bring_in, districts):
    done = bring_in({})
    assert (done.created, done.cameras, done.notes) == (1, 2, [])
    site = Site.objects.get()
    assert (site.owner.name_ko, site.owner.kind) == ("서구청", "district")
    assert (site.district, site.dong.name_ko) == (districts[0], "둔산동")
    assert (site.installed, site.pixels_10k, str(site.as_of)) == ("2019-05", 200, "2026-05-01")
    first, second = Camera.objects.order_by("number")
    assert (first.number, second.number) == ("A-1-1", "A-1-2")
    assert (first.status, first.bearing_deg, first.fov_deg, first.retention_days) == ("off", 135, 90, 30)
    south_east, north_west = metres(-20, 20), metres(20, -20)
    assert first.coverage.contains(south_east)
    assert not first.coverage.contains(north_west)


def test_without_a_direction_the_whole_circle_is_covered(bring_in):
    done = bring_in({"direction": "정문 앞"})
    assert report(done) == [("2", "warning", "no direction: counts as looking all round")]
    camera = Camera.objects.first()
    assert camera.bearing_deg is None
    assert all(camera.coverage.contains(metres(*offset)) for offset in ((40, 0), (0, 40), (-40, 0), (0, -40)))


def test_an_import_again_changes_nothing(bring_in):
    rows = [{}, {"management_no": "A-2", "lat": "36.37"}]
    bring_in(*rows)
    before = everything()
    done = bring_in(*rows)
    assert (done.created, done.updated, done.unchanged, done.cameras) == (0, 0, 2, 0)
    assert everything() == before


def test_an_import_again_updates_by_number(bring_in):
    bring_in({})
    done = bring_in({"purpose": "교통단속", "lon": "127.41", "direction": "북", "count": "3", "retention": "60"})
    assert (done.created, done.updated, done.cameras) == (0, 1, 1)
    assert Site.objects.get().district.name_ko == "동구"
    for camera in Camera.objects.all():
        assert (camera.purpose, camera.location.x, camera.bearing_deg) == ("traffic", 127.41, 0)
        assert camera.retention_days == 60
        assert camera.coverage.extent[0] > 127.409


def test_what_people_surveyed_stays_until_the_list_changes_it(bring_in):
    bring_in({})
    camera = Camera.objects.get(number="A-1-1")
    camera.bearing_deg, camera.range_m, camera.rtsp_url, camera.location = 10, 80, "rtsp://192.0.2.1/1", metres(5)
    camera.save()
    bring_in({"phone": "042-111-1111", "retention": ""})
    camera.refresh_from_db()
    assert (camera.bearing_deg, camera.range_m, camera.status) == (10, 80, "standby")
    assert camera.location.tuple == metres(5).tuple
    bring_in({"direction": "서"})
    camera.refresh_from_db()
    assert (camera.bearing_deg, camera.range_m, camera.rtsp_url) == (270, 80, "rtsp://192.0.2.1/1")


def test_fewer_cameras_are_switched_off_and_come_back(bring_in):
    bring_in({})
    bring_in({"count": "1"})
    assert list(Camera.objects.filter(is_enabled=True).values_list("number", flat=True)) == ["A-1-1"]
    bring_in({"count": "2"})
    assert Camera.objects.filter(is_enabled=True).count() == Camera.objects.count() == 2


def test_the_same_number_of_two_bodies_is_two_sites(bring_in):
    bring_in({}, {"owner": "대전광역시교육청"})
    assert Site.objects.count() == 2
    assert Camera.objects.count() == 4
    assert Agency.objects.get(kind="education").name_en == "Office of Education"


def test_one_body_under_several_names(bring_in, owner):
    bring_in(
        {"owner": "서구청"},
        {"owner": "대전광역시 서구청", "management_no": "2"},
        {"owner": "서구", "management_no": "3"},
    )
    assert Agency.objects.count() == 1
    assert Site.objects.filter(owner=owner).count() == 3


def test_the_default_owner(bring_in, owner):
    bring_in({"owner": ""}, owner=owner)
    assert Site.objects.get().owner == owner


def test_positions_outside_are_rejected_and_the_rest_goes_in(bring_in):
    done = bring_in(
        {},
        {"management_no": "seoul", "lat": "37.5665", "lon": "126.9780"},
        {"management_no": "new york", "lat": "40.7", "lon": "-74.0"},
        {"management_no": "the edge", "lat": "36.40030"},
        {"management_no": "swapped", "lat": "127.39", "lon": "36.35"},
    )
    rejected = [(line, reason) for line, severity, reason in report(done) if severity == "rejected"]
    assert [line for line, _reason in rejected] == ["3", "4"]
    assert all("outside the city" in reason for _line, reason in rejected)
    assert set(Site.objects.values_list("management_no", flat=True)) == {"A-1", "the edge", "swapped"}


def test_positions_in_the_neighbourhood_are_kept_with_a_warning(bring_in):
    done = bring_in({"lat": "36.90"})
    ((line, severity, reason),) = report(done)
    assert (line, severity) == ("2", "warning")
    assert "outside the city" in reason
    assert Site.objects.get().district is None


def test_a_stricter_tolerance_rejects_them(bring_in):
    done = bring_in({"lat": "36.90"}, tolerance_m=1000)
    assert [severity for _line, severity, _reason in report(done)] == ["rejected"]
    assert not Site.objects.exists()


def test_swapped_coordinates_are_put_right_and_reported(bring_in):
    done = bring_in({"lat": "127.3845", "lon": "36.3504"})
    assert Site.objects.get().location.tuple == (127.3845, 36.3504)
    assert report(done) == [("2", "warning", "latitude and longitude were swapped: put right")]


def test_the_edge_belongs_to_the_nearest_district(bring_in, districts):
    bring_in({"lat": "36.40030"})
    site = Site.objects.get()
    assert (site.district, site.dong) == (districts[0], None)


def test_dirt_is_reported_and_kept(bring_in):
    done = bring_in({}, {"management_no": "A-2"}, {"management_no": "A-3", "lon": "127.41"})
    assert report(done) == [
        ("3", "warning", "stands on the same point as line 2"),
        ("4", "warning", "lies in 동구, but is listed under 서구"),
    ]
    assert Site.objects.count() == 3


def test_the_report_disarms_formulas(bring_in):
    done = bring_in({"management_no": "=cmd|1", "lat": ""})
    assert "'=cmd|1" in done.report.read_text(encoding="utf-8-sig")


def test_a_clean_list_leaves_an_empty_report(bring_in):
    assert report(bring_in({})) == []


def test_numbers_that_would_meet_stay_apart(bring_in):
    bring_in({"management_no": "A-1", "count": "11"}, {"management_no": "A-1-1", "owner": "중구청", "count": "1"})
    assert Camera.objects.count() == 12


def test_the_old_form_imports_again_without_doubling(bring_in):
    rows = [{}, {}, {"lat": "36.351"}]
    bring_in(*rows, columns=13)
    done = bring_in(*rows, columns=13)
    assert (done.created, done.unchanged, Site.objects.count()) == (0, 3, 3)


def test_a_header_alone(bring_in):
    assert bring_in().created == 0


def test_it_is_on_record(bring_in):
    bring_in({}, {"management_no": ""})
    entry = Entry.objects.get(verb="cameras.imported")
    assert entry.detail == {"file": "list.csv", "created": 1, "updated": 0, "rejected": 1}


def test_queries_do_not_grow_with_the_list(bring_in, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        bring_in(*({"management_no": f"B-{n}", "lon": str(127.31 + n / 10_000)} for n in range(300)))
    with django_assert_max_num_queries(25):
        bring_in(*({"management_no": f"B-{n}", "lon": str(127.32 + n / 10_000)} for n in range(300)))


# --- commands ------------------------------------------------------------------


def test_the_command_says_what_it_did(tmp_path, capsys):
    path = tmp_path / "list.csv"
    path.write_text(listed({}, {"management_no": "A-2", "lat": "1"}))
    call_command("import_cctv", str(path), "--report", str(tmp_path / "dirt.csv"))
    said = capsys.readouterr().out
    assert "1 new, 0 updated, 0 unchanged; 2 new cameras" in said
    assert "rejected: 1" in said
    assert (tmp_path / "dirt.csv").exists()
    assert not (tmp_path / "list.csv.rejected.csv").exists()


@pytest.mark.parametrize("name", ["missing.csv", "."])
def test_a_file_that_cannot_be_read(tmp_path, name):
    with pytest.raises(CommandError, match=r"No such file|Is a directory"):
        call_command("import_cctv", str(tmp_path / name))


def test_not_a_list(tmp_path):
    (tmp_path / "x.csv").write_bytes(b"\x89PNG\r\n")
    with pytest.raises(CommandError, match="not a CCTV list"):
        call_command("import_cctv", str(tmp_path / "x.csv"))
    assert not (tmp_path / "x.csv.rejected.csv").exists()


def test_a_report_that_cannot_be_written_stops_the_import(tmp_path):
    (tmp_path / "x.csv").write_text(listed({}))
    with pytest.raises(CommandError):
        call_command("import_cctv", str(tmp_path / "x.csv"), "--report", str(tmp_path / "no" / "where.csv"))
    assert not Site.objects.exists()


def test_an_unknown_agency(tmp_path):
    with pytest.raises(CommandError, match="nobody"):
        call_command("import_cctv", str(tmp_path / "x.csv"), "--agency", "nobody")


# --- export --------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp949"])
def test_out_and_in_again_changes_nothing(bring_in, tmp_path, encoding):
    bring_in({"direction": '"=정문, ""앞"""'}, {"management_no": "A-2", "count": "1", "pixels": "", "as_of": ""})
    before = everything()
    out = tmp_path / "out.csv"
    assert export_cctv(out, encoding=encoding) == 2
    done = import_cctv(out)
    assert (done.created, done.updated, done.unchanged) == (0, 0, 2)
    assert everything() == before
    Camera.objects.all().delete()
    Site.objects.all().delete()
    import_cctv(out)
    assert everything() == before


def test_virtual_and_retired_cameras_are_not_listed(bring_in, tmp_path, camera):
    bring_in({"count": "1"})
    camera("virtual", is_virtual=True)
    camera("retired", is_enabled=False)
    assert export_cctv(tmp_path / "out.csv") == 1


def test_a_character_the_encoding_lacks_leaves_no_file(bring_in, tmp_path):
    bring_in({})
    Site.objects.update(road_address="서구 😀")
    with pytest.raises(CommandError, match="😀"):
        call_command("export_cctv", str(tmp_path / "out.csv"), "--encoding", "cp949")
    assert not list(tmp_path.glob("*out.csv*"))


def test_the_export_command(bring_in, tmp_path, capsys):
    bring_in({})
    call_command("export_cctv", str(tmp_path / "out.csv"), "--columns", "13")
    assert (tmp_path / "out.csv").read_text(encoding="utf-8-sig").startswith("관리기관명,")
    assert "1 sites" in capsys.readouterr().out


# --- the real list -------------------------------------------------------------


@pytest.mark.slow
def test_the_real_list(real_data, tmp_path, django_assert_max_num_queries):
    Dong.objects.all().delete()
    Site.objects.all().delete()
    District.objects.all().delete()
    path = tmp_path / "daejeon.csv"
    path.write_bytes((real_data / "cctv" / "daejeon_cctv_standard_2026-05.csv").read_bytes())
    began = time.process_time()
    with django_assert_max_num_queries(60):
        done = import_cctv(path)
    # Processor time: other work on the machine is not the import's fault.
    assert time.process_time() - began < 20
    severities = Counter(note.severity for note in done.notes)
    assert (done.created, severities["rejected"]) == (8609, 0)
    assert Camera.objects.count() == done.cameras == 14793
    # 214 lie two kilometres and more outside the city; nothing lies between 50 m and that.
    assert Site.objects.filter(district=None).count() == sum("outside the city" in n.reason for n in done.notes) == 214
    assert Site.objects.filter(dong=None).count() < 224
    before = everything()

    out, again = tmp_path / "out.csv", tmp_path / "again.csv"
    export_cctv(out)
    done = import_cctv(out)
    assert (done.created, done.updated, done.unchanged) == (0, 0, 8609)
    assert everything() == before
    export_cctv(again, encoding="cp949")
    assert again.read_bytes().decode("cp949") == out.read_bytes().decode("utf-8-sig")
