"""The gate, and every door behind it, against a model of the law that knows nothing of them, in worlds drawn at random.

Each world is asked about every person or system, camera and kind, as a queryset; and of as many that the law lets in
as it keeps out, one by one: by the gate's own answer, by the doors of the API, by the live socket, and by the warden
of those that are open. Together over 10,000 cases; at length (`make conformance`, a quarter of an hour) over 10,000
for the queryset, the single check, the API and the socket each.
"""

import json
import os
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import combinations, product

import pytest
from django.conf import settings as city_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from django.utils import timezone
from guardian.shortcuts import assign_perm
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from apps.agencies.models import Agency, ApiKey, Membership, User
from apps.agencies.principals import Principal
from apps.agencies.second_factor import SETTLED
from apps.agencies.sittings import PLEDGED_UNTIL
from apps.incidents.models import Incident
from apps.mous.actions import wind_down
from apps.mous.gate import decide, visible_cameras
from apps.mous.models import Integration, LegalGround, Mou, Provision, ProvisionCamera
from apps.viewing.warden import closed_among
from tests.cast import CITY_HALL, make_agency, make_camera
from tests.doors import OPENED, Doors, knock, play_the_recorder
from tests.mous import law

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

AT_LENGTH = "LAW_AT_LENGTH" in os.environ
WORLDS = 450 if AT_LENGTH else 57
# So many cases the gate one by one, the API and the socket have each.
LEAST = 10_000 if AT_LENGTH else 150
AGENCIES, CAMERAS, PEOPLE, SYSTEMS = 3, 6, 5, 1
KINDS = ("live", "recorded", "still")
# Doors ask the clock themselves. Whatever begins or ends now has done so when they do, a second later.
NOON = timezone.now()
CASES: dict[str, Counter] = {}
# Of each thing asked: what the close of an incident alone keeps out.
SHUT_BY_THE_CLOSE = Counter()

often, seldom = st.sampled_from([True] * 5 + [False]), st.sampled_from([False] * 5 + [True])
agency = st.integers(0, AGENCIES - 1)


def some(most: int, least: int = 0):
    return st.frozensets(st.integers(0, most - 1), min_size=least)


agreements = st.builds(
    law.Agreement,
    signed=often,
    suspended=seldom,
    revoked=seldom,
    begins=st.sampled_from([-3, -2, -1, -1, 0, 1]),
    ends=st.sampled_from([2, 3, 2, 3, 3, 0]),
    superseded=st.sampled_from([None, None, None, None, None, -1, 0, 1]),
    reports=st.sampled_from([1, 3, 3]),
).filter(lambda a: a.begins < a.ends)
provisions = st.builds(
    law.Provision,
    agency=agency,
    agreement=st.none() | st.integers(0, 1) | st.integers(0, 1),
    incident=st.sampled_from([0, 1, 1, None]),
    kinds=st.sampled_from([KINDS, KINDS, *(kinds for n in (1, 2) for kinds in combinations(KINDS, n))]).map(frozenset),
    begins=st.sampled_from([-2, -1, -1, -1, 0, 1]),
    ends=st.sampled_from([1, 2, 2, 1, 2, 0]),
    revoked=seldom,
    given=some(CAMERAS, least=3),
    taken_out=st.just(frozenset()) | st.just(frozenset()) | some(CAMERAS),
    recorded=st.tuples(st.sampled_from([-2, -2, -1]), st.sampled_from([2, 2, -1])),
)
people = st.builds(
    law.Person,
    active=often,
    signed_in=often,
    agencies=some(AGENCIES, least=1) | some(AGENCIES, least=1) | some(AGENCIES),
    watches_owners=st.just(frozenset()) | st.just(frozenset()) | some(AGENCIES),
    watches_cameras=st.just(frozenset()) | some(CAMERAS),
)
systems = st.builds(
    law.Person,
    active=often,
    signed_in=st.just(True),
    agencies=st.builds(lambda one: frozenset({one}), agency),
    watches_owners=st.just(frozenset()),
    watches_cameras=st.just(frozenset()),
)
worlds = st.builds(
    law.World,
    agency_active=st.lists(often, min_size=AGENCIES, max_size=AGENCIES),
    cameras=st.lists(
        st.builds(law.Camera, owner=agency, on=often, kept_back=seldom), min_size=CAMERAS, max_size=CAMERAS
    ),
    agreements=st.lists(st.tuples(agency, agreements), min_size=2, max_size=2),
    integrations=st.lists(st.tuples(agency, agreements), max_size=1),
    closed=st.tuples(st.sampled_from([-1, None]), st.sampled_from([None, None, -1])).map(list),
    provisions=st.lists(provisions, min_size=2, max_size=6),
    people=st.builds(
        list.__add__,
        st.lists(people, min_size=PEOPLE, max_size=PEOPLE),
        st.lists(systems, min_size=SYSTEMS, max_size=SYSTEMS),
    ),
)


