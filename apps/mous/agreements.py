"""What is done with agreements: reviewed, signed by both parties, suspended, revoked, followed by a new version."""

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.agencies.models import Agency, Membership, User
from apps.audit.actions import record
from apps.incidents.actions import publish
from apps.incidents.models import Event
from apps.mous.actions import NotAllowed, carry_over
from apps.mous.models import Agreement, Consent, Integration, Mou
from apps.mous.purposes import settle
from apps.mous.standing import join_centre, leave_centre

S, Role, Party = Agreement.State, Membership.Role, Consent.Party

# verb: (states it may leave, state it enters, permission). Signing is not among them: it takes two, see `consent`.
TRANSITIONS = {
    "review": ({S.DRAFT}, S.REVIEWED, "mous.review_mou"),
    "send_back": ({S.REVIEWED}, S.DRAFT, "mous.review_mou"),
    "suspend": ({S.SIGNED}, S.SUSPENDED, "mous.suspend_mou"),
    "resume": ({S.SUSPENDED}, S.SIGNED, "mous.suspend_mou"),
    "revoke": ({S.SIGNED, S.SUSPENDED}, S.REVOKED, "mous.suspend_mou"),
}
# Who speaks for the other party: signs, and asks for video.
SPEAKING_ROLES = (Role.LIAISON, Role.ADMINISTRATOR, Role.OWNER)
CENTRE_ROLES = (Role.OPERATOR, Role.SUPERVISOR, Role.ADMINISTRATOR)


@transaction.atomic
def advance(agreement: Agreement, verb: str, *, by: User) -> Agreement:
    """Review, send back, suspend, resume or revoke. Nobody reviews their own draft."""
    sources, after, permission = TRANSITIONS[verb]
    agreement = _locked(agreement)
    if not by.has_perm(permission):
        raise NotAllowed(_("You do not have the right to do this."))
    if agreement.state not in sources:
        words = {"state": agreement.get_state_display()}
        raise NotAllowed(_("An agreement that is “%(state)s” cannot take this step.") % words)
    if verb == "review":
        if agreement.drafted_by_id == by.pk:
            raise NotAllowed(_("An agreement is reviewed by another person than the one who wrote it."))
        agreement.reviewed_by = by
    if verb == "send_back":
        agreement.reviewed_by = None
        agreement.consents.all().delete()
    agreement.state = after
    agreement.save()
    if isinstance(agreement, Mou):
        settle(agreement.provisions.all())
    elif verb == "revoke":
        leave_centre(agreement.owner, by=by)
    _tell(agreement, verb, by=by)
    return agreement


def consent(agreement: Agreement, *, by: User) -> Agreement:
    """Give the consent of the party that `by` speaks for. With both, and no hold-out, it is signed."""
    return _say(agreement, by, agrees=True)


def hold_out(agreement: Agreement, *, by: User, reason: str) -> Agreement:
    """Withhold consent: nothing is signed until this person consents, or it is sent back."""
    if not reason.strip():
        raise NotAllowed(_("Say why you do not consent."))
    return _say(agreement, by, agrees=False, reason=reason.strip()[:300])


@transaction.atomic
def _say(agreement: Agreement, by: User, *, agrees: bool, reason: str = "") -> Agreement:
    agreement = _locked(agreement)
    party = party_of(agreement, by)
    if agreement.state != S.REVIEWED:
        words = {"state": agreement.get_state_display()}
        raise NotAllowed(_("An agreement that is “%(state)s” cannot be signed.") % words)
    if agreement.drafted_by_id == by.pk:
        raise NotAllowed(_("An agreement is signed by another person than the one who wrote it."))
    word = {"party": party, "agrees": agrees, "reason": reason, "given_at": timezone.now()}
    agreement.consents.update_or_create(person=by, defaults=word)
    _tell(agreement, "consent" if agrees else "hold_out", by=by, party=party, reason=reason)
    if agrees:
        _sign_if_agreed(agreement, by=by)
    return agreement


