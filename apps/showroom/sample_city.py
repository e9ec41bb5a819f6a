"""The demonstration city: agencies, people, agreements and keys. Everybody and everything in it is invented."""

import json
import os
import secrets
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.agencies.actions import enrol
from apps.agencies.models import Agency, ApiKey, Membership, User
from apps.agencies.roles import lay_out_roles
from apps.agencies.sittings import give_pledge, pledge_text
from apps.cameras.boundaries import load_boundaries
from apps.cameras.sample import load_sample_registry
from apps.mous import agreements
from apps.mous.models import Agreement, Integration, LegalGround, MediaKind, Mou

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
    "auditor": ("auditor", ("윤", "서현"), "centre", Role.AUDITOR),
    "guide": ("guide", ("임", "지호"), "centre", Role.GUIDE),
    "officer": ("officer", ("강", "민재"), "police", Role.OFFICER),
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


@transaction.atomic
def load(virtual_urls: list[str]) -> None:
    """Lay out the city. A second call changes nothing that is there."""
    load_boundaries()
    agencies = {code: agency(code, *names) for code, *names in AGENCIES}
    load_sample_registry(virtual_urls=virtual_urls)
    lay_out_roles()
    people = {role: person(*details, agencies) for role, details in PEOPLE.items()}
    for owner in Agency.objects.filter(cameras__isnull=False).distinct():
        join(owner, people)
    for details in MOUS:
        agree(*details, people=people)


def agency(code: str, name_ko: str, name_en: str, kind: str) -> Agency:
    return Agency.objects.get_or_create(code=code, defaults={"name_ko": name_ko, "name_en": name_en, "kind": kind})[0]


def person(username: str, name: tuple[str, str], agency_code: str | None, role: str, agencies: dict) -> User:
    user, _is_new = User.objects.get_or_create(
        username=username,
        defaults={"last_name": name[0], "first_name": name[1]},
    )
    enrol(user, agencies[agency_code] if agency_code else owner_at_centre(), role, by=None)
    if not user.pledges.valid().exists():
        give_pledge(user, text=pledge_text())
    return user


def owner_at_centre() -> Agency:
    """The district office that owns most of the virtual cameras."""
    owners = Agency.objects.filter(kind=Kind.DISTRICT, cameras__is_virtual=True)
    return max(owners.distinct(), key=lambda owner: owner.cameras.filter(is_virtual=True).count())


def agree(code, document, services, kinds, ground, purpose, *, people: dict[str, User]) -> None:
    """An MOU, through all its steps: the agency's liaison signs with the centre's supervisor."""
    mou, is_new = Mou.objects.get_or_create(
        document_number=document,
        version=1,
        defaults={
            "agency": Agency.objects.get(code=code),
            "services": services,
            "kinds": kinds,
            "legal_ground": ground,
            "purpose": purpose,
            **period(),
            "drafted_by": people["administrator"],
        },
    )
    if is_new:
        sign(mou, people["supervisor"], people[code])


def join(owner: Agency, people: dict[str, User]) -> None:
    """An owner's agreement to join the centre, signed by somebody of the owner's."""
    agreement, is_new = Integration.objects.get_or_create(
        owner=owner,
        version=1,
        defaults={
            "document_number": f"2026-연계-{owner.code}",
            "purpose": "시민 안전을 위한 영상정보의 통합 관제",
            **period(),
            "drafted_by": people["administrator"],
        },
    )
    if is_new:
        sign(agreement, people["supervisor"], keeper_of(owner, people))


def keeper_of(owner: Agency, people: dict[str, User]) -> User:
    """The person who signs for an owner: of one owner the sign-in of the demonstration, of others one without."""
    if people["district"].memberships.filter(agency=owner).exists():
        return people["district"]
    user, _is_new = User.objects.get_or_create(username=f"keeper-{owner.code}", defaults={"last_name": owner.name_ko})
    enrol(user, owner, Role.OWNER, by=None)
    return user


def period() -> dict:
    now = timezone.now()
    return {"starts_at": now - timedelta(days=1), "ends_at": now + timedelta(days=3 * 365)}


def sign(agreement: Agreement, centre: User, other: User) -> None:
    agreements.advance(agreement, "review", by=centre)
    agreements.consent(agreement, by=centre)
    agreements.consent(agreement, by=other)


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


DEMO_FILE = settings.VAR_DIR / "demo.json"
