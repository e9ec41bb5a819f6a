"""What a call sets in motion, and what its end brings to rest."""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import NoReturn

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db import IntegrityError, transaction
from django.db.models import Prefetch, QuerySet
from django.utils import timezone

from apps.agencies.models import Agency
from apps.audit.actions import entry, write
from apps.audit.refusals import record_refusal
from apps.cameras.choosing import Chosen, choose
from apps.cameras.models import Camera
from apps.incidents.actions import advance as advance_incident
from apps.incidents.actions import event_of, next_number, publish
from apps.incidents.models import Event, Incident
from apps.linked_services.services import ALL, Service
from apps.mous.actions import open_provisions, refuse, wind_down
from apps.mous.models import Mou, Provision, ProvisionCamera
from apps.mous.purposes import settle
from daejeon_soc.kept_queries import KeptQueries

INTAKE = "intake"


class Refused(Exception):
    """The call is understood, and no agreement in force covers it. `code` is the public face's."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


class Conflict(Exception):
    """The agency has used this number of its own for another call."""


@dataclass(frozen=True)
class Received:
    """An accepted call: the incident, and what the sender is provided with."""

    incident: Incident
    provisions: list[tuple[Provision, list[ProvisionCamera]]]
    seq: int
    is_new: bool


def receive(agency: Agency, call: dict, *, by) -> Received:
    """Accept a call in one transaction: incident, provisions, register, audit, event.

    `call` is the validated body of the public face. A repeat with the same content gets the first answer;
    Conflict when the content differs, Refused (and a register line) when no agreement covers it.
    """
    digest = digest_of(call)
    mous = mous_for(call)
    if agency.pk not in [mou.agency_id for mou in mous]:
        if known := repeat_of(agency, call, digest):
            return known
        turn_away(agency, call, refusal_code(agency, call), by=by)
    choices = [(mou, cameras_for(mou, call)) for mou in mous]
    try:
        return _accept(agency, call, digest, choices, by)
    except IntegrityError:
        if known := repeat_of(agency, call, digest):
            return known
        raise


def digest_of(call: dict) -> str:
    return hashlib.sha256(json.dumps(call, sort_keys=True, default=str, ensure_ascii=False).encode()).hexdigest()


def point_of(call: dict) -> Point:
    return Point(call["location"]["lon"], call["location"]["lat"], srid=4326)


def mous_for(call: dict) -> list[Mou]:
    """The agreements, of whichever agency, that are in force and cover this call."""
    in_force = OF_SERVICE.rows(call["service"], partial(_in_force, call["service"]), at=timezone.now())
    return [mou for mou in in_force if mou.covers(call["type"], point_of(call))]


OF_SERVICE = KeptQueries(at=datetime.max.replace(tzinfo=UTC))


def _in_force(service: str, at: datetime) -> QuerySet[Mou]:
    return Mou.objects.in_force(at).defer("drawn").speaking_of(service).select_related("agency").order_by("pk")


def refusal_code(agency: Agency, call: dict) -> str:
    """Why no agreement of `agency` covers the call: the nearest miss says it best."""
    mous = list(agency.mous.all().speaking_of(call["service"]).order_by("-starts_at"))
    now = timezone.now()
    in_force = [mou for mou in mous if not mou.why_not_in_force(now)]
    if not in_force:
        return mous[0].why_not_in_force(now) if mous else "no_mou"
    return "outside_area" if any(mou.covers_type(call["type"]) for mou in in_force) else "type_not_covered"


def turn_away(agency: Agency, call: dict, code: str, *, by) -> NoReturn:
    """Write the refusal into the register and the audit, then refuse."""
    purpose = f"{call['service']} {call['type']} {call['source_id']}"
    with transaction.atomic():
        refuse(agency, code, purpose=purpose, officer=str(by))
        record_refusal("call.refused", actor=by, door=INTAKE, code=code, what=purpose)
    raise Refused(code)


def cameras_for(mou: Mou, call: dict) -> list[Chosen]:
    """The cameras this MOU opens for the call. Exercises use virtual cameras only, real calls none of them."""
    exercise = call["exercise"]
    known_as = (*mou.goes_by(), exercise, settings.DEMO)
    return choose(point_of(call), among=partial(_among, mou, exercise), known_as=known_as, **reach_of(mou, call))


def _among(mou: Mou, exercise: bool) -> QuerySet[Camera]:
    if exercise:
        return mou.cameras().filter(is_virtual=True)
    return mou.cameras() if settings.DEMO else mou.cameras().filter(is_virtual=False)


def reach_of(mou: Mou, call: dict) -> dict:
    """How many cameras and how far: the service's own limits, which an MOU may only narrow."""
    service: Service = ALL[call["service"]]
    return {
        "limit": min(mou.max_cameras, service.cameras),
        "radius_m": min(mou.radius_m, service.radius_m),
        "outer_radius_m": min(mou.outer_radius_m, service.outer_radius_m),
    }


@transaction.atomic
def _accept(agency: Agency, call: dict, digest: str, choices, by) -> Received:
    incident = _incident(agency, call, digest, [mou.agency_id for mou, _cameras in choices])
    incident.save(force_insert=True)
    opened = open_provisions(incident, choices, by=by)
    write(
        [entry("incident.received", actor=by, target=incident, service=incident.service, type=incident.type)]
        + [entry("provision.opened", actor=by, target=p, agency=p.agency.code, cameras=len(c)) for p, c in opened]
    )
    (event,) = publish([event_of(incident, "incident.opened", by=by)])
    own = [(provision, provided) for provision, provided in opened if provision.agency_id == agency.pk]
    return Received(incident, own, event.seq, is_new=True)


def _incident(agency: Agency, call: dict, digest: str, shown_to: list[int]) -> Incident:
    now = timezone.now()
    return Incident(
        number=next_number(now),
        agency=agency,
        source_id=call["source_id"],
        digest=digest,
        service=call["service"],
        type=call["type"],
        grade=call["grade"],
        occurred_at=call["occurred_at"],
        received_at=now,
        location=point_of(call),
        place=call["place"],
        description=call["description"],
        is_exercise=call["exercise"],
        parties=sorted({agency.pk, *shown_to}),
    )


def repeat_of(agency: Agency, call: dict, digest: str) -> Received | None:
    """The first answer to the same call; None when there was none; Conflict when the content differs."""
    incident = Incident.objects.filter(agency=agency, source_id=call["source_id"]).first()
    if incident is None:
        return None
    if incident.digest != digest:
        raise Conflict
    seq = incident.events.latest_seq()
    return Received(incident, provided_to([agency.pk], incident), seq, is_new=False)


def provided_to(agency_ids: list[int], incident: Incident) -> list[tuple[Provision, list[ProvisionCamera]]]:
    """The incident's provisions to these agencies, each with its cameras in the order chosen."""
    given = ProvisionCamera.objects.given().select_related("camera")
    provisions = (
        incident.provisions.of_agencies(agency_ids)
        .select_related("agency")
        .prefetch_related(Prefetch("provided", given))
        .order_by("pk")
    )
    return [(provision, list(provision.provided.all())) for provision in provisions]


@transaction.atomic
def advance(incident: Incident, event: str, *, by, note: str = "") -> Event:
    """Move an incident on; its end closes live video at once and starts the clock of every copy given out."""
    happened = advance_incident(incident, event, by=by, note=note)
    if not incident.is_open:
        wind_down(incident, at=incident.closed_at)
        settle(incident.provisions.all())
    return happened