def party_of(agreement: Agreement, person: User) -> str:
    """For which side this person may speak. NotAllowed: for none, or, which is as bad, for both."""
    at_other = person.memberships.filter(agency=agreement.party, agency__is_active=True, role__in=SPEAKING_ROLES)
    at_centre = person.memberships.filter(
        agency__kind=Agency.Kind.CENTRE, agency__is_active=True, role__in=CENTRE_ROLES
    )
    for_other = at_other.exists()
    for_centre = at_centre.exists() and person.has_perm("mous.sign_mou")
    if not person.is_active or not (for_other or for_centre):
        raise NotAllowed(_("You do not have the right to do this."))
    if for_other and for_centre:
        raise NotAllowed(_("You belong to both parties: one person cannot sign for either."))
    return Party.OTHER if for_other else Party.CENTRE


def _sign_if_agreed(agreement: Agreement, *, by: User) -> None:
    words = list(agreement.consents.all())
    by_party = {word.party: word.person for word in reversed(words)}
    if not all(word.agrees for word in words) or set(by_party) != set(Party):
        return
    now = timezone.now()
    if agreement.ends_at <= now:
        raise NotAllowed(_("The period of this agreement is over."))
    replaced = _supersede(agreement, now)
    agreement.signed_by, agreement.countersigned_by = by_party[Party.CENTRE], by_party[Party.OTHER]
    agreement.signed_at, agreement.state = now, S.SIGNED
    agreement.save()
    _tell(agreement, "sign", by=by, supersedes=[str(old) for old in replaced])
    if isinstance(agreement, Integration):
        join_centre(agreement.owner, by=by)
    elif agreement.starts_at <= now:
        for old in replaced:
            carry_over(old, agreement, by=by)


def _supersede(agreement: Agreement, now) -> list[Agreement]:
    """End the versions before this one at the second at which it comes into force."""
    before = (
        type(agreement)
        .objects.select_for_update()
        .filter(document_number=agreement.document_number, state__in=(S.SIGNED, S.SUSPENDED), superseded_at=None)
    )
    replaced = list(before.exclude(pk=agreement.pk))
    if replaced:
        agreement.starts_at = max(agreement.starts_at, now)
    for old in replaced:
        old.superseded_at = agreement.starts_at
        old.save(update_fields=["superseded_at"])
    return replaced


@transaction.atomic
def amend(agreement: Agreement, *, by: User) -> Agreement:
    """Begin a new version: a draft with the same content. The present one stays in force until it is signed."""
    kind = type(agreement)
    agreement = _locked(agreement)
    if not by.has_perm(f"mous.add_{kind._meta.model_name}"):
        raise NotAllowed(_("You do not have the right to do this."))
    versions = kind.objects.filter(document_number=agreement.document_number)
    if agreement.signed_at is None or versions.filter(state__in=Agreement.UNSIGNED).exists():
        raise NotAllowed(_("A new version follows a signed one, and there is one draft at a time."))
    last = versions.aggregate(last=Max("version"))["last"]
    unsigned = dict.fromkeys(("reviewed_by", "signed_by", "countersigned_by", "signed_at", "superseded_at"))
    copied = {
        field.attname: getattr(agreement, field.attname)
        for field in kind._meta.concrete_fields
        if field.name not in {*unsigned, "id", "scan", "state", "reminded_days", "drafted_by"}
    }
    draft = kind.objects.create(**copied | {"version": last + 1, "supersedes_id": agreement.pk, "drafted_by": by})
    if isinstance(agreement, Mou):
        draft.excluded_owners.set(agreement.excluded_owners.all())
    record(f"{kind._meta.model_name}.amended", actor=by, target=draft, supersedes=agreement.pk)
    return draft


def _locked(agreement: Agreement) -> Agreement:
    return type(agreement).objects.select_for_update().get(pk=agreement.pk)


def _tell(agreement: Agreement, verb: str, *, by: User, **detail) -> None:
    """Audit, and an event for the screens of both parties: what a step opens or closes shows at once."""
    kind = f"{agreement._meta.model_name}.{verb}"
    record(kind, actor=by, target=agreement, **detail)
    publish([Event(kind=kind, object_id=agreement.pk, agencies=[agreement.party.pk], by=str(by), detail=detail)])