def when(hour: int) -> datetime:
    return NOON + timedelta(hours=hour)


class Built:
    """A world of the law as rows of the database."""

    def __init__(self, world: law.World):
        self.agencies = [make_agency(f"a{n}", is_active=active) for n, active in enumerate(world.agency_active)]
        self.clerks = [User.objects.create(username=f"clerk{n}") for n in range(3)]
        self.cameras = [self.camera(camera) for camera in world.cameras]
        self.mous = [self.mou(n, *made) for n, made in enumerate(world.agreements)]
        for number, (owner, agreement) in enumerate(world.integrations):
            Integration.objects.create(owner=self.agencies[owner], purpose="x", **self.terms(f"I{number}", agreement))
        self.incidents = [self.incident(n) for n in range(len(world.closed))]
        for number, provision in enumerate(world.provisions):
            self.provide(number, provision)
        for incident, closed in zip(self.incidents, world.closed, strict=True):
            if closed is not None:
                self.close(incident, when(closed))
        self.parties = [self.party(n, person) for n, person in enumerate(world.people)]

    def camera(self, camera: law.Camera):
        kept_back = {"excluded_at": when(-1), "excluded_reason": "x"} if camera.kept_back else {}
        return make_camera(self.agencies[camera.owner], is_enabled=camera.on, **kept_back)

    def terms(self, number: str, agreement: law.Agreement) -> dict:
        state = Mou.State.SIGNED
        if agreement.suspended:
            state = Mou.State.SUSPENDED
        if agreement.revoked:
            state = Mou.State.REVOKED
        drafter, signer, other = self.clerks
        signed = {"signed_by": signer, "countersigned_by": other, "signed_at": when(-9)} if agreement.signed else {}
        return {
            "document_number": number,
            "drafted_by": drafter,
            "state": state if agreement.signed else Mou.State.DRAFT,
            "starts_at": when(agreement.begins),
            "ends_at": when(agreement.ends),
            "superseded_at": None if agreement.superseded is None else when(agreement.superseded),
            **signed,
        }

    def mou(self, number: int, partner: int, agreement: law.Agreement) -> Mou:
        ground = {"legal_ground": LegalGround.URGENT, "purpose": "x", "services": ["112-onsite"], "kinds": list(KINDS)}
        terms = {"report_hours": agreement.reports, **self.terms(f"M{number}", agreement)}
        return Mou.objects.create(agency=self.agencies[partner], **ground, **terms)

    def incident(self, number: int) -> Incident:
        return Incident.objects.create(
            number=f"I{number}",
            agency=self.agencies[0],
            source_id=str(number),
            digest="0" * 64,
            service="112-onsite",
            type="robbery",
            grade="urgent",
            occurred_at=when(-1),
            location=f"POINT({CITY_HALL[0]} {CITY_HALL[1]})",
        )

    def close(self, incident: Incident, at: datetime) -> None:
        Incident.objects.filter(pk=incident.pk).update(state="closed", closed_at=at)
        wind_down(incident, at=at)

    def provide(self, number: int, provision: law.Provision) -> None:
        by_agreement = provision.agreement is not None
        row = Provision.objects.create(
            number=f"P{number}",
            way="operator" if by_agreement else "urgent",
            agency=self.agencies[provision.agency],
            mou=self.mous[provision.agreement] if by_agreement else None,
            incident=None if provision.incident is None else self.incidents[provision.incident],
            opened_by=self.clerks[0],
            legal_ground=LegalGround.URGENT,
            purpose="x",
            kinds=sorted(provision.kinds),
            starts_at=when(provision.begins),
            ends_at=when(provision.ends),
            recorded_from=when(provision.recorded[0]),
            recorded_until=when(provision.recorded[1]),
            revoked_at=when(-1) if provision.revoked else None,
            revoked_reason="x" if provision.revoked else "",
        )
        for rank, camera in enumerate(sorted(provision.given)):
            ProvisionCamera.objects.create(
                provision=row,
                camera=self.cameras[camera],
                rank=rank,
                distance_m=1,
                covers=True,
                removed_at=when(-1) if camera in provision.taken_out else None,
            )

    def party(self, number: int, person: law.Person) -> "Party":
        return Party(*(self.system if number >= PEOPLE else self.person)(number, person))

    def system(self, number: int, person: law.Person) -> tuple[Principal, str, str]:
        (member_of,) = person.agencies
        key, token = ApiKey.issue(self.agencies[member_of], "x", [], revoked_at=None if person.active else when(-1))
        return Principal(key_id=key.pk), "", token

    def person(self, number: int, person: law.Person) -> tuple[Principal, str, str]:
        user = User.objects.create(username=f"person{number}", is_active=person.active, password="!")
        for member_of in person.agencies:
            Membership.objects.create(user=user, agency=self.agencies[member_of], role=Membership.Role.LIAISON)
        for owner in person.watches_owners:
            assign_perm("agencies.watch_cameras", user, self.agencies[owner])
        for camera in person.watches_cameras:
            assign_perm("cameras.watch_camera", user, self.cameras[camera])
        session = session_of(user)
        principal = Principal.of(user, session.session_key)
        if not person.signed_in:
            session.delete()
        return principal, session.session_key, ""


