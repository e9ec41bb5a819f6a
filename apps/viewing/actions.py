from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Greatest, Least
from django.utils import timezone
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import gettext_noop as _

from apps.agencies.authentication import AgencySystem
from apps.agencies.models import Agency, User
from apps.agencies.principals import Principal
from apps.audit.actions import record, source_address
from apps.audit.words import on_record
from apps.incidents.actions import event_of, publish
from apps.incidents.models import Incident
from apps.mous import gate
from apps.mous.actions import NotAllowed
from apps.mous.gate import Decision
from apps.mous.models import LedgerEntry, MediaKind, Provision
from apps.mous.purposes import last_day
from apps.mous.terms import NOT_TO_BE_PASSED_ON
from apps.video import alarms
from apps.video.actions import cancel_clip, order_clip
from apps.video.models import CameraAlarm, Clip
from apps.viewing.models import Bookmark, ProvidedCopy, ViewLog

# Who asks for nothing more for this long has stopped looking; what is asked for then is another view.
LOOKING_ENDS_AFTER = timedelta(minutes=15)
# Clips that one agency may have on the way at a time, so that no system's loop fills the queue of all.
MOST_WAITING = 50
FORMS = {Clip.Kind.EVIDENCE: _("video file (MP4)"), Clip.Kind.VIEWING: _("viewing copy (MP4)")}
REGISTER_LINE = _("register line %(line)s")


class TooMany(Exception):
    """The agency has as many clips on the way as it may."""


@transaction.atomic
def log_view(principal: Principal, decision: Decision, door: str, *, incident: str = "", reason: str = "", period=None):
    """Write down that the gate opened `door`. Call it before the first frame leaves.

    On a provision the incident is the provision's. Under a standing right it is the one the viewer named,
    if it may be seen, else `none` with a reason.
    """
    facts = _facts(principal, decision, door, incident, reason)
    start, end = period or (None, None)
    view = ViewLog.objects.create(**facts, period_from=start, period_until=end)
    record(
        "view.opened",
        actor=principal.party,
        target=decision.camera,
        door=door,
        incident=view.incident_number,
        view=view.pk,
    )
    return view


def _facts(principal: Principal, decision: Decision, door: str, incident: str, reason: str) -> dict:
    """Who sees what, by which right and why: two requests that agree in all of it belong to one view."""
    party = principal.party
    number = _incident_number(principal, decision.provision, incident)
    return {
        "door": door,
        "camera": decision.camera,
        "user": None if isinstance(party, AgencySystem) else party,
        "key": party.key if isinstance(party, AgencySystem) else None,
        "provision": decision.provision,
        "incident_number": number,
        "reason": reason or _reason(decision.provision, number),
        "address": source_address.get(),
    }


def _reason(provision: Provision | None, incident_number: str) -> str:
    if incident_number != ViewLog.NO_INCIDENT:
        return ""
    return f"{provision.number} {provision.purpose}"[:300] if provision else on_record(_("standing monitoring duty"))


@transaction.atomic
def log_looking_back(
    principal: Principal, decision: Decision, door: str, *, incident: str = "", reason: str = "", period
) -> ViewLog:
    """Write down that a recorded period was opened. Periods that touch, asked for in one sitting, are one view."""
    start, end = period
    facts = _facts(principal, decision, door, incident, reason)
    touching = _being_looked_at(facts).filter(period_from__lte=end, period_until__gte=start)
    view = touching.order_by("-pk").first()
    if view is None:
        view = log_view(principal, decision, door, incident=incident, reason=reason, period=period)
        ViewLog.objects.filter(pk=view.pk).update(closed_at=view.opened_at)
        return view
    ViewLog.objects.filter(pk=view.pk).update(
        period_from=Least("period_from", start), period_until=Greatest("period_until", end), closed_at=_no_sooner()
    )
    if start < view.period_from or end > view.period_until:
        words = {"from": start.isoformat(), "until": end.isoformat()}
        record("view.extended", actor=principal.party, target=decision.camera, door=door, view=view.pk, **words)
    return view


def _being_looked_at(facts: dict) -> QuerySet[ViewLog]:
    return ViewLog.objects.filter(**facts, closed_at__gt=timezone.now() - LOOKING_ENDS_AFTER)


def log_thumbnail(
    principal: Principal, decision: Decision, at: datetime, *, incident: str = "", reason: str = ""
) -> None:
    """A thumbnail counts under the view whose period holds it; without one it is a still picture of its own."""
    facts = _facts(principal, decision, ViewLog.Door.TIMELINE, incident, reason)
    doors = facts.pop("door"), ViewLog.Door.PLAYBACK
    looking = _being_looked_at(facts).filter(door__in=doors, period_from__lte=at, period_until__gte=at)
    # The timeline's row, if there is one: that is where thumbnails are looked at.
    view = looking.order_by("-door", "-pk").values_list("pk", flat=True).first()
    if view is None:
        log_view(principal, decision, ViewLog.Door.STILL, incident=incident, reason=reason, period=(at, at))
        return
    ViewLog.objects.filter(pk=view).update(pictures=F("pictures") + 1, closed_at=_no_sooner())


