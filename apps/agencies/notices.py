"""What changed about how a person signs in, told at their next sign-in: who did not do it themselves, learns of it."""

from django.contrib import messages
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from apps.agencies.models import User
from apps.audit.models import Entry

# No more than fit a page: who was tried a thousand times learns it from the newest.
MOST = 5
TOLD = {
    "person.password_changed": lambda: _("Your password was changed."),
    "person.password_taken": lambda: _("Your administrator had you set a new password."),
    "person.password_given": lambda: _("The centre gave you a new password."),
    "person.second_factor_added": lambda: _("A second factor was added."),
    "person.second_factor_removed": lambda: _("A second factor was removed."),
    "person.recovery_codes_renewed": lambda: _("New recovery codes were made."),
    "person.second_factor_failed": lambda: _("A wrong or used code was given after your password."),
}


def tell(request, user: User) -> None:
    """Call it before the new session is noted: what counts is what happened since the one before."""
    last = user.sign_ins.first()
    if last is None:
        return
    about = f"{user._meta.label_lower}:{user.pk}"
    entries = Entry.objects.filter(target=about, verb__in=TOLD, at__gt=last.at).order_by("-at")[:MOST]
    for entry in reversed(entries):
        words = {"when": date_format(localtime(entry.at), "DATETIME_FORMAT"), "from": entry.address or "–"}
        said = _("%(when)s, from %(from)s. If that was not you, tell your administrator.") % words
        # A sign-in by a program has no page to show it on.
        messages.warning(request, f"{TOLD[entry.verb]()} {said}", fail_silently=True)
