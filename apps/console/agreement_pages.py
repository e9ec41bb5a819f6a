"""Agreements for reading and signing: the centre's staff see all, an agency and an owner their own."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.agencies.principals import Principal, principal_of
from apps.agencies.proof import ask_again
from apps.agencies.refusals import noted
from apps.linked_services.admin import scan_response
from apps.linked_services.explaining import NOT_IN_FORCE, explain
from apps.mous import agreements
from apps.mous.actions import NotAllowed
from apps.mous.models import Agreement, Integration, Mou

KINDS = {"mou": (Mou, "agency"), "integration": (Integration, "owner")}


def readable(kind: str, principal: Principal):
    """The agreements of this kind that the principal is a party to; all of them for the centre's staff and auditors."""
    if kind not in KINDS:
        raise Http404
    model, party = KINDS[kind]
    found = model.objects.select_related(party, "signed_by", "countersigned_by", "drafted_by", "reviewed_by")
    reads_all = principal.is_centre_staff or (principal.party and principal.party.has_perm(f"mous.view_{kind}"))
    return found if reads_all else found.filter(**{f"{party}__in": principal.agency_ids})


def list_page(request):
    principal = principal_of(request)
    now = timezone.now()
    rows = [
        (kind, agreement, NOT_IN_FORCE.get(agreement.why_not_in_force(now), lambda: "")())
        for kind in KINDS
        for agreement in readable(kind, principal).order_by("document_number", "-version")[:200]
    ]
    return render(request, "console/agreements.html", {"rows": rows})


def page(request, agreement_id, kind="mou"):
    agreement = get_object_or_404(readable(kind, principal_of(request)), pk=agreement_id)
    context = {
        "kind": kind,
        "agreement": agreement,
        "sentences": explain(agreement) if kind == "mou" else [],
        "consents": agreement.consents.select_related("person"),
        "may_sign": may_sign(agreement, request.user),
        "versions": readable(kind, principal_of(request)).filter(document_number=agreement.document_number),
    }
    return render(request, "console/agreement.html", context)


def may_sign(agreement: Agreement, person) -> bool:
    return bool(would_sign_for(agreement, person))


def would_sign_for(agreement: Agreement, person) -> str:
    """The party for which this person could sign now; empty when for none."""
    if agreement.state != Agreement.State.REVIEWED or agreement.drafted_by_id == person.pk:
        return ""
    try:
        return agreements.party_of(agreement, person)
    except NotAllowed:
        return ""


def waiting_for(person, principal: Principal) -> int:
    """Agreements that this person could sign and for whose side nobody has yet."""
    reviewed = [one for kind in KINDS for one in readable(kind, principal).filter(state=Agreement.State.REVIEWED)]
    parties = [(one, would_sign_for(one, person)) for one in reviewed]
    return sum(not one.consents.filter(party=party, agrees=True).exists() for one, party in parties if party)


@require_POST
def sign(request, kind, agreement_id):
    """Consent, or hold out with a reason, for the party that the signed-in person speaks for."""
    agreement = get_object_or_404(readable(kind, principal_of(request)), pk=agreement_id)
    if request.POST.get("word") != "hold_out" and (page := ask_again(request)):
        return page
    try:
        if request.POST.get("word") == "hold_out":
            agreements.hold_out(agreement, by=request.user, reason=request.POST.get("reason", ""))
            messages.success(request, _("Your objection is written down: the agreement is not signed."))
        else:
            agreement = agreements.consent(agreement, by=request.user)
            messages.success(request, _("Your consent is written down."))
    except NotAllowed as refusal:
        messages.error(request, noted(request, refusal))
    return redirect("agreement_of_kind", kind=kind, agreement_id=agreement_id)


def scan(request, kind, agreement_id):
    """The scanned paper, for the parties and the centre's staff."""
    agreement = get_object_or_404(readable(kind, principal_of(request)), pk=agreement_id)
    if not agreement.scan:
        raise Http404
    return scan_response(agreement)
