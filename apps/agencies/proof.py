"""Who sits at the screen, asked once more: before what gives rights or binds the centre, and at a locked screen.

The library asks as well, before a change of factors, but keeps what was sent in the session meanwhile, passwords and
all, and goes on with it under another address. Here it travels with the page that asks.
"""

from collections.abc import Callable
from functools import wraps

from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.mfa.base.forms import ReauthenticateForm
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django.contrib.auth import HASH_SESSION_KEY, authenticate
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from fido2.webauthn import UserVerificationRequirement

from apps.agencies import sittings
from apps.agencies.identities import provider_of
from apps.agencies.models import User
from apps.agencies.passkey_forms import Reauthenticate
from apps.audit.actions import record

PREFIX = "proof-"
# Sent with an answer: how the page was asked for that it opens.
GIVEN = f"{PREFIX}given"
Type = Authenticator.Type


def means_of(user: User) -> set[str]:
    """By what this person can show here who they are; those who sign in at their own agency's provider, there."""
    kinds = set(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    held = {"password": user.has_usable_password(), "code": Type.TOTP in kinds, "passkey": Type.WEBAUTHN in kinds}
    return {name for name, holds in held.items() if holds}


def prove(request: HttpRequest) -> str:
    """Take the password, code or passkey that was sent, on record; why not, or nothing when it is taken."""
    for name in sorted(means_of(request.user)):
        if given := request.POST.get(PREFIX + name):
            wrong = TAKING[name](request, given)
            if not wrong:
                sittings.note_proof(request)
                record("person.proved", actor=request.user, target=request.user, by=name)
            return wrong
    return _("Nothing was given. Try again, or sign out.")


def _take_password(request, given: str) -> str:
    user = authenticate(request, username=request.user.get_username(), password=given)
    if user != request.user:
        return _("That is not your password. Try again, or sign out.")
    # It may have been hashed anew just now, by a newer way; else that would end the session.
    request.session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    reauthenticate_by_password(request)
    return ""


def _take_code(request, given: str) -> str:
    return _take_form(ReauthenticateForm(user=request.user, data={"code": given}))


def _take_passkey(request, given: str) -> str:
    if (auth.get_state() or {}).get("user_verification") != UserVerificationRequirement.REQUIRED:
        return _("The passkey was not used: it is unknown here, or the step was broken off. Nothing was changed.")
    return _take_form(Reauthenticate(user=request.user, data={"credential": given}))


def _take_form(form) -> str:
    if not form.is_valid():
        return " ".join(words for said in form.errors.values() for words in said)
    form.save()
    return ""


TAKING: dict[str, Callable[[HttpRequest, str], str]] = {
    "password": _take_password,
    "code": _take_code,
    "passkey": _take_passkey,
}


def asking(request: HttpRequest) -> dict:
    """What a page that asks needs: the person's means, and what was sent, which it sends on."""
    means = means_of(request.user)
    return {
        "means": means,
        "elsewhere": provider_of(request.user),
        "js_data": {"request_options": _challenge(request.user)} if "passkey" in means else None,
        "method": request.POST.get(GIVEN, request.method),
        "sent": _sent_on(request),
    }


def _challenge(user: User) -> dict:
    """For a passkey that its person unlocks: one that is only touched may have been left in the machine."""
    options, state = auth.get_server().authenticate_begin(
        credentials=auth.get_credentials(user), user_verification=UserVerificationRequirement.REQUIRED
    )
    auth.set_state(state)
    return dict(options)


def _sent_on(request) -> list[tuple[str, str]]:
    """Passwords are not: the page behind asks for them itself."""
    secret = ("password", "csrfmiddlewaretoken", PREFIX)
    sent = request.POST.lists()
    return [(name, value) for name, values in sent if not name.startswith(secret) for value in values]


def ask_again(request: HttpRequest) -> HttpResponse | None:
    """Nothing when the person showed lately, or by what was sent, who they are; else the page that asks it."""
    answers, wrong = GIVEN in request.POST, ""
    if sittings.proved_lately(request) or (answers and not (wrong := prove(request))):
        looked = answers and request.POST[GIVEN] == "GET"
        return HttpResponseRedirect(request.get_full_path()) if looked else None
    return render(request, "console/again.html", {"wrong": wrong, **asking(request)}, status=403)


def asked_again(view):
    """A page that does nothing before its reader has shown lately who they are."""

    @wraps(view)
    def page(request, *args, **kwargs):
        return ask_again(request) or view(request, *args, **kwargs)

    return page
