"""What is sent with each question of the matrix, so that whoever may do the thing does it."""

from datetime import datetime, timedelta

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from apps.agencies.principals import Principal
from apps.viewing import addresses
from tests.cast import CITY_HALL, PASSWORD, make_call

NEW_PASSWORD = "another quite long password"
REASON = {"reason": "a child is lost"}


def local(moment) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M:%S}"


def window(city, names) -> dict:
    start = city.incident.occurred_at
    return {"from": start.isoformat(), "to": (start + timedelta(minutes=1)).isoformat()}


def moment(city, names) -> dict:
    return {"at": (city.incident.occurred_at + timedelta(seconds=5)).isoformat()}


def near(city, names) -> dict:
    return {"near": f"{CITY_HALL[0]},{CITY_HALL[1]}"}


def by_hand(way: str):
    def body(city, names) -> dict:
        return {
            "way": way,
            "agency": city.police.pk,
            "numbers": city.camera.number,
            "kinds": ["live"],
            "until": local(city.now + timedelta(minutes=30)),
            **REASON,
        }

    return body


def simulated(city, names) -> dict:
    lon, lat = CITY_HALL
    return {"agency": "police", "service": "112-onsite", "type": "robbery", "lon": lon, "lat": lat}


def hold_review(city, names) -> dict:
    days = {"ends_at": city.now + timedelta(days=12), "review_at": city.now + timedelta(days=4)}
    parts = {f"{name}_0": f"{timezone.localtime(at):%Y-%m-%d}" for name, at in days.items()}
    return {**parts, **{f"{name}_1": "12:00" for name in days}, **REASON}


def held(city, names) -> dict:
    times = {
        "period_from": city.now - timedelta(hours=1),
        "period_until": city.now,
        "ends_at": city.now + timedelta(days=9),
        "review_at": city.now + timedelta(days=4),
    }
    words = {"legal_ground": "urgent", "document_number": "2026-1", "owner": "x", "agency": city.police.pk, **REASON}
    return {**{name: local(at) for name, at in times.items()}, **words, "cameras": city.camera.number}


def still_held(city, names) -> dict:
    return {
        "ends_at": local(city.now + timedelta(days=12)),
        "review_at": local(city.now + timedelta(days=4)),
        **REASON,
    }


def who_saw(city, names) -> dict:
    return {"camera": city.camera.number, "start": local(city.now - timedelta(hours=1)), "end": local(city.now)}


def asked_for(city, names) -> dict:
    return {
        "place": "x",
        "kinds": ["recorded"],
        "recorded_from": local(city.now - timedelta(hours=1)),
        "recorded_until": local(city.now),
        "legal_ground": "urgent",
        "document_number": "2026-1",
        "purpose": "x",
    }


def always(**body):
    return lambda city, names: body


def two(word: str) -> dict:
    return {f"{word}1": NEW_PASSWORD, f"{word}2": NEW_PASSWORD}


SEGMENT = "GET /api/v1/cameras/{camera}/segments/{segment}.mp4"
QUERIES = {
    "GET /api/v1/cameras/{camera}/still.jpg recorded": moment,
    "GET /api/v1/cameras/{camera}/playback.m3u8": window,
    SEGMENT: window,
    f"{SEGMENT} h264": lambda city, names: {
        **window(city, names),
        "codec": "h264",
    },
    f"{SEGMENT} unsealed": window,
    f"{SEGMENT} borrowed": window,
    "GET /api/v1/cameras/{camera}/timeline": window,
    "GET /api/v1/cameras/{camera}/thumbnail.jpg": moment,
    "GET /api/v1/cameras/": near,
    "GET /playback/": lambda city, names: {"camera": names.camera},
    "GET /playback/ provision": lambda city, names: {"provision": names.provision},
    "GET /console/work/ incident": lambda city, names: {"incident": names.incident},
    "GET /console/search/": always(q="Secret"),
    "GET /console/who-saw/": who_saw,
    "GET /console/who-saw/ print": lambda city, names: {**who_saw(city, names), "print": "1"},
    "GET /console/simulator/ asked": simulated,
    "GET /admin/autocomplete/ cameras": always(app_label="retention", model_name="hold", field_name="cameras", term=""),
    "GET /admin/autocomplete/ agencies": always(
        app_label="agencies", model_name="membership", field_name="agency", term=""
    ),
}
HEADERS = {f"{SEGMENT}{form}": {"range": "bytes=0-9"} for form in ("", " h264", " unsealed", " borrowed")}


