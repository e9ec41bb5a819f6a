"""The registry of the demonstration city: invented cameras on the real map.

About a thousand registered cameras without a stream stand in the real dongs, in proportions a city publishes;
the virtual cameras, which have one, stand around City Hall. A second call finds everything there.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from django.conf import settings
from django.contrib.gis.geos import GEOSGeometry, Point
from django.db import connection, transaction

from apps.agencies.models import Agency
from apps.cameras import directions
from apps.cameras.models import Camera, District, Dong, Purpose, Site
from apps.cameras.owners import Owners
from apps.cameras.placing import place

SEED = 20141013
SITES = 640
# Share of the cameras: purpose, word in its number, per mille, who owns it (None: the district office).
PURPOSES = [
    (Purpose.SECURITY, "방범", 830, None),
    (Purpose.PLATE, "차량", 45, "transport"),
    (Purpose.PARKING, "주차", 35, None),
    (Purpose.CHILDREN, "어린이", 35, "education"),
    (Purpose.TRAFFIC, "교통", 25, "transport"),
    (Purpose.DUMPING, "쓰레기", 10, None),
    (Purpose.FACILITY, "시설", 10, None),
    (Purpose.DISASTER, "재난", 10, "safety"),
]
CITY_OWNERS = {
    "education": ("교육청", "Office of Education"),
    "transport": ("교통국", "Transport Bureau"),
    "safety": ("시민안전실", "Citizen Safety Office"),
}
# Sites per hundred by district code; a district that is not named counts as ten.
DISTRICT_SHARES = {"30140": 45, "30170": 22, "30110": 12, "30230": 11, "30200": 10}
DIRECTIONS = ["", "360도 전방면", "북쪽", "북동쪽", "동쪽", "남동쪽", "남쪽", "남서쪽", "서쪽", "북서쪽"]
CAMERAS_AT_A_SITE = [1, 1, 1, 2, 2, 3]
METRES_PER_DEGREE = 111_195.0


@dataclass(frozen=True)
class Standpoint:
    """Where a virtual camera stands: metres and degrees from City Hall, to which it looks."""

    distance_m: float
    angle_deg: float
    kind: str = Camera.Kind.FIXED
    owner: str | None = None
    purpose: str = Purpose.SECURITY


# Five cameras and a turning one hold City Hall in view; the others watch the streets that lead there.
STANDPOINTS = [
    Standpoint(30, 20),
    Standpoint(34, 110),
    Standpoint(38, 200),
    Standpoint(42, 290),
    Standpoint(80, 65, kind=Camera.Kind.PTZ),
    Standpoint(45, 245),
    Standpoint(150, 160, owner="transport", purpose=Purpose.TRAFFIC),
    Standpoint(220, 330, kind=Camera.Kind.PTZ, owner="education", purpose=Purpose.CHILDREN),
]


@transaction.atomic
def load_sample_registry(*, virtual_urls: list[str]) -> None:
    """Register the sample cameras, and one virtual camera for each RTSP address. Boundaries must be loaded."""
    owners = Owners()
    by_role = {role: owners.named(*names) for role, names in CITY_OWNERS.items()}
    offices = {district.pk: owners.named(f"{district.name_ko}청") for district in District.objects.defer("shape")}
    _register_silent(offices, by_role)
    _register_virtual(virtual_urls, offices, by_role)


# --- cameras without a stream ---------------------------------------------------


def _register_silent(offices: dict[int, Agency], by_role: dict[str, Agency]) -> None:
    known = set(Site.objects.values_list("owner_id", "management_no"))
    sites = list(_silent_sites(Random(SEED), offices, by_role))  # noqa: S311  a sample, not a secret
    new = [(site, count) for site, count in sites if (site.owner_id, site.management_no) not in known]
    Site.objects.bulk_create([site for site, _count in new])
    cameras = [camera for site, count in new for camera in _cameras_of(site, count)]
    Camera.objects.bulk_create(cameras, batch_size=2000)


def _silent_sites(random: Random, offices: dict[int, Agency], by_role: dict[str, Agency]) -> Iterator[tuple[Site, int]]:
    """Sites with their number of cameras."""
    kinds = random.choices(PURPOSES, weights=[share for _purpose, _word, share, _owner in PURPOSES], k=SITES)
    for turn, ((dong, point), (purpose, word, _share, role)) in enumerate(zip(_points(random), kinds, strict=False), 1):
        district = dong.district
        address = [settings.CITY["name_ko"], district.name_ko, dong.name_ko, str(random.randint(1, 990)), "일원"]
        yield (
            Site(
                owner=by_role[role] if role else offices[district.pk],
                management_no=f"{district.name_ko}-{word}-{turn:04}",
                purpose=purpose,
                purpose_text=str(word),
                lot_address=" ".join(address),
                direction_text=random.choice(DIRECTIONS),
                installed=f"{random.randint(2012, 2025)}-{random.randint(1, 12):02}",
                phone=settings.CITY["phone"],
                pixels_10k=random.choice([200, 200, 400, 800]),
                location=point,
                district=district,
                dong=dong,
            ),
            random.choice(CAMERAS_AT_A_SITE),
        )


def _points(random: Random) -> Iterator[tuple[Dong, Point]]:
    """Points in the dongs: by district share, and more in small dongs, which are the built-up ones."""
    dongs = list(Dong.objects.select_related("district").defer("district__shape"))
    density = [1 / math.sqrt(dong.shape.area) for dong in dongs]
    totals: dict[int, float] = {}
    for dong, share in zip(dongs, density, strict=True):
        totals[dong.district_id] = totals.get(dong.district_id, 0) + share
    weights = [
        DISTRICT_SHARES.get(dong.district.code, 10) * share / totals[dong.district_id]
        for dong, share in zip(dongs, density, strict=True)
    ]
    picked = random.choices(range(len(dongs)), weights=weights, k=SITES) if dongs else []
    with connection.cursor() as cursor:
        for index in sorted(set(picked)):
            dong, count = dongs[index], picked.count(index)
            cursor.execute(
                "SELECT ST_AsBinary((ST_Dump(ST_GeneratePoints(%s::geometry, %s, %s))).geom)",
                [dong.shape.hexewkb.decode(), count, SEED % 100_000 + index],
            )
            for (wkb,) in cursor.fetchall():
                yield dong, GEOSGeometry(wkb, srid=4326)


def _cameras_of(site: Site, count: int) -> Iterator[Camera]:
    looking = directions.parse(site.direction_text)
    for turn in range(count):
        camera = Camera(
            site=site,
            number=site.management_no if count == 1 else f"{site.management_no}-{turn + 1}",
            owner_id=site.owner_id,
            purpose=site.purpose,
            location=site.location,
            bearing_deg=looking.of_camera(turn, count),
            fov_deg=looking.fov_deg or Camera.DEFAULT_FOV_DEG,
        )
        camera.rebuild_coverage()
        yield camera


# --- virtual cameras ----------------------------------------------------------------


def _register_virtual(urls: list[str], offices: dict[int, Agency], by_role: dict[str, Agency]) -> None:
    numbers = [_register_one(turn, url, offices, by_role).number for turn, url in enumerate(urls)]
    surplus = Camera.objects.filter(is_virtual=True, is_enabled=True).exclude(number__in=numbers)
    for camera in surplus:
        camera.is_enabled, camera.rtsp_url = False, ""
        camera.save(update_fields=["is_enabled", "rtsp_url"])


def _register_one(turn: int, url: str, offices: dict[int, Agency], by_role: dict[str, Agency]) -> Camera:
    stand = STANDPOINTS[turn % len(STANDPOINTS)]
    # A further round of cameras stands further out, between those of the first.
    rounds = turn // len(STANDPOINTS)
    point = _point_at(min(stand.distance_m + 60 * rounds, 295), stand.angle_deg + 25 * rounds)
    (at,) = place([point.x], [point.y])
    office = offices.get(at.district_id) or next(iter(offices.values()))
    owner = by_role[stand.owner] if stand.owner else office
    number = f"{office.name_ko.removesuffix('청')}-가상-{turn + 1:02}"
    camera = Camera.objects.filter(number=number).first()
    if camera is None:
        camera = Camera(number=number, owner=owner, purpose=stand.purpose, kind=stand.kind, is_virtual=True)
        camera.site = _virtual_site(number, owner, stand.purpose, point, at)
        camera.location = point
        camera.bearing_deg = (stand.angle_deg + 25 * rounds + 180) % 360
        camera.range_m = Camera.PTZ_RANGE_M if stand.kind == Camera.Kind.PTZ else Camera.FIXED_RANGE_M
    if camera.pk is None or camera.rtsp_url != url or not camera.is_enabled:
        camera.rtsp_url, camera.is_enabled = url, True
        camera.save()
    return camera


def _virtual_site(number: str, owner: Agency, purpose: str, point: Point, at) -> Site:
    return Site.objects.get_or_create(
        owner=owner,
        management_no=number,
        defaults={
            "purpose": purpose,
            "road_address": f"{settings.CITY['name_ko']} 시청 일원 ({number})",
            "phone": settings.CITY["phone"],
            "location": point,
            "district_id": at.district_id,
            "dong_id": at.dong_id,
        },
    )[0]


def _point_at(distance_m: float, angle_deg: float) -> Point:
    lon, lat = settings.CITY["centre"]
    north = distance_m * math.cos(math.radians(angle_deg)) / METRES_PER_DEGREE
    east = distance_m * math.sin(math.radians(angle_deg)) / METRES_PER_DEGREE / math.cos(math.radians(lat))
    return Point(lon + east, lat + north, srid=4326)
