from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.models import Agency
from apps.audit.actions import record
from apps.cameras.choosing import Chosen
from apps.incidents.actions import event_of, publish
from apps.incidents.models import Incident
from apps.mous.models import LedgerEntry, Mou, Provision, ProvisionCamera

S = Mou.State


class NotAllowed(Exception):
    """The step is not open to this person, or not from this state."""


# verb: (states it may leave, state it enters, permission)
MOU_TRANSITIONS = {
    "sign": ({S.DRAFT}, S.SIGNED, "mous.sign_mou"),
    "suspend": ({S.SIGNED}, S.SUSPENDED, "mous.suspend_mou"),
    "resume": ({S.SUSPENDED}, S.SIGNED, "mous.suspend_mou"),
    "revoke": ({S.SIGNED, S.SUSPENDED}, S.REVOKED, "mous.suspend_mou"),
}


@transaction.atomic
def advance_mou(mou: Mou, verb: str, *, by) -> Mou:
    """Sign, suspend, resume or revoke. A draft is signed by another person than the one who wrote it."""
    sources, after, permission = MOU_TRANSITIONS[verb]
    mou = Mou.objects.select_for_update().get(pk=mou.pk)
    if not by.has_perm(permission):
        raise NotAllowed(_("You do not have the right to do this."))
    if mou.state not in sources:
        raise NotAllowed(_("An MOU that is “%(state)s” cannot take this step.") % {"state": mou.get_state_display()})
    if verb == "sign":
        if mou.drafted_by_id == by.pk:
            raise NotAllowed(_("An MOU is signed by another person than the one who wrote it."))
        mou.signed_by, mou.signed_at = by, timezone.now()
    mou.state = after
    mou.save()
    record(f"mou.{verb}", actor=by, target=mou)
    return mou


def open_provisions(
    incident: Incident, choices: list[tuple[Mou, list[Chosen]]], *, by
) -> list[tuple[Provision, list[ProvisionCamera]]]:
    """Open one provision per MOU with its chosen cameras, and write each into the register.

    Joins the caller's transaction: the incident, its provisions and the register stand or fall together.
    """
    opened = Provision.objects.bulk_create(
        _provision(incident, mou, number) for number, (mou, _cameras) in enumerate(choices, 1)
    )
    pairs = [
        (provision, [_provided(provision, rank, chosen) for rank, chosen in enumerate(cameras, 1)])
        for provision, (_mou, cameras) in zip(opened, choices, strict=True)
    ]
    ProvisionCamera.objects.bulk_create(row for _provision, rows in pairs for row in rows)
    LedgerEntry.objects.bulk_create(_line_of_provision(provision, rows, by) for provision, rows in pairs)
    return pairs


def _provision(incident: Incident, mou: Mou, number: int) -> Provision:
    return Provision(
        number=f"{incident.number}-{number}",
        agency=mou.agency,
        service=incident.service,
        incident=incident,
        mou=mou,
        legal_ground=mou.legal_ground,
        purpose=mou.purpose,
        kinds=mou.kinds,
        starts_at=incident.received_at,
        ends_at=incident.received_at + timedelta(hours=mou.open_hours),
        recorded_from=incident.occurred_at - timedelta(minutes=mou.lookback_min),
        recorded_until=incident.occurred_at + timedelta(minutes=mou.lookahead_min),
    )


def _provided(provision: Provision, rank: int, chosen: Chosen) -> ProvisionCamera:
    return ProvisionCamera(
        provision=provision,
        camera=chosen.camera,
        rank=rank,
        distance_m=chosen.distance_m,
        bearing_deg=chosen.bearing_deg,
        turn_deg=chosen.turn,
        covers=chosen.covers,
        ring=chosen.ring,
    )


def _line_of_provision(provision: Provision, provided: list[ProvisionCamera], by) -> LedgerEntry:
    return LedgerEntry(
        kind=LedgerEntry.Kind.PROVIDE,
        form=", ".join(provision.kinds),
        officer=str(by),
        purpose=provision.purpose,
        third_party=provision.agency.name_ko,
        ground=provision.legal_ground,
        manner="stream",
        period_from=provision.starts_at,
        period_until=provision.ends_at,
        cameras=[row.camera.number for row in provided],
        incident_number=provision.incident.number,
        provision=provision,
        agency=provision.agency,
    )


def refuse(
    agency: Agency, code: str, *, purpose: str, officer: str, incident_number: str = "", cameras=()
) -> LedgerEntry:
    """Write a refusal into the register."""
    return LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.REFUSE,
        officer=officer,
        purpose=purpose,
        third_party=agency.name_ko,
        code=code,
        incident_number=incident_number,
        cameras=list(cameras),
        agency=agency,
    )


@transaction.atomic
def revoke(provision: Provision, *, by, reason: str) -> None:
    """Close a provision at once; open sockets notice within two seconds."""
    if not by.has_perm("mous.revoke_provision"):
        raise NotAllowed(_("You do not have the right to do this."))
    if not reason.strip():
        raise NotAllowed(_("Say why the provision is revoked."))
    now = timezone.now()
    if not Provision.objects.filter(pk=provision.pk, revoked_at=None).update(
        revoked_at=now, revoked_by=by, revoked_reason=reason
    ):
        raise NotAllowed(_("This provision is revoked already."))
    record("provision.revoked", actor=by, target=provision, reason=reason)
    publish([event_of(provision.incident, "provision.revoked", by=by, provision=provision.pk)])


def wind_down(incident: Incident, *, at: datetime) -> None:
    """After closing: live video has ended by itself; recorded video stays for reports as long as the MOU says."""
    for provision in incident.provisions.filter(revoked_at=None, ends_at__gt=at).select_related("mou"):
        provision.ends_at = at + timedelta(hours=provision.mou.report_hours)
        provision.save(update_fields=["ends_at"])