def session_of(user: User) -> SessionStore:
    """As after a sign-in with everything that it takes."""
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[PLEDGED_UNTIL], session[SETTLED] = when(24).isoformat(), True
    session.create()
    return session


@dataclass(frozen=True)
class Party:
    """A person or a system, as the gate and as the doors know it."""

    principal: Principal
    session: str
    token: str

    def ask(self, doors: Doors, path: str, **query):
        doors.cookies.clear()
        if self.session:
            doors.cookies[city_settings.SESSION_COOKIE_NAME] = self.session
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return doors.get(path, query_params=query, headers=headers)


@pytest.fixture(autouse=True)
def recorder_at_its_best(monkeypatch):
    play_the_recorder(monkeypatch)


@seed(20261121)
@settings(
    max_examples=WORLDS,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds, turn=st.integers(0, 99))
def test_gate_and_doors_agree_with_the_law(world, turn):
    with transaction.atomic():
        built, doors = Built(world), Doors()
        seen = {(kind, recorded): seen_by_law(world, kind, recorded) for kind, recorded in ASKED}
        still_open = replace(world, closed=[None] * len(world.closed))
        for asked, lawful in seen.items():
            SHUT_BY_THE_CLOSE[asked] += len(seen_by_law(still_open, *asked) - lawful)
        for (number, party), kind in product(enumerate(built.parties), KINDS):
            expected = {camera for who, camera in seen[kind, NOW] if who == number}
            shown = set(visible_cameras(party.principal.again(), kind, at=NOON).values_list("pk", flat=True))
            agree("queryset", {built.cameras[n].pk for n in expected}, shown, among=CAMERAS)
        for number, party in enumerate(built.parties):
            on_map = [camera for who, camera in seen["live", NOW] if who == number]
            agree("map", {built.cameras[n].pk for n in on_map}, shown_on_map(doors, party), among=CAMERAS)
        for (how, *asked), (opens, *most) in ONE_BY_ONE.items():
            lawful = seen[*asked]
            for pair in both_ways(lawful, turn, most[AT_LENGTH]):
                party, camera = built.parties[pair[0]], built.cameras[pair[1]]
                agree(how, {pair} & lawful, {pair} if opens(doors, party, camera) else set(), among=1)
        watched = both_ways(seen["live", NOW], turn, WATCHED)
        agree("warden", set(watched) & seen["live", NOW], left_open(built, watched), among=len(watched))
        transaction.set_rollback(True)


def seen_by_law(world: law.World, kind: str, recorded: tuple[int, int] | None) -> set[tuple[int, int]]:
    """Who sees which camera."""
    every = product(range(PEOPLE + SYSTEMS), range(CAMERAS))
    return {(who, camera) for who, camera in every if law.may_see(world, world.people[who], camera, kind, recorded)}


def agree(how: str, expected: set, found: set, *, among: int) -> None:
    assert found == expected, how
    CASES.setdefault(how, Counter()).update(open=len(expected), closed=among - len(expected))