def sealed(city, role: str, row, names) -> dict:
    """What a playlist gave the role's own session or key to carry; borrowed, the police's."""
    if not row.key.startswith(SEGMENT) or row.step == "unsealed":
        return {}
    whose = "police" if row.step == "borrowed" else role
    principal = Principal(key_id=city.keys.get(whose), session_key=city.cookies.get(whose))
    times = (datetime.fromisoformat(at) for at in window(city, names).values())
    return addresses.seal(principal, names.camera, *times)


BODIES = {
    "POST /verify/file/": lambda city, names: {"file": SimpleUploadedFile("x.mp4", b"not a clip")},
    "POST /verify/check/": always(sha256="0" * 64),
    "POST /sign-in/": always(username="nobody at all", password=PASSWORD),
    "POST /language/": always(language="ko"),
    "POST /api/v1/bookmarks/": lambda city, names: {"camera": names.camera, "note": "x", **moment(city, names)},
    "POST /api/v1/clips/": lambda city, names: {
        "camera": names.camera,
        "provision": names.provision,
        **window(city, names),
    },
    "POST /api/v1/incidents/": lambda city, names: make_call(),
    "POST /api/v1/incidents/{incident}/transitions/": always(event="close", before="reported"),
    "POST /console/advance/": lambda city, names: {
        "number": names.incident,
        "event": "acknowledge",
        "before": "reported",
    },
    "POST /agreements/mou/{mou_reviewed}/sign/ hold_out": always(word="hold_out", **REASON),
    "POST /console/provisions/new/": by_hand("operator"),
    "POST /console/provisions/new/ urgent": by_hand("urgent"),
    "POST /console/provisions/{provision}/extend/": lambda city, names: {
        "extend-until": local(city.provision.ends_at + timedelta(minutes=10)),
        "extend-reason": "x",
    },
    "POST /console/provisions/{provision}/narrow/": always(**{"narrow-kinds": ["still"], "narrow-reason": "x"}),
    "POST /console/provisions/{provision}/revoke/": always(**{"revoke-reason": "x"}),
    "POST /console/requests/{request}/ approve": always(approve="1"),
    "POST /console/requests/{request}/ deny": always(deny="1", **REASON),
    "POST /console/requests/{approved_request}/ provide": lambda city, names: {
        "provide": "1",
        "numbers": city.camera.number,
    },
    "POST /console/break-glass/{review}/": always(verdict="justified", note="x"),
    "POST /agency/requests/": asked_for,
    "POST /holds/new/": held,
    "POST /holds/{hold}/review/": still_held,
    "POST /holds/{hold}/release/": always(**REASON),
    "POST /agency/results/{provision}/": always(outcome="helped"),
    "POST /agency/cameras/{camera}/": always(keep_back="1", **REASON),
    "POST /pledge/": always(agree="1"),
    "POST /unlock/": always(**{"proof-password": PASSWORD}),
    "POST /me/password/": always(old_password=PASSWORD, **two("new_password")),
    "POST /me/again/": always(password=PASSWORD),
    "POST /welcome/{uid}/{token}/": always(**two("new_password")),
    "POST /members/invite/": lambda city, names: {
        "agency": city.police.pk,
        "role": "officer",
        "last_name": "x",
        "first_name": "y",
        "username": "newcomer",
    },
    "POST /members/{membership}/rank/": always(rank="경위"),
    "POST /api/v1/provisions/{provision}/result/": always(outcome="helped"),
    "ACTION /admin/cameras/camera/ let_watch": lambda city, names: {"group": city.night_shift.pk},
    "ACTION /admin/cameras/camera/ no_longer_watch": lambda city, names: {"group": city.day_shift.pk},
    "POST /checks/findings/{finding}/": always(in_order="yes", answer="x"),
    "POST /admin/agencies/user/{user}/password/": always(usable_password="true", **two("password")),
    "POST /admin/agencies/user/{root}/password/": always(usable_password="true", **two("password")),
    "POST /admin/retention/hold/{hold}/step/review/": hold_review,
    "POST /admin/retention/hold/{hold}/step/release/": always(**REASON),
}
