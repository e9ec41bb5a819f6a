"""Agencies with an identity provider of their own (OpenID Connect): their people sign in there.

The provider says who somebody is; whether that person is a member here is said here. So an agency's provider opens
the accounts of that agency's own members, and none that belongs to another agency as well: else it could hand out
that other agency's rights. IDENTITY_PROVIDERS lists them (see .env.example).

It may let somebody in whom it remembers from this morning. So when they showed there who they are is what its
`auth_time` says, and before what gives rights it is asked to ask them anew (proof.py).
"""

import time

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.models import SocialAccount, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthProcess
from django.conf import settings
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from requests import RequestException

from apps.agencies import sittings
from apps.agencies.models import User
from apps.audit.actions import record

# The clocks of two machines may differ by so much (s).
CLOCKS_APART = 60


class Identities(DefaultSocialAccountAdapter):
    def is_open_for_signup(self, request, sociallogin):
        return False

    def pre_social_login(self, request, sociallogin):
        """Let the member in whom the provider named; nobody else, and no new account is made."""
        provider, claims = sociallogin.account.provider, sociallogin.account.get_provider_account().get_user_data()
        user = member_named(provider, claims.get("preferred_username"))
        if user is None or (sociallogin.is_existing and sociallogin.user != user):
            record("person.identity_refused", provider=provider, name=str(claims.get("preferred_username"))[:150])
            raise ImmediateHttpResponse(render(request, "console/not_a_member.html", status=403))
        if "asked_at" in sociallogin.state:
            raise ImmediateHttpResponse(take_proof(request, sociallogin, user))
        if request.user.is_authenticated and sittings.is_locked(request):
            # Set out before the screen was locked; the provider may remember who sat here then.
            raise ImmediateHttpResponse(redirect("unlock"))
        if not sociallogin.is_existing:
            sociallogin.connect(request, user)
            record("person.identity_linked", actor=user, target=user, provider=provider)
        request.shown_at = shown_at(sociallogin)

    def on_authentication_error(self, request, provider, error=None, exception=None, extra_context=None):
        record("person.identity_failed", provider=provider.id, why=str(error or exception)[:200])


def member_named(provider: str, name: str | None) -> User | None:
    """The active person whom this provider may speak for, by user name."""
    agency = next((each["agency"] for each in settings.IDENTITY_PROVIDERS if each["id"] == provider), None)
    user = User.objects.filter(username=name or "", is_active=True, is_superuser=False).first()
    if agency is None or user is None:
        return None
    agencies = set(user.memberships.values_list("agency__code", "agency__is_active"))
    return user if agencies == {(agency, True)} else None


def provider_of(user: User) -> dict | None:
    """The provider by which this person has signed in here."""
    known = {each["id"]: each for each in settings.IDENTITY_PROVIDERS}
    account = SocialAccount.objects.filter(user=user, provider__in=known).first()
    return known[account.provider] if account else None


def ask_there(request, then: str = "") -> HttpResponse:
    """Send the person to their provider, which is to ask who they are even if it remembers them; from a locked screen
    they go on to the page `then`.
    """
    there = provider_of(request.user)
    if there is None:
        raise Http404
    anew = {"auth_params": {"prompt": "login", "max_age": "0"}, "asked_at": time.time(), "then": then}
    try:
        return get_adapter().get_provider(request, there["id"]).redirect(request, AuthProcess.REDIRECT, **anew)
    except RequestException:
        words = _("Your agency’s own service does not answer.")
        return render(request, "console/shown_there.html", {"wrong": words}, status=503)


def take_proof(request, sociallogin: SocialLogin, user: User) -> HttpResponse:
    """Back from a provider that was to ask anew. It is the person's browser that carries the wish there, and whoever
    sits at it could leave that out; so what counts is the time that the provider itself names.
    """
    shown, provider = shown_at(sociallogin), sociallogin.account.provider
    asked, locked = sociallogin.state["asked_at"], request.user.is_authenticated and sittings.locked_since(request)
    wrong = ""
    if user != request.user:
        why, wrong = "another person", _("That is another person’s account. Sign out there, and try again.")
    elif not shown:
        why = "no auth_time"
        wrong = _(
            "Your agency’s own service did not say when you showed who you are (auth_time). Tell those who run it."
        )
    elif shown < asked - CLOCKS_APART or (locked and asked < locked.timestamp()):
        why = "auth_time before asked" if shown < asked - CLOCKS_APART else "asked before locked"
        wrong = _("Your agency’s own service did not ask you anew. Try again.")
    if wrong:
        record("person.identity_failed", actor=request.user, provider=provider, why=why)
        return render(request, "console/shown_there.html", {"wrong": wrong, "locked": locked}, status=403)
    sittings.note_proof(request, at=shown)
    record("person.proved", actor=user, target=user, by=provider)
    if locked:
        sittings.unlock(request)
        return redirect(sociallogin.state.get("then", "home"))
    return render(request, "console/shown_there.html")


def shown_at(sociallogin: SocialLogin) -> float:
    """When the person last showed the provider who they are, by its own word; 0 when it does not say."""
    claims = sociallogin.account.extra_data.get("id_token") or {}
    said, now = claims.get("auth_time"), time.time()
    is_said = isinstance(said, int | float) and claims.get("sub") == sociallogin.account.uid
    return min(said, now) if is_said and 0 < said < now + CLOCKS_APART else 0
