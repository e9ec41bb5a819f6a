"""The gate against a model of the law that knows nothing of it, over worlds drawn at random.

Each world is asked about every person, camera and kind: as a queryset, and one by one. Together over 10,000 cases.
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.sessions.backends.db import SessionStore
from django.db import transaction
from guardian.shortcuts import assign_perm
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from apps.agencies.models import Agency, Membership, User
from apps.agencies.principals import Principal
from apps.incidents.models import Incident
from apps.mous.gate import decide, visible_cameras
from apps.mous.models import Integration, LegalGround, Mou, Provision, ProvisionCamera
from tests.cast import CITY_HALL, make_agency, make_camera
from tests.mous import law

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

WORLDS = 110
AGENCIES, CAMERAS, PEOPLE = 3, 4, 4
KINDS = ("live", "recorded", "still")
NOON = datetime(2026, 11, 21, 3, tzinfo=UTC)
CASES = Counter()

often, seldom = st.sampled_from([True] * 5 + [False]), st.sampled_from([False] * 5 + [True])
agency = st.integers(0, AGENCIES - 1)


def hours(first: int, last: int):
    return st.integers(first, last)


def some(most: int):
    return st.frozensets(st.integers(0, most - 1))


agreements = st.builds(
    law.Agreement,
    signed=often,
    suspended=seldom,
    revoked=seldom,
    begins=hours(-3, 1),
    ends=hours(2, 3) | hours(2, 3) | st.just(0),
    superseded=st.none() | st.none() | hours(-1, 1),
).filter(lambda a: a.begins < a.ends)
provisions = st.builds(
    law.Provision,
    agency=agency,
    agreement=st.none() | st.integers(0, 1) | st.integers(0, 1),
    incident=st.none() | st.integers(0, 1),
    kinds=st.frozensets(st.sampled_from(KINDS), min_size=1),
    begins=hours(-2, 1),
    ends=hours(0, 2),
    revoked=seldom,
    given=some(CAMERAS),
    taken_out=st.just(frozenset()) | some(CAMERAS),
)
people = st.builds(
    law.Person,
    active=often,
    signed_in=often,
    agencies=some(AGENCIES),
    watches_owners=st.just(frozenset()) | some(AGENCIES),
    watches_cameras=st.just(frozenset()) | some(CAMERAS),
)
worlds = st.builds(
    law.World,
    agency_active=st.lists(often, min_size=AGENCIES, max_size=AGENCIES),
    cameras=st.lists(
        st.builds(law.Camera, owner=agency, on=often, kept_back=seldom), min_size=CAMERAS, max_size=CAMERAS
    ),
    agreements=st.lists(st.tuples(agency, agreements), min_size=2, max_size=2),
    integrations=st.lists(st.tuples(agency, agreements), max_size=1),
    incident_open=st.lists(often, min_size=2, max_size=2),
    provisions=st.lists(provisions, min_size=1, max_size=5),
    people=st.lists(people, min_size=PEOPLE, max_size=PEOPLE),
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
        self.incidents = [self.incident(n, is_open) for n, is_open in enumerate(world.incident_open)]
        for number, provision in enumerate(world.provisions):
            self.provide(number, provision)
        self.people = [self.person(n, person) for n, person in enumerate(world.people)]

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
        return Mou.objects.create(agency=self.agencies[partner], **ground, **self.terms(f"M{number}", agreement))

    def incident(self, number: int, is_open: bool) -> Incident:
        over = {} if is_open else {"state": "closed", "closed_at": when(-1)}
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
            **over,
        )

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
            recorded_from=when(-2),
            recorded_until=when(2),
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

    def person(self, number: int, person: law.Person) -> Principal:
        user = User.objects.create(username=f"person{number}", is_active=person.active)
        for member_of in person.agencies:
            Membership.objects.create(user=user, agency=self.agencies[member_of], role=Membership.Role.LIAISON)
        for owner in person.watches_owners:
            assign_perm("agencies.watch_cameras", user, self.agencies[owner])
        for camera in person.watches_cameras:
            assign_perm("cameras.watch_camera", user, self.cameras[camera])
        session = SessionStore()
        session.create()
        principal = Principal.of(user, session.session_key)
        if not person.signed_in:
            session.delete()
        return principal


@seed(20261121)
@settings(
    max_examples=WORLDS,
    deadline=None,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(world=worlds)
def test_the_gate_agrees_with_the_law(world):
    with transaction.atomic():
        built = Built(world)
        for person, principal in zip(world.people, built.people, strict=True):
            for kind in KINDS:
                agrees(world, built, person, principal.again(), kind)
        transaction.set_rollback(True)


def agrees(world: law.World, built: Built, person: law.Person, principal: Principal, kind: str) -> None:
    expected = {n for n in range(CAMERAS) if law.may_see(world, person, n, kind)}
    shown = set(visible_cameras(principal, kind, at=NOON).values_list("pk", flat=True))
    assert shown == {built.cameras[n].pk for n in expected}
    for number, camera in enumerate(built.cameras):
        decision = decide(principal, camera.pk, kind, at=NOON)
        assert decision.is_open == (number in expected), decision.code
        CASES["open" if decision.is_open else "closed"] += 2  # the queryset's answer and the single one


def test_there_were_enough_cases_of_both_kinds():
    assert sum(CASES.values()) >= 10_000
    assert min(CASES["open"], CASES["closed"]) >= 500
    assert Agency.objects.count() == 0
