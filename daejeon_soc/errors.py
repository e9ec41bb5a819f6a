"""What is said when an address leads nowhere or something broke: a page to people, JSON to systems; never why."""

from django.http import JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults

SYSTEMS = "/api/"


def bad_request(request, exception):
    if request.path.startswith(SYSTEMS):
        return JsonResponse({"detail": _("The request cannot be read.")}, status=400)
    return defaults.bad_request(request, exception)


def forbidden(request, exception):
    if request.path.startswith(SYSTEMS):
        return JsonResponse({"detail": _("You may not do this.")}, status=403)
    return defaults.permission_denied(request, exception)


def not_found(request, exception):
    if request.path.startswith(SYSTEMS):
        return JsonResponse({"detail": _("There is none that you may see.")}, status=404)
    return defaults.page_not_found(request, exception)


def broken(request):
    if request.path.startswith(SYSTEMS):
        return JsonResponse({"detail": _("This failed here. It has been noted.")}, status=500)
    return defaults.server_error(request)
