"""Every sign-in, failed attempt and sign-out on record, whichever page it comes by.

Signals, because Django has several doors (our page, the administration's, tests' and libraries') and tells of
all of them here.
"""

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from apps.audit.actions import record

LONGEST_NAME = 150


@receiver(user_logged_in)
def signed_in(sender, user, **kwargs):
    record("person.signed_in", actor=user, target=user)


@receiver(user_logged_out)
def signed_out(sender, user, **kwargs):
    if user:
        record("person.signed_out", actor=user, target=user)


@receiver(user_login_failed)
def failed(sender, credentials, **kwargs):
    record("person.sign_in_failed", name=str(credentials.get("username", ""))[:LONGEST_NAME].replace("\0", ""))
