"""allauth's pages of the second factor. Those that change one come first, in their transaction with the audit."""

from allauth.mfa.recovery_codes.views import generate_recovery_codes
from allauth.mfa.totp.views import activate_totp, deactivate_totp
from allauth.mfa.webauthn.views import add_webauthn, remove_webauthn
from django.urls import include, path

from apps.agencies.second_factor import kept_on_record

CHANGES = [
    path("totp/activate/", kept_on_record(activate_totp)),
    path("totp/deactivate/", kept_on_record(deactivate_totp)),
    path("recovery-codes/generate/", kept_on_record(generate_recovery_codes)),
    path("webauthn/add/", kept_on_record(add_webauthn)),
    path("webauthn/keys/<int:pk>/remove/", kept_on_record(remove_webauthn)),
]
urlpatterns = [*CHANGES, path("", include("allauth.mfa.urls"))]
