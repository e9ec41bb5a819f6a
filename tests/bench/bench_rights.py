"""Standing rights at scale: 5,000 cameras and 200 operators, given by owner, by shift, and each to each.

What the gate is asked all day: which cameras may this operator see (the list, its first page), and may they see
this one. The reference is the same question without rights: all cameras that are on. Everything stands within a
transaction that is undone.
"""

import random
import statistics
import time
from collections.abc import Callable

from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction

from apps.agencies.groups import staff_group
from apps.agencies.models import Agency, Membership, User
from apps.agencies.principals import Principal
from apps.cameras.models import Camera
from apps.mous.gate import answers_alike, decide, visible_cameras
from apps.mous.standing import join_centre, let_watch
from tests.cameras.crowd import crowd

CAMERAS, PEOPLE, SHIFTS, OWNERS = 5_000, 200, 16, 10
ROUNDS = 100
Role = Membership.Role


class Undo(Exception):
    """Ends the transaction that held the crowd."""


def run() -> list[dict]:
    rows: list[dict] = []
    try:
        with transaction.atomic():
            people, shifts, cameras = city()
            reference = {"list": timed(everything), "page": timed(first_page), "one": timed(one_of(cameras))}
            rows += measured("by owner", people, cameras, reference)
            Group.objects.get(name=f"operators of {CENTRE}").user_set.clear()
            took = time.perf_counter()
            for number, shift in enumerate(shifts):
                let_watch(shift, Camera.objects.filter(pk__in=cameras[number::SHIFTS]), by=None)
            rows.append(row("assign 5,000 cameras to 16 shifts", (time.perf_counter() - took) * 1000, None, 1))
            rows += measured("by shift", people, cameras, reference)
            took = time.perf_counter()
            let_watch(shifts[0], Camera.objects.filter(pk__in=cameras), by=None)
            rows.append(row("assign 5,000 cameras to one more", (time.perf_counter() - took) * 1000, None, 1))
            each_to_each(people, cameras)
            rows += measured("each to each, a million rows", people, cameras, reference)
            raise Undo
    except Undo:
        return rows


CENTRE = "bench-centre"


def city() -> tuple[list[User], list[Group], list[int]]:
    crowd(CAMERAS)
    cameras = list(Camera.objects.filter(number__startswith="crowd-").values_list("pk", flat=True))
    kind = Agency.Kind.DISTRICT
    owners = Agency.objects.bulk_create(
        Agency(code=f"bench-{n}", name_ko=str(n), name_en=str(n), kind=kind) for n in range(OWNERS)
    )
    for number, owner in enumerate(owners):
        Camera.objects.filter(pk__in=cameras[number::OWNERS]).update(owner=owner)
    centre = Agency.objects.create(code=CENTRE, name_ko="c", name_en="c", kind=Agency.Kind.CENTRE)
    people = User.objects.bulk_create(User(username=f"bench-{n}") for n in range(PEOPLE))
    Membership.objects.bulk_create(Membership(user=user, agency=centre, role=Role.OPERATOR) for user in people)
    staff_group(centre, Role.OPERATOR).user_set.add(*people)
    shifts = Group.objects.bulk_create(Group(name=f"bench shift {n}") for n in range(SHIFTS))
    for number, shift in enumerate(shifts):
        shift.user_set.add(*people[number::SHIFTS])
    for owner in owners:
        join_centre(owner, by=None)
    analyse()
    return people, shifts, cameras


def each_to_each(people: list[User], cameras: list[int]) -> None:
    right = [Permission.objects.get(codename="watch_camera").pk, ContentType.objects.get_for_model(Camera).pk]
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into guardian_userobjectpermission (permission_id, content_type_id, user_id, object_pk)"
            " select %s, %s, person, camera::text from unnest(%s) as person, unnest(%s) as camera",
            [*right, [user.pk for user in people], cameras],
        )
    analyse()


def analyse() -> None:
    with connection.cursor() as cursor:
        cursor.execute("analyze")


def measured(how: str, people: list[User], cameras: list[int], reference: dict[str, float]) -> list[dict]:
    chance = random.Random(7)

    def somebody() -> Principal:
        return Principal(user_id=chance.choice(people).pk)

    ways = {
        "list": lambda: list(visible_cameras(somebody()).values_list("pk", flat=True)),
        "page": lambda: list(visible_cameras(somebody()).select_related("site", "owner").order_by("number")[:50]),
        "one": lambda: decide(somebody(), chance.choice(cameras)),
    }
    rows = [row(f"{how}: {what}", timed(ask), reference[what], ROUNDS) for what, ask in ways.items()]
    crowd_of_viewers = timed(lambda: answers_alike([user.pk for user in people]), 10)
    return [*rows, row(f"{how}: 200 viewers at once", crowd_of_viewers, None, 10)]


def everything() -> list[int]:
    return list(Camera.objects.filter(is_enabled=True).values_list("pk", flat=True))


def first_page() -> list[Camera]:
    cameras = Camera.objects.filter(is_enabled=True).select_related("site", "owner")
    return list(cameras.order_by("number")[:50])


def one_of(cameras: list[int]) -> Callable[[], object]:
    return lambda: Camera.objects.filter(is_enabled=True, pk=random.choice(cameras)).first()


def timed(ask: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Median milliseconds."""
    times = []
    for _round in range(rounds):
        began = time.perf_counter()
        ask()
        times.append((time.perf_counter() - began) * 1000)
    return statistics.median(times)


def row(case: str, ours: float, reference: float | None, n: int) -> dict:
    return {
        "name": "rights",
        "case": case,
        "ratio": round(ours / reference, 1) if reference else None,
        "ours": round(ours, 2),
        "reference": round(reference, 2) if reference else None,
        "unit": "ms",
        "n": n,
    }