def _no_sooner() -> Greatest:
    """An end that another request of the sitting, a moment ahead, has written already is not taken back."""
    return Greatest("closed_at", timezone.now())


@transaction.atomic
def bookmark(principal: Principal, decision: Decision, at: datetime, note: str, *, incident: str = "") -> Bookmark:
    """Mark a moment of a recording that the gate gave. With an incident it is a line of the incident's log."""
    number = _incident_number(principal, decision.provision, incident)
    known = Incident.objects.filter(number=number).first()
    mark = Bookmark.objects.create(
        camera=decision.camera, incident=known, at=at, note=note, by=User.objects.get(pk=principal.user_id)
    )
    record("bookmark.made", actor=principal.party, target=mark, incident=number, moment=at.isoformat(), note=note)
    if known:
        detail = {"camera": decision.camera.number, "moment": at.isoformat(), "note": note}
        publish([event_of(known, "incident.bookmarked", by=principal.party, **detail)])
    return mark


@transaction.atomic
def take_back(mark: Bookmark, *, by: User) -> None:
    """Remove one's own mark. What it said stays on record, and in the incident's log. Raises NotAllowed."""
    if mark.by_id != by.pk:
        raise NotAllowed(_lazy("Only who made a mark takes it back."))
    words = {"moment": mark.at.isoformat(), "note": mark.note}
    record("bookmark.taken_back", actor=by, target=mark, incident=_number_of(mark), **words)
    if mark.incident:
        publish([event_of(mark.incident, "incident.unmarked", by=by, camera=mark.camera.number, **words)])
    mark.delete()


def _number_of(mark: Bookmark) -> str:
    return mark.incident.number if mark.incident else ViewLog.NO_INCIDENT


def _incident_number(principal: Principal, provision: Provision | None, named: str) -> str:
    if provision:
        return provision.incident_number or ViewLog.NO_INCIDENT
    if named and Incident.objects.visible_to(principal).filter(number=named).exists():
        return named
    return ViewLog.NO_INCIDENT


@transaction.atomic
def accept_view(alarm: CameraAlarm, *, by: User) -> None:
    """What a camera shows since it was turned is what it shall show from now on. Raises NotAllowed."""
    if not by.has_perm("video.accept_view"):
        raise NotAllowed(_lazy("You do not have the right to do this."))
    if not CameraAlarm.objects.open().filter(pk=alarm.pk, kind=CameraAlarm.Kind.MOVED).exists():
        raise NotAllowed(_lazy("This alarm is over."))
    alarms.accept_view(alarm.camera_id)
    record("camera.view_accepted", actor=by, target=alarm.camera, since=alarm.began_at.isoformat())


def close_view(view: ViewLog, *, because: str) -> None:
    ViewLog.objects.filter(pk=view.pk, closed_at=None).update(closed_at=timezone.now(), closed_because=because)


def log_refusal(principal: Principal, camera_id: int, door: str, code: str) -> None:
    """A refusal at a door is an audit entry; it opens nothing, so it is no view."""
    record("view.refused", actor=principal.party, camera=camera_id, door=door, code=code)


@transaction.atomic
def provide_clip(
    principal: Principal,
    decision: Decision,
    start: datetime,
    end: datetime,
    kind: str = Clip.Kind.EVIDENCE,
    *,
    recipient: str = "",
) -> ProvidedCopy:
    """Order a copy on the provision that the gate named: register line, clip and copy stand or fall together.

    The same order by the same party gives the copy that is there already, or on its way.
    """
    provision, party = decision.provision, principal.party
    asker = recipient_named(principal, provision.agency, recipient)
    # Whoever orders twice at once waits here for the first; what has ended meanwhile shows.
    as_it_is = Provision.objects.select_for_update(of=("self",)).select_related("incident", "mou", "agency")
    destroy_by = last_day(as_it_is.get(pk=provision.pk))
    if same := _same_copy(decision, asker, start, end, kind):
        return same
    if _waiting_for(provision.agency) >= MOST_WAITING:
        raise TooMany
    line = _register(decision, party, start, end, kind)
    note = _note(provision, line, asker)
    if kind == Clip.Kind.VIEWING:
        note["burned_in"] = [
            f"{provision.agency.name_ko} · {party}",
            f"{on_record(REGISTER_LINE) % {'line': line.pk}} · {decision.camera.number}",
        ]
    copy = ProvidedCopy.objects.create(
        provision=provision,
        clip=order_clip(decision.camera.pk, start, end, note=note, kind=kind),
        agency=provision.agency,
        ledger_number=line.pk,
        requested_by=asker,
        destroy_by=destroy_by,
    )
    record("clip.ordered", actor=party, target=copy.clip, ledger=line.pk, provision=provision.number, kind=kind)
    return copy


