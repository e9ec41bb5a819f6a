"""What is done with provisions: opened, changed, ended, answered for. Agreements have their own verbs beside."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from apps.agencies.authentication import AgencySystem
from apps.agencies.models import Agency, User
from apps.agencies.principals import Principal
from apps.audit.actions import record
from apps.audit.words import on_record
from apps.cameras.choosing import Chosen
from apps.cameras.coverage import metres
from apps.cameras.models import Camera
from apps.incidents.actions import event_of, next_number, publish
from apps.incidents.models import Event, Incident
from apps.mous.gate import visible_cameras
from apps.mous.models import (
    LedgerEntry,
    LegalGround,
    MediaKind,
    Mou,
    Provision,
    ProvisionCamera,
    UrgentReview,
    UseResult,
)
from apps.mous.purposes import settle

BREAK_GLASS_LASTS = timedelta(hours=4)
REVIEW_WITHIN = timedelta(days=1)
# No hands are faster: what opens more, in somebody's name, is a machine.
BY_HAND_A_MINUTE = 10
LOOK_BACK = timedelta(minutes=30)  # where no agreement says otherwise
VIDEO_KINDS = (MediaKind.LIVE, MediaKind.RECORDED, MediaKind.STILL)
Way = Provision.Way

EXTENDED = gettext_noop("Extended: %(why)s")
NARROWED = gettext_noop("Narrowed: %(why)s")
REVOKED = gettext_noop("Revoked: %(why)s")
NEW_VERSION = gettext_noop("a new version of the agreement came into force")


class NotAllowed(Exception):
    """The step is not open to this person, or not from this state."""


@dataclass(frozen=True)
class Answer:
    """Yes, or no with a code and words."""

    code: str = ""
    reason: str = ""

    @property
    def is_open(self) -> bool:
        return not self.code


# --- opened by a linked service ------------------------------------------------


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
        document_number=mou.document_number,
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


def _line_of_provision(provision: Provision, provided: Iterable[ProvisionCamera], by, purpose: str = "") -> LedgerEntry:
    return LedgerEntry(
        kind=LedgerEntry.Kind.PROVIDE,
        form=", ".join(provision.kinds),
        officer=str(by) if by else on_record(gettext_noop("the centre")),
        purpose=purpose or provision.purpose,
        third_party=provision.agency.name_ko,
        ground=provision.legal_ground,
        manner="stream",
        period_from=provision.starts_at,
        period_until=provision.ends_at,
        cameras=[row.camera.number for row in provided],
        incident_number=provision.incident_number,
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


# --- opened by a person of the centre -------------------------------------------


@dataclass(frozen=True)
class Wish:
    """What a person of the centre wants to provide: to whom, which cameras (ids), kinds, until when, and why.

    `window` is the recorded time given; None means as much as the agreement allows around the call, or now.
    """

    agency: Agency
    cameras: Sequence[int]
    kinds: Sequence[str]
    until: datetime
    reason: str
    incident: Incident | None = None
    window: tuple[datetime, datetime] | None = None


@transaction.atomic
def provide(wish: Wish, *, by: User) -> Provision:
    """Open a provision by hand, within an MOU in force of that agency."""
    require(by, "mous.provide")
    mou = _mou_for(wish)
    allowed = all_among(wish.cameras, visible_cameras(Principal.of(by)).filter(pk__in=mou.cameras().values("pk")))
    if len(allowed) > mou.max_cameras:
        raise NotAllowed(_("The agreement opens %(n)s cameras at most.") % {"n": mou.max_cameras})
    limit = min(mou.ends_at, timezone.now() + timedelta(hours=mou.open_hours))
    if wish.until > limit:
        raise NotAllowed(_("The agreement allows it until %(at)s at most.") % {"at": _clock(limit)})
    terms = {"way": Way.OPERATOR, "mou": mou, "legal_ground": mou.legal_ground, "document_number": mou.document_number}
    return open_by_hand(wish, allowed, _window_within(mou, wish), by=by, **terms)


def _mou_for(wish: Wish) -> Mou:
    """The agreement in force that allows the wish; NotAllowed says what is missing."""
    mous = list(Mou.objects.in_force().filter(agency=wish.agency).order_by("-starts_at"))
    if not mous:
        raise NotAllowed(_("No agreement with this agency is in force."))
    if call := wish.incident:
        mous = [mou for mou in mous if call.service in mou.services and mou.covers(call.type, call.location)]
        if not mous:
            raise NotAllowed(_("No agreement with this agency covers this incident."))
    giving = [mou for mou in mous if set(wish.kinds) <= set(mou.kinds)]
    if not giving:
        raise NotAllowed(_("No agreement with this agency gives these kinds."))
    return giving[0]


def _window_within(mou: Mou, wish: Wish) -> tuple[datetime, datetime]:
    about = wish.incident.occurred_at if wish.incident else timezone.now()
    allowed = (about - timedelta(minutes=mou.lookback_min), about + timedelta(minutes=mou.lookahead_min))
    start, end = wish.window or allowed
    if not allowed[0] <= start < end <= allowed[1]:
        words = {"from": _clock(allowed[0]), "until": _clock(allowed[1])}
        raise NotAllowed(_("The agreement gives recorded video from %(from)s until %(until)s.") % words)
    return start, end


@transaction.atomic
def break_glass(wish: Wish, *, by: User) -> Provision:
    """Provide at once on the urgent ground, with or without an agreement.

    Loud (supervisors are told), short, and reviewed by somebody else within a day.
    """
    require(by, "mous.break_glass")
    now = timezone.now()
    if not now < wish.until <= now + BREAK_GLASS_LASTS:
        hours = BREAK_GLASS_LASTS // timedelta(hours=1)
        raise NotAllowed(_("On the urgent ground video is given for %(hours)s hours at most.") % {"hours": hours})
    if not set(wish.kinds) <= set(VIDEO_KINDS):
        raise NotAllowed(_("On the urgent ground only video and pictures are given."))
    about = wish.incident.occurred_at if wish.incident else now
    window = wish.window or (about - LOOK_BACK, wish.until)
    allowed = all_among(wish.cameras, visible_cameras(Principal.of(by)))
    provision = open_by_hand(wish, allowed, window, by=by, way=Way.URGENT, legal_ground=LegalGround.URGENT)
    UrgentReview.objects.create(provision=provision, due_at=now + REVIEW_WITHIN)
    return provision


@transaction.atomic
def review_urgent(review: UrgentReview, verdict: str, note: str, *, by: User) -> None:
    """Look back at a break-glass. What was not justified ends now."""
    require(by, "mous.review_urgent")
    if review.provision.opened_by_id == by.pk:
        raise NotAllowed(_("Somebody else than who opened it reviews it."))
    _need_words(note, _("Say what the review found."))
    changes = {"verdict": UrgentReview.Verdict(verdict), "note": note, "reviewed_by": by, "reviewed_at": timezone.now()}
    if not UrgentReview.objects.filter(pk=review.pk, reviewed_at=None).update(**changes):
        raise NotAllowed(_("This has been reviewed already."))
    record("urgent.reviewed", actor=by, target=review.provision, verdict=verdict, note=note)
    publish([event_about(review.provision, "urgent.reviewed", by=by, verdict=verdict)])
    if verdict == UrgentReview.Verdict.UNJUSTIFIED and review.provision.revoked_at is None:
        _revoke(review.provision, by=by, reason=note)


def require(by: User, permission: str) -> None:
    """Only the centre's own staff provide, and of them those with the right."""
    if not (by.has_perm(permission) and Principal.of(by).is_centre_staff):
        raise NotAllowed(_("You do not have the right to do this."))


