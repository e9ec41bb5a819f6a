"""The demonstration city: agencies, people, agreements and keys. Everybody and everything in it is invented."""

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.contrib.auth.models import Permission
from django.db import transaction
from django.utils import timezone

from apps.agencies.actions import enrol, role_group
from apps.agencies.models import Agency, ApiKey, Membership, User
from apps.cameras.boundaries import load_boundaries
from apps.cameras.models import District
from apps.cameras.sample import load_sample_registry
from apps.mous.actions import advance_mou
from apps.mous.models import LegalGround, MediaKind, Mou
from apps.mous.standing import join_centre

Kind, Role = Agency.Kind, Membership.Role

AGENCIES = [
    ("centre", "대전 스마트도시 통합센터", "Daejeon Smart City Centre", Kind.CENTRE),
    ("police", "대전경찰청 112종합상황실", "Daejeon Police, 112 control room", Kind.POLICE),
    ("fire", "대전소방본부 119종합상황실", "Daejeon Fire, 119 control room", Kind.FIRE),
]
# role in demo.json: username, Korean name, agency, role
PEOPLE = {
    "operator": ("operator", ("김", "하늘"), "centre", Role.OPERATOR),
    "supervisor": ("supervisor", ("이", "서준"), "centre", Role.SUPERVISOR),
    "police": ("police", ("박", "지우"), "police", Role.LIAISON),
    "fire": ("fire", ("최", "도윤"), "fire", Role.LIAISON),
    "district": ("district", ("정", "수아"), None, Role.OWNER),
    "administrator": ("admin", ("한", "유진"), "centre", Role.ADMINISTRATOR),
}
MOUS = [
    (
        "police",
        "2026-112-01",
        ["112-onsite"],
        [MediaKind.LIVE, MediaKind.RECORDED, MediaKind.STILL],
        LegalGround.URGENT,
        "범죄 현장 확인과 용의자 추적",
    ),
    (
        "fire",
        "2026-119-01",
        ["119-dispatch"],
        [MediaKind.LIVE, MediaKind.RECORDED, MediaKind.STILL],
        LegalGround.URGENT,
        "화재·구조·구급 현장 확인",
    ),
]
ADMIN_APPS = ("agencies", "cameras", "mous", "viewing", "incidents", "audit", "video", "retention")
SIGNATORY_PERMISSIONS = (
    "sign_mou",
    "suspend_mou",
    "revoke_provision",
    "view_mou",
    "view_provision",
    "view_ledgerentry",
)


@transaction.atomic
def load(virtual_urls: list[str]) -> None:
    """Lay out the city. A second call changes nothing that is there."""
    load_boundaries()
    agencies = {code: agency(code, *names) for code, *names in AGENCIES}
    load_sample_registry(virtual_urls=virtual_urls)
    for owner in Agency.objects.filter(cameras__isnull=False).distinct():
        join_centre(owner, by=None)
    allow_roles()
    people = {role: person(*details, agencies) for role, details in PEOPLE.items()}
    for details in MOUS:
        sign_agreement(*details, drafted_by=people["administrator"], signed_by=people["supervisor"])


def agency(code: str, name_ko: str, name_en: str, kind: str) -> Agency:
    return Agency.objects.get_or_create(code=code, defaults={"name_ko": name_ko, "name_en": name_en, "kind": kind})[0]


def person(username: str, name: tuple[str, str], agency_code: str | None, role: str, agencies: dict) -> User:
    user, _is_new = User.objects.get_or_create(
        username=username,
        defaults={
            "last_name": name[0],
            "first_name": name[1],
            "is_staff": role in (Role.ADMINISTRATOR, Role.SUPERVISOR),
        },
    )
    enrol(user, agencies[agency_code] if agency_code else owner_at_centre(), role, by=None)
    return user


def owner_at_centre() -> Agency:
    """The district office that owns most of the virtual cameras."""
    owners = Agency.objects.filter(kind=Kind.DISTRICT, cameras__is_virtual=True)
    return max(owners.distinct(), key=lambda owner: owner.cameras.filter(is_virtual=True).count())


def allow_roles() -> None:
    """What administrators and supervisors may do in the admin; standing rights are granted elsewhere."""
    everything = Permission.objects.filter(content_type__app_label__in=ADMIN_APPS).exclude(
        codename__in=("sign_mou", "watch_cameras", "watch_camera")
    )
    role_group(Role.ADMINISTRATOR).permissions.set(everything)
    role_group(Role.SUPERVISOR).permissions.set(Permission.objects.filter(codename__in=SIGNATORY_PERMISSIONS))


def sign_agreement(code, document, services, kinds, ground, purpose, *, drafted_by: User, signed_by: User) -> None:
    now = timezone.now()
    mou, is_new = Mou.objects.get_or_create(
        document_number=document,
        defaults={
            "agency": Agency.objects.get(code=code),
            "services": services,
            "kinds": kinds,
            "legal_ground": ground,
            "purpose": purpose,
            "starts_at": now - timedelta(days=1),
            "ends_at": now + timedelta(days=3 * 365),
            "drafted_by": drafted_by,
        },
    )
    if is_new:
        advance_mou(mou, "sign", by=signed_by)


def write_sign_ins(path: Path) -> None:
    """Keep demo.json's passwords and keys, or make new ones and write them there, for this account's eyes only."""
    if path.exists() and json.loads(path.read_text()).get("users"):
        return
    users = [
        {"role": role, "agency": agency_of(username), "username": username, "password": new_password(username)}
        for role, (username, *_rest) in PEOPLE.items()
    ]
    keys = [
        {"agency": code, "service": services, "key": new_key(code, services)} for code, _document, services, *_ in MOUS
    ]
    text = json.dumps({"users": users, "api_keys": keys}, ensure_ascii=False, indent=2)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)


def agency_of(username: str) -> str:
    return Membership.objects.select_related("agency").get(user__username=username).agency.code


def new_password(username: str) -> str:
    password = f"{username}-{secrets.token_hex(6)}"
    user = User.objects.get(username=username)
    user.set_password(password)
    user.save(update_fields=["password"])
    return password


def new_key(code: str, services: list[str]) -> str:
    owner = Agency.objects.get(code=code)
    ApiKey.objects.filter(agency=owner, label="demo", revoked_at=None).update(revoked_at=timezone.now())
    return ApiKey.issue(owner, "demo", services)[1]


def city_is_laid_out() -> bool:
    return District.objects.exists() and User.objects.filter(username=PEOPLE["operator"][0]).exists()


DEMO_FILE = settings.VAR_DIR / "demo.json"
