"""Agencies with an identity provider of their own (OpenID Connect): their people sign in there.

The provider says who somebody is; whether that person is a member here is said here. So an agency's provider opens
the accounts of that agency's own members, and none that belongs to another agency as well: else it could hand out
that other agency's rights. IDENTITY_PROVIDERS lists them (see .env.example).
"""

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.shortcuts import render

from apps.agencies.models import User
from apps.audit.actions import record


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
        if not sociallogin.is_existing:
            sociallogin.connect(request, user)
            record("person.identity_linked", actor=user, target=user, provider=provider)

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