def _need_words(text: str, complaint: str) -> None:
    if not text.strip():
        raise NotAllowed(complaint)


def all_among(ids: Sequence[int], cameras) -> list[Camera]:
    """The wished cameras, all of them; NotAllowed when one is not among those that may be given."""
    wished = set(ids)
    allowed = list(cameras.filter(pk__in=wished))
    if not wished:
        raise NotAllowed(_("Choose at least one camera."))
    if len(allowed) != len(wished):
        raise NotAllowed(_("Not all of these cameras may be given."))
    return allowed


def open_by_hand(
    wish: Wish, cameras: list[Camera], window: tuple[datetime, datetime], *, by: User, **terms
) -> Provision:
    """Write the provision with its cameras, register line, audit and event."""
    _need_words(wish.reason, _("Say why the video is provided."))
    now = timezone.now()
    _not_faster_than_hands(by, now)
    incident = Incident.objects.select_for_update().get(pk=wish.incident.pk) if wish.incident else None
    if incident and not incident.is_open:
        window = _window_after_the_close(wish, incident, window, terms["way"], now)
    if not wish.kinds or wish.until <= now or window[0] >= window[1]:
        raise NotAllowed(_("Say which kinds are given, and until when."))
    _exercise_apart(cameras, incident)
    provision = Provision.objects.create(
        number=f"{incident.number}-{incident.provisions.count() + 1}" if incident else f"P{next_number(now)}",
        agency=wish.agency,
        service=incident.service if incident else "",
        incident=incident,
        purpose=wish.reason.strip()[:300],
        kinds=list(wish.kinds),
        starts_at=now,
        ends_at=wish.until,
        recorded_from=window[0],
        recorded_until=window[1],
        opened_by=by,
        **terms,
    )
    rows = ProvisionCamera.objects.bulk_create(_by_hand(provision, cameras))
    LedgerEntry.objects.bulk_create([_line_of_provision(provision, rows, by)])
    if incident and wish.agency.pk not in incident.parties:
        incident.parties = sorted([*incident.parties, wish.agency.pk])
        incident.save(update_fields=["parties"])
    facts = {"way": provision.way, "agency": wish.agency.code, "cameras": len(rows), "reason": provision.purpose}
    record("provision.opened", actor=by, target=provision, **facts)
    kind = "provision.urgent" if provision.way == Way.URGENT else "provision.opened"
    publish([event_about(provision, kind, by=by, **facts, loud=provision.way == Way.URGENT)])
    return provision