def _note(provision: Provision, line: LedgerEntry, asker: str) -> dict:
    """What the manifest says beside the video: for whom, on what ground, under which line of the register."""
    return {
        "ledger_number": line.pk,
        "provision": provision.number,
        "incident": provision.incident_number,
        "agency": provision.agency.code,
        "legal_ground": provision.legal_ground,
        "purpose": provision.purpose,
        "requested_by": asker,
        "terms": on_record(NOT_TO_BE_PASSED_ON),
    }


def recipient_named(principal: Principal, agency: Agency, named: str = "") -> str:
    """Who gets a file, with rank or position: a member, or whom the agency's system names, and the system."""
    party = principal.party
    if isinstance(party, AgencySystem):
        return f"{named.strip()} ({party})"[:200] if named.strip() else str(party)[:200]
    ranks = (member.rank for member in principal.memberships if member.agency_id == agency.pk and member.rank)
    return f"{next(ranks, '')} {party}".strip()


def _same_copy(decision: Decision, party: str, start: datetime, end: datetime, kind: str) -> ProvidedCopy | None:
    alive = [Clip.State.QUEUED, Clip.State.CUTTING, Clip.State.READY]
    wanted = {"camera": decision.camera, "starts_at": start, "ends_at": end, "kind": kind, "state__in": alive}
    same = decision.provision.copies.for_taking().filter(requested_by=party)
    return same.filter(clip__in=Clip.objects.filter(**wanted)).select_related("clip__camera").first()


def _waiting_for(agency) -> int:
    return ProvidedCopy.objects.filter(agency=agency, clip__in=Clip.objects.unfinished()).count()


def _register(decision: Decision, party, start: datetime, end: datetime, kind: str) -> LedgerEntry:
    provision = decision.provision
    name = f"{provision.number}_{decision.camera.number}_{timezone.localtime(start):%Y%m%d_%H%M%S}"
    return LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.PROVIDE,
        form=on_record(FORMS[kind]),
        officer=str(party),
        purpose=provision.purpose,
        third_party=provision.agency.name_ko,
        ground=provision.legal_ground,
        manner="file",
        period_from=start,
        period_until=end,
        cameras=[decision.camera.number],
        incident_number=provision.incident_number,
        provision=provision,
        agency=provision.agency,
        file_name=f"{name}.mp4",
    )


@transaction.atomic
def cancel_copy(principal: Principal, copy: ProvidedCopy) -> bool:
    """Stop a copy that is not made yet; the register says that nothing was provided. False when it was finished."""
    if not cancel_clip(copy.clip):
        return False
    copy.destroyed_at = timezone.now()
    copy.save(update_fields=["destroyed_at"])
    purpose = on_record(_("Line %(line)s was cancelled before the file was made: nothing was provided"))
    write_off(copy, purpose % {"line": copy.ledger_number}, officer=str(principal.party))
    record("clip.cancelled", actor=principal.party, target=copy.clip, ledger=copy.ledger_number)
    return True


def decide_clip(principal: Principal, copy: ProvidedCopy) -> Decision:
    """May this party have this copy now? On its own provision only, and for the recorded kind."""
    window = (copy.clip.starts_at, copy.clip.ends_at)
    return gate.decide(
        principal, copy.clip.camera_id, MediaKind.RECORDED, window=window, provision_id=copy.provision_id
    )


@transaction.atomic
def confirm_destruction(copy: ProvidedCopy, *, by: User) -> None:
    """The agency says that what it took of this copy is destroyed; a line of the register."""
    if copy.agency_id not in Principal.of(by).agency_ids:
        raise NotAllowed(_lazy("Only the agency that took the copy confirms its destruction."))
    now = timezone.now()
    if not ProvidedCopy.objects.filter(pk=copy.pk, confirmed_at=None).update(confirmed_at=now, confirmed_by=by):
        raise NotAllowed(_lazy("The destruction of this copy is confirmed already."))
    purpose = on_record(_("The recipient confirms the destruction of its copy"))
    write_off(copy, purpose, officer=str(by), file_name=str(copy.clip_id))
    record("copy.destruction_confirmed", actor=by, target=copy, sha256=copy.clip.sha256)


def write_off(copy: ProvidedCopy, purpose: str, *, officer: str, **more) -> None:
    """The register's line for the end of a copy."""
    LedgerEntry.objects.create(
        kind=LedgerEntry.Kind.DESTROY,
        form=on_record(FORMS[copy.clip.kind]),
        officer=officer,
        purpose=purpose,
        third_party=copy.agency.name_ko,
        period_from=copy.clip.starts_at,
        period_until=copy.clip.ends_at,
        cameras=[copy.clip.camera.number],
        incident_number=copy.provision.incident_number,
        provision=copy.provision,
        agency=copy.agency,
        **more,
    )
