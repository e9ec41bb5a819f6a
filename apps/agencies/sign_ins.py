"""Every sign-in, failed attempt and sign-out on record, whichever page it comes by.

Signals, because Django has several doors (our page, the administration's, tests' and libraries') and tells of
all of them here.
"""

from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.utils import timezone

from apps.agencies.models import SignIn
from apps.agencies.notices import tell
from apps.agencies.sittings import begin
from apps.audit.actions import record

LONGEST_NAME = 150


@receiver(user_logged_in)
def signed_in(sender, request, user, **kwargs):
    record("person.signed_in", actor=user, target=user)
    tell(request, user)
    begin(request, user)


@receiver(user_logged_out)
def signed_out(sender, request, user, **kwargs):
    if user:
        record("person.signed_out", actor=user, target=user)
        SignIn.objects.open().filter(session_key=request.session.session_key).update(ended_at=timezone.now())


@receiver(user_login_failed)
def failed(sender, credentials, **kwargs):
    record("person.sign_in_failed", name=name_tried(None, credentials))


def name_tried(request, credentials: dict | None) -> str:
    """The name that somebody tried, at a length that can be kept; strangers send anything."""
    given = (credentials or {}).get("username") or (request.POST.get("username", "") if request else "")
    return str(given)[:LONGEST_NAME].replace("\0", "")