def _not_faster_than_hands(by: User, now: datetime) -> None:
    # Whoever asks several times at once waits here for themselves.
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    if Provision.objects.filter(opened_by=by, starts_at__gt=now - timedelta(minutes=1)).count() >= BY_HAND_A_MINUTE:
        raise NotAllowed(_("That is more than anybody opens by hand. Wait a minute, or give several cameras at once."))


def _window_after_the_close(
    wish: Wish, incident: Incident, window: tuple[datetime, datetime], way: str, now: datetime
) -> tuple[datetime, datetime]:
    """What of the recorded time can be given once the incident is closed.

    What was recorded later only on a request, whose document says which time; and nothing that is yet to come.
    """
    if MediaKind.LIVE in wish.kinds:
        raise NotAllowed(_("The incident is closed: live video has ended."))
    return window[0], min(window[1], now if way == Way.REQUEST else incident.closed_at)


def _exercise_apart(cameras: list[Camera], incident: Incident | None) -> None:
    is_exercise = bool(incident and incident.is_exercise)
    if any(camera.is_virtual != is_exercise for camera in cameras) and (is_exercise or not settings.DEMO):
        raise NotAllowed(_("Exercises use virtual cameras only, real incidents none of them."))


def _by_hand(provision: Provision, cameras: list[Camera]) -> list[ProvisionCamera]:
    """The cameras as a person chose them: with their distance where there is a place to be distant from."""
    place = provision.incident.location if provision.incident else None
    far = {camera.pk: metres(camera.location, place) if place else 0 for camera in cameras}
    ordered = sorted(cameras, key=lambda camera: (far[camera.pk], camera.number))
    return [
        ProvisionCamera(
            provision=provision,
            camera=camera,
            rank=rank,
            distance_m=round(far[camera.pk], 1),
            covers=bool(place and camera.coverage.covers(place)),
        )
        for rank, camera in enumerate(ordered, 1)
    ]


def event_about(provision: Provision, kind: str, *, by, **detail) -> Event:
    if provision.incident:
        return event_of(provision.incident, kind, by=by, provision=provision.pk, **detail)
    return Event(kind=kind, object_id=provision.pk, agencies=[provision.agency_id], by=str(by or ""), detail=detail)


# --- changed and ended -------------------------------------------------------------


