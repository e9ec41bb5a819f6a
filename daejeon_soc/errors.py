"""What is said when an address leads nowhere or something broke: a page to people, JSON to systems; never why."""

from django.http import JsonResponse
from django.utils.translation import gettext_lazy as _
from django.views import csrf, defaults

from apps.agencies.refusals import note_forged, note_none, put_on_record


def saying(words, status: int, to_people):
    """A handler that says `words` to systems, and to people what the page `to_people` says."""

    def handler(request, *args, **kwargs):
        if request.path.startswith("/api/"):
            return JsonResponse({"detail": str(words)}, status=status)
        return to_people(request, *args, **kwargs)

    return handler


bad_request = saying(_("The request cannot be read."), 400, defaults.bad_request)
may_not = saying(_("You may not do this."), 403, defaults.permission_denied)
none_there = saying(_("There is none that you may see."), 404, defaults.page_not_found)
broken = saying(_("This failed here. It has been noted."), 500, defaults.server_error)


def forbidden(request, exception):
    put_on_record(request, code="permission_denied", why=str(exception))
    return may_not(request, exception)


def not_found(request, exception):
    note_none(request)
    return none_there(request, exception)


def forged(request, reason=""):
    """A form that no page of ours was asked for by this browser."""
    note_forged(request)
    return csrf.csrf_failure(request, reason)
