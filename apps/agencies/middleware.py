from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.agencies import sittings


def settle_first(get_response):
    """Nothing opens to a person whose screen is locked, or who has not pledged confidentiality this year."""

    def middleware(request):
        page = missing(request) if request.user.is_authenticated else None
        if page is None or request.path in always_open():
            return get_response(request)
        if request.path.startswith("/api/") or request.headers.get("HX-Request"):
            body = {"code": page, "detail": REFUSALS[page]()}
            return JsonResponse(body, status=403, headers={"HX-Redirect": reverse(page)})
        return redirect(f"{reverse(page)}?{urlencode({'next': request.get_full_path()})}")

    return middleware


REFUSALS = {
    "unlock": lambda: _("The screen is locked."),
    "pledge": lambda: _("The pledge of confidentiality has not been given this year."),
}


def missing(request) -> str | None:
    """The page that the person must pass first."""
    if request.session.get(sittings.LOCKED):
        return "unlock"
    return None if sittings.pledged(request.user, request.session) else "pledge"


def always_open() -> set[str]:
    names = ("unlock", "pledge", "lock", "sign_out", "set_language", "offline", "service_worker", "healthz", "metrics")
    return {reverse(name) for name in names}