@transaction.atomic
def extend(provision: Provision, until: datetime, *, by: User, reason: str) -> None:
    """Let a provision run longer, within what its agreement allows."""
    require(by, "mous.provide")
    _need_words(reason, _("Say why the provision is extended."))
    provision = _in_force(provision)
    if until <= provision.ends_at:
        raise NotAllowed(_("An extension ends later than the provision does now."))
    limit = _longest(provision)
    if until > limit:
        raise NotAllowed(_("It may be extended until %(at)s at most.") % {"at": _clock(limit)})
    provision.ends_at = until
    provision.save(update_fields=["ends_at"])
    _on_record(provision, "extended", EXTENDED, by=by, reason=reason, until=until.isoformat())


def _longest(provision: Provision) -> datetime:
    """When the provision must end at the latest, if extended now."""
    if provision.way == Way.URGENT:
        return provision.starts_at + BREAK_GLASS_LASTS
    now = timezone.now()
    if provision.mou is None:
        return now + timedelta(days=30)
    return min(provision.mou.ends_at, now + timedelta(hours=max(provision.mou.open_hours, provision.mou.report_hours)))


@transaction.atomic
def narrow(provision: Provision, *, by: User, reason: str, cameras=(), kinds=(), until: datetime | None = None) -> None:
    """Take cameras (ids) and kinds out of a provision, or let it end sooner. Open sockets notice within two seconds."""
    require(by, "mous.provide")
    _need_words(reason, _("Say why the provision is narrowed."))
    provision = _in_force(provision)
    left = [kind for kind in provision.kinds if kind not in kinds]
    taken = provision.provided.given().filter(camera__in=cameras)
    stays = provision.provided.given().exclude(camera__in=cameras)
    if not left or not stays.exists():
        raise NotAllowed(_("Nothing would be left: revoke the provision."))
    if until and not timezone.now() < until < provision.ends_at:
        raise NotAllowed(_("A narrowed provision ends sooner than it does now, and not in the past."))
    if not taken.exists() and left == provision.kinds and until is None:
        raise NotAllowed(_("Say what is taken out."))
    taken.update(removed_at=timezone.now())
    provision.kinds, provision.ends_at = left, until or provision.ends_at
    provision.save(update_fields=["kinds", "ends_at"])
    _settle(provision)
    _on_record(provision, "narrowed", NARROWED, by=by, reason=reason, cameras=list(cameras), kinds=list(kinds))


@transaction.atomic
def revoke(provision: Provision, *, by, reason: str) -> None:
    """Close a provision at once; open sockets notice within two seconds."""
    if not by.has_perm("mous.revoke_provision"):
        raise NotAllowed(_("You do not have the right to do this."))
    _need_words(reason, _("Say why the provision is revoked."))
    _revoke(provision, by=by, reason=reason)


def _revoke(provision: Provision, *, by, reason: str) -> None:
    changes = {"revoked_at": timezone.now(), "revoked_by": by, "revoked_reason": reason[:300]}
    if not Provision.objects.filter(pk=provision.pk, revoked_at=None).update(**changes):
        raise NotAllowed(_("This provision is revoked already."))
    _settle(provision)
    _on_record(provision, "revoked", REVOKED, by=by, reason=reason)


def _settle(provision: Provision) -> None:
    settle(Provision.objects.filter(pk=provision.pk))


def _in_force(provision: Provision) -> Provision:
    """The provision as it is now, locked."""
    found = Provision.objects.in_force().select_for_update(of=("self",)).filter(pk=provision.pk).first()
    if found is None:
        raise NotAllowed(_("This provision is not in force any more."))
    return found


def _on_record(provision: Provision, verb: str, words: str, *, by, reason: str, **detail) -> None:
    """Register line, audit and event of a change to a provision."""
    provided = provision.provided.given().select_related("camera")
    purpose = (on_record(words) % {"why": reason})[:500]
    LedgerEntry.objects.bulk_create([_line_of_provision(provision, provided, by, purpose)])
    record(f"provision.{verb}", actor=by, target=provision, reason=reason, **detail)
    publish([event_about(provision, f"provision.{verb}", by=by, reason=reason)])


