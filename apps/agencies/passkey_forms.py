"""allauth's forms of a passkey's answer: what is no such answer at all is refused like a wrong one, not an error."""

import struct
from functools import wraps

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from django import forms

# Bytes from strangers go through base64, JSON and CBOR there.
MALFORMED = (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError, struct.error)


class Answer(forms.JSONField):
    """What the browser says for a passkey: used once, never shown again."""

    widget = forms.HiddenInput

    def to_python(self, value):
        try:
            return super().to_python(value)
        except RecursionError as error:
            raise get_adapter().validation_error("incorrect_code") from error

    def bound_data(self, data, initial):
        return initial


def refusing(check):
    @wraps(check)
    def checked(form):
        try:
            return check(form)
        except MALFORMED as error:
            raise get_adapter().validation_error("incorrect_code") from error

    return checked


class Add(AddWebAuthnForm):
    credential = Answer()
    clean = refusing(AddWebAuthnForm.clean)


class Authenticate(AuthenticateWebAuthnForm):
    credential = Answer()
    clean_credential = refusing(AuthenticateWebAuthnForm.clean_credential)


class Login(LoginWebAuthnForm):
    credential = Answer()
    clean_credential = refusing(LoginWebAuthnForm.clean_credential)


class Reauthenticate(ReauthenticateWebAuthnForm):
    credential = Answer()
    clean_credential = refusing(ReauthenticateWebAuthnForm.clean_credential)
