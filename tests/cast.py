"""The named cast: `police`, whose agreement is in force, and her near misses."""

from datetime import datetime, timedelta
from itertools import count
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Permission
from django.contrib.gis.geos import MultiPolygon, Point, Polygon
from django.utils import timezone

from apps.agencies.actions import enrol
from apps.agencies.models import Agency, ApiKey, Membership, User
from apps.agencies.roles import SUPERVISING
from apps.agencies.sittings import give_pledge
from apps.cameras.models import Camera, Site
from apps.mous.models import LegalGround, MediaKind, Mou
from apps.mous.standing import join_centre
from apps.video.models import Segment

CITY_HALL = (127.3845, 36.3504)
ELSEWHERE = (127.45, 36.30)
PASSWORD = "a long enough password"

numbers = count(1)
Role, Kind = Membership.Role, Agency.Kind


def make_agency(code: str, kind: str = Kind.POLICE, **details) -> Agency:
    return Agency.objects.create(code=code, name_ko=code, name_en=code, kind=kind, **details)


def make_user(name: str, agency: Agency | None = None, role: str = Role.LIAISON, **details) -> User:
    user = User.objects.create_user(name, password=PASSWORD, **details)
    give_pledge(user, text="as in the centre's form")
    if agency:
        enrol(user, agency, role, by=None)
    return user


def make_camera(owner: Agency, at=CITY_HALL, **details) -> Camera:
    site = Site.objects.create(
        owner=owner, management_no=f"S{next(numbers)}", purpose="security", location=Point(*at, srid=4326)
    )
    camera = Camera(
        site=site,
        number=f"{owner.code}-{next(numbers)}",
        owner=owner,
        purpose=details.pop("purpose", "security"),
        location=site.location,
        status=details.pop("status", "normal"),
        **details,
    )
    camera.rebuild_coverage()
    camera.save()
    return camera


def make_segment(camera: Camera, started_at: datetime) -> Segment:
    """A minute on record; no file is behind it."""
    return Segment.objects.create(
        camera=camera,
        session=1,
        started_at=started_at,
        ended_at=started_at + timedelta(minutes=1),
        bytes=100,
        init_bytes=10,
        codec="avc1.42c01e",
        width=640,
        height=360,
        sha256="0" * 64,
        state=Segment.State.CLOSED,
    )


def square(lon: float, lat: float, half_deg: float = 0.01) -> MultiPolygon:
    corners = [(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]
    return MultiPolygon(Polygon([(lon + x * half_deg, lat + y * half_deg) for x, y in corners]), srid=4326)


def signatures(at) -> dict:
    centre, other = (User.objects.get_or_create(username=name)[0] for name in ("signatory", "countersignatory"))
    return {"signed_by": centre, "countersigned_by": other, "signed_at": at}


def make_mou(agency: Agency, **details) -> Mou:
    """An MOU in force since yesterday, for everything 112, unless told otherwise."""
    now = timezone.now()
    state = details.pop("state", Mou.State.SIGNED)
    signed = {} if state in Mou.UNSIGNED else signatures(now)
    drafter, _is_new = User.objects.get_or_create(username="drafter")
    return Mou.objects.create(
        **{
            "agency": agency,
            "document_number": f"M{next(numbers)}",
            "services": ["112-onsite"],
            "kinds": [MediaKind.LIVE, MediaKind.RECORDED, MediaKind.STILL],
            "legal_ground": LegalGround.URGENT,
            "purpose": "to see the scene",
            "starts_at": now - timedelta(days=1),
            "ends_at": now + timedelta(days=365),
            "state": state,
            "drafted_by": drafter,
            **signed,
            **details,
        }
    )


def make_call(**details) -> dict:
    """A call's body as it is sent."""
    return {
        "source_id": f"C{next(numbers)}",
        "service": "112-onsite",
        "type": "robbery",
        "grade": "urgent",
        "occurred_at": timezone.now().isoformat(),
        "location": {"lon": CITY_HALL[0], "lat": CITY_HALL[1]},
        "place": "City Hall",
        "description": "a man with a black cap",
        "exercise": False,
        **details,
    }


@pytest.fixture
def owner(db):
    return make_agency("district", Kind.DISTRICT)


@pytest.fixture
def centre(db, owner):
    agency = make_agency("centre", Kind.CENTRE)
    join_centre(owner, by=None)
    return agency


@pytest.fixture
def police(db):
    """An agency with an MOU in force, a person and a key: .agency, .user, .mou, .key, .token."""
    agency = make_agency("police")
    key, token = ApiKey.issue(agency, "112", ["112-onsite"])
    return SimpleNamespace(agency=agency, user=make_user("police", agency), mou=make_mou(agency), key=key, token=token)


@pytest.fixture
def fire(db):
    """A real agency with an MOU in force, for another service."""
    agency = make_agency("fire", Kind.FIRE)
    key, token = ApiKey.issue(agency, "119", ["119-dispatch"])
    mou = make_mou(agency, services=["119-dispatch"])
    return SimpleNamespace(agency=agency, user=make_user("fire", agency), mou=mou, key=key, token=token)


@pytest.fixture
def operator(centre):
    return make_user("operator", centre, Role.OPERATOR)


@pytest.fixture
def supervisor(centre):
    user = make_user("supervisor", centre, Role.SUPERVISOR)
    return allow(user, *SUPERVISING)


def allow(user: User, *codenames: str) -> User:
    user.user_permissions.add(*Permission.objects.filter(codename__in=codenames))
    return User.objects.get(pk=user.pk)


@pytest.fixture
def camera(owner):
    """A living camera at City Hall."""
    return make_camera(owner)


@pytest.fixture
def far_camera(owner):
    return make_camera(owner, ELSEWHERE)


@pytest.fixture(autouse=True)
def quick_passwords(settings):
    """Real password hashing is slow on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