def _clock(at: datetime) -> str:
    return f"{timezone.localtime(at):%Y-%m-%d %H:%M}"


def wind_down(incident: Incident, *, at: datetime) -> None:
    """After closing: live video has ended by itself, and nothing is given of what is recorded from now on.

    What was recorded before stays for reports as long as the MOU says.
    """
    open_now = incident.provisions.filter(revoked_at=None, ends_at__gt=at)
    open_now.update(recorded_from=Least("recorded_from", at), recorded_until=Least("recorded_until", at))
    by_agreement = list(open_now.filter(mou__isnull=False).select_related("mou").defer("mou__drawn", "mou__area"))
    for provision in by_agreement:
        provision.ends_at = at + timedelta(hours=provision.mou.report_hours)
    Provision.objects.bulk_update(by_agreement, ["ends_at"])


def carry_over(old: Mou, new: Mou, *, by) -> None:
    """Put what the old version opened under the new one, as far as the new one gives it. The rest has ended."""
    open_now = old.provisions.filter(revoked_at=None, ends_at__gt=timezone.now()).select_related("incident", "agency")
    for provision in open_now.select_for_update(of=("self",)):
        call = provision.incident
        kinds = [kind for kind in provision.kinds if kind in new.kinds]
        if not kinds or (call and not (call.service in new.services and new.covers(call.type, call.location))):
            continue
        provision.mou, provision.kinds = new, kinds
        provision.save(update_fields=["mou", "kinds"])
        lost = provision.provided.given().exclude(camera__in=new.cameras().values("pk"))
        lost.update(removed_at=timezone.now())
        _on_record(provision, "narrowed", NARROWED, by=by, reason=on_record(NEW_VERSION))
    settle(Provision.objects.filter(mou__in=[old, new]))


# --- answered for ----------------------------------------------------------------------


@transaction.atomic
def report_result(provision: Provision, outcome: str, text: str = "", *, by: User | AgencySystem) -> UseResult:
    """The agency says what came of it. A later report corrects an earlier one; both stay in the audit.

    The same again changes nothing.
    """
    if provision.agency_id not in Principal.of(by).agency_ids:
        raise NotAllowed(_("Only the agency that was provided with the video reports its use."))
    outcome, text = UseResult.Outcome(outcome), text.strip()[:2000]
    Provision.objects.select_for_update().get(pk=provision.pk)
    earlier = UseResult.objects.filter(provision=provision).first()
    if earlier and (earlier.outcome, earlier.text) == (outcome, text):
        return earlier
    whom = {"by": None, "key": by.key} if isinstance(by, AgencySystem) else {"by": by, "key": None}
    told = {"outcome": outcome, "text": text, **whom, "at": timezone.now()}
    result, _is_new = UseResult.objects.update_or_create(provision=provision, defaults=told)
    record("provision.result", actor=by, target=provision, outcome=outcome, text=result.text)
    publish([event_about(provision, "provision.result", by=by, outcome=outcome)])
    return result


def owed_results(agency: Agency, at: datetime | None = None):
    """Provisions of which the agency should have told the use by now. Exercises owe nothing."""
    before = (at or timezone.now()) - timedelta(days=settings.USE_RESULT_DAYS)
    owed = Provision.objects.over(before).filter(agency=agency, result=None)
    return owed.exclude(incident__is_exercise=True)


def overdue_copies(agency: Agency, at: datetime | None = None):
    """Copies that the agency took, and whose destruction it has not confirmed by their last day."""
    copies = agency.copies.filter(taken_at__isnull=False, confirmed_at=None)
    return copies.filter(destroy_by__lte=at or timezone.now())


def may_have_clips(agency: Agency) -> Answer:
    """Does the agency get new copies, or has it first to answer for what it was given? Live video is not asked."""
    if overdue_copies(agency).exists():
        return Answer(
            "destruction_overdue",
            _("Copies given to your agency should be destroyed by now. Confirm their destruction first."),
        )
    if owed_results(agency)[: settings.UNREPORTED_RESULTS_LIMIT + 1].count() > settings.UNREPORTED_RESULTS_LIMIT:
        return Answer("results_overdue", _("Your agency has not told what came of earlier provisions. Report first."))
    return Answer()