def some_of(pairs: set, turn: int, most: int) -> list:
    """At most so many, others from world to world."""
    ordered = sorted(pairs)
    start = turn % len(ordered) if ordered else 0
    return (ordered[start:] + ordered[:start])[:most]


def both_ways(seen: set[tuple[int, int]], turn: int, most: int) -> list[tuple[int, int]]:
    """As many that the law lets in as it keeps out."""
    every = set(product(range(PEOPLE + SYSTEMS), range(CAMERAS)))
    return [*some_of(seen, turn, most), *some_of(every - seen, turn, most)]


def shown_on_map(doors: Doors, party: Party) -> set[int]:
    answer = party.ask(doors, "/api/v1/map/cameras/")
    if answer.status_code != 200:
        return set()
    return {feature["properties"]["id"] for feature in json.loads(answer.content)["features"]}


def gate_opens(kind: str, recorded: tuple[int, int] | None):
    window = recorded and (when(recorded[0]), when(recorded[1]))

    def opens(doors, party: Party, camera) -> bool:
        return decide(party.principal.again(), camera.pk, kind, at=NOON, window=window).is_open

    return opens


def door_opens(name: str, **query):
    def opens(doors, party: Party, camera) -> bool:
        answer = party.ask(doors, f"/api/v1/cameras/{camera.pk}/{name}", **query)
        assert answer.status_code in (200, 401, 404), answer.status_code
        return answer.status_code == 200

    return opens


def socket_opens(doors, party: Party, camera) -> bool:
    code = knock(f"/api/v1/cameras/{camera.pk}/live", session=party.session, token=party.token)
    assert code in (OPENED, 4403), code
    return code == OPENED


def left_open(built: Built, watched: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Those views that the warden lets go on."""
    pairs = {(built.parties[who].principal, built.cameras[camera].pk): (who, camera) for who, camera in watched}
    return set(pairs.values()) - {pairs[shut] for shut in closed_among(set(pairs))}


def period(recorded: tuple[int, int]) -> dict:
    return {"from": when(recorded[0]).isoformat(), "to": when(recorded[1]).isoformat()}


# Times asked for, in hours. Incidents are closed an hour ago: what is before, and what is not.
NOW, BEFORE, SINCE = None, (-2, -1), (-1, 0)
THEN, LATER = (-1, -1), (0, 0)
ANY = ("recorded", NOW)  # of recordings, those of any time
WATCHED = 4
# What is asked, about which kind and time: whether it lets a party see a camera, how many of each answer in a world,
# how many at length.
ONE_BY_ONE = {
    **{("gate", kind, NOW): (gate_opens(kind, NOW), 2, 3) for kind in KINDS},
    **{("gate", "recorded", recorded): (gate_opens("recorded", recorded), 1, 2) for recorded in (BEFORE, SINCE)},
    **{("gate", "still", recorded): (gate_opens("still", recorded), 1, 2) for recorded in (THEN, LATER)},
    ("still of now", "still", NOW): (door_opens("still.jpg"), 2, 4),
    ("still", "still", THEN): (door_opens("still.jpg", at=when(-1).isoformat()), 1, 4),
    ("playback", "recorded", SINCE): (door_opens("playback.m3u8", **period(SINCE)), 1, 4),
    ("timeline", "recorded", BEFORE): (door_opens("timeline", **period(BEFORE)), 1, 4),
    ("socket", "live", NOW): (socket_opens, 2, 18),
}
API = ("still of now", "still", "playback", "timeline")
ASKED = {(kind, recorded) for _how, kind, recorded in ONE_BY_ONE}


def test_there_were_enough_cases_of_both_answers_at_every_door():
    total = sum(CASES.values(), Counter())
    print("".join(f"\n{how}: {cases['open']} open, {cases['closed']} closed" for how, cases in CASES.items()))
    assert sum(total.values()) >= 10_000, CASES
    assert min(total["open"], total["closed"]) >= 1_200, CASES
    assert {how for how, _kind, _recorded in ONE_BY_ONE} | {"queryset", "map", "warden"} == set(CASES)
    assert all(min(cases["open"], cases["closed"]) >= 20 for cases in CASES.values()), CASES
    for ways in (["queryset"], ["gate"], API, ["socket"]):
        assert sum((CASES[how] for how in ways), Counter()).total() >= LEAST, CASES
    assert min(SHUT_BY_THE_CLOSE[asked] for asked in ASKED if asked[1] in (NOW, SINCE, LATER) and asked != ANY) >= 50
    assert Agency.objects.count() == 0
