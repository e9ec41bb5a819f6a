"""The law of who may see what, once more and without a database: thirty lines that a lawyer can check.

Knows nothing of the gate. `tests/mous/test_law.py` draws worlds at random and lets both decide. Times are hours.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Agreement:
    signed: bool
    suspended: bool
    revoked: bool
    begins: int
    ends: int
    superseded: int | None = None
    reports: int = 0  # so long after the close of an incident its recordings stay open

    def in_force(self, now: int) -> bool:
        standing = self.signed and not self.suspended and not self.revoked
        replaced = self.superseded is not None and self.superseded <= now
        return standing and not replaced and self.begins <= now < self.ends


@dataclass(frozen=True)
class Camera:
    owner: int
    on: bool
    kept_back: bool


@dataclass(frozen=True)
class Provision:
    agency: int
    agreement: int | None  # none: on the urgent ground
    incident: int | None  # none: on an agency's request
    kinds: frozenset[str]
    begins: int
    ends: int
    revoked: bool
    given: frozenset[int]
    taken_out: frozenset[int]
    recorded: tuple[int, int]  # of which time recordings and stills are given


@dataclass(frozen=True)
class Person:
    active: bool
    signed_in: bool
    agencies: frozenset[int]
    watches_owners: frozenset[int]  # standing rights over all cameras of an owner
    watches_cameras: frozenset[int]  # and over single ones


@dataclass(frozen=True)
class World:
    agency_active: list[bool]
    cameras: list[Camera]
    agreements: list[tuple[int, Agreement]]  # with whom
    integrations: list[tuple[int, Agreement]]  # of which owner
    closed: list[int | None]  # when each incident was closed; none: it is open
    provisions: list[Provision]
    people: list[Person]
    now: int = field(default=0)


def may_see(
    world: World, person: Person, camera_number: int, kind: str, recorded: tuple[int, int] | None = None
) -> bool:
    """Art. 25 and 18(2), the agreements and the city's own rules, read as plainly as they can be.

    `recorded` is the time that is asked to be seen. None: now, live or as a still; of recordings, any time at all.
    """
    camera = world.cameras[camera_number]
    if not (person.active and person.signed_in and camera.on):
        return False
    agencies = {agency for agency in person.agencies if world.agency_active[agency]}
    own = camera.owner in agencies
    if camera.kept_back and not own:
        return False
    return _stands(world, person, camera_number, agencies) or any(
        _gives(world, provision, camera_number, kind, recorded)
        for provision in world.provisions
        if provision.agency in agencies
    )


def _stands(world: World, person: Person, camera_number: int, agencies: set[int]) -> bool:
    """A right that needs no provision: the owner's own people always, others while the owner is in the centre."""
    owner = world.cameras[camera_number].owner
    if not agencies or not (owner in person.watches_owners or camera_number in person.watches_cameras):
        return False
    joined = [agreement for whose, agreement in world.integrations if whose == owner and agreement.signed]
    return owner in agencies or not joined or any(agreement.in_force(world.now) for agreement in joined)


def _gives(world: World, provision: Provision, camera_number: int, kind: str, recorded: tuple[int, int] | None) -> bool:
    closed = None if provision.incident is None else world.closed[provision.incident]
    ends = provision.ends
    if provision.agreement is not None:
        partner, agreement = world.agreements[provision.agreement]
        if not (world.agency_active[partner] and agreement.in_force(world.now)):
            return False
        ends = ends if closed is None else closed + agreement.reports
    return (
        kind in provision.kinds
        and not provision.revoked
        and provision.begins <= world.now < ends
        and camera_number in provision.given - provision.taken_out
        and (
            _shows_now(provision, kind, closed, world.now) if recorded is None else _holds(provision, closed, recorded)
        )
    )


def _shows_now(provision: Provision, kind: str, closed: int | None, now: int) -> bool:
    """What shows the present ends with the incident. A still does so where live does, or within the recorded time."""
    if kind == "recorded":
        return True
    begins, ends = provision.recorded
    return closed is None and (kind == "live" or "live" in provision.kinds or begins <= now <= ends)


def _holds(provision: Provision, closed: int | None, recorded: tuple[int, int]) -> bool:
    """Nothing is given of a time after the close."""
    begins, ends = provision.recorded
    return begins <= recorded[0] and recorded[1] <= (ends if closed is None else min(ends, closed))
