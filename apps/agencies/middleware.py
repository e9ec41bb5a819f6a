from django.conf import settings
from django.http import JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps.agencies import sittings
from apps.agencies.second_factor import has_second_factor


def settle_first(get_response):
    """Nothing opens to a person whose screen is locked, or who has not pledged confidentiality this year."""

    def middleware(request):
        known = request.user.is_authenticated
        page = missing(request) if known else None
        if known and page is None and gone_to_by_hand(request):
            sittings.touch(request)
        if page is None or request.path in always_open() or factor_page(request, page) or provider_page(request, page):
            return get_response(request)
        if request.path.startswith("/api/") or request.headers.get("HX-Request"):
            body = {"code": page, "detail": REFUSALS[page]()}
            return JsonResponse(body, status=403, headers={"HX-Redirect": reverse(page)})
        return redirect(f"{reverse(page)}?{urlencode({'next': request.get_full_path()})}")

    return middleware


def gone_to_by_hand(request) -> bool:
    """Another page, or a form that is sent: what scripts ask for by themselves says nothing of who sits there. Their
    page tells of every other touch (static/js/idle.js).
    """
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


REFUSALS = {
    "unlock": lambda: _("The screen is locked."),
    "mfa_index": lambda: _("A second factor is needed to sign in here."),
    "pledge": lambda: _("The pledge of confidentiality has not been given this year."),
}


def factor_page(request, page: str) -> bool:
    """A person without a second factor gets to the pages that set one up; a locked screen does not."""
    return page != "unlock" and request.path.startswith(reverse("mfa_index"))


def provider_page(request, page: str) -> bool:
    """From a locked screen to the person's own provider, and back: that unlocks it, or nothing (`identities.py`)."""
    back = (reverse("openid_connect_callback", args=[each["id"]]) for each in settings.IDENTITY_PROVIDERS)
    return page == "unlock" and request.path in (reverse("show_there"), *back)


ALWAYS_OPEN = (
    "unlock",
    "pledge",
    "lock",
    "account_reauthenticate",
    "sign_out",
    "set_language",
    "offline",
    "service_worker",
    "healthz",
    "metrics",
)


def missing(request) -> str | None:
    """The page that the person must pass first."""
    if sittings.is_locked(request):
        return "unlock"
    if not has_second_factor(request.user, request.session):
        return "mfa_index"
    return None if sittings.pledged(request.user, request.session) else "pledge"


def always_open() -> set[str]:
    return {reverse(name) for name in ALWAYS_OPEN}


def leave_no_copy(get_response):
    """What somebody was shown is kept by no browser, nor by anything on the way, unless the view says so.

    A browser shows an answer of the API to nobody as a page: it could be made to look like one of ours.
    """

    def middleware(request):
        response = get_response(request)
        response.setdefault("Cache-Control", "no-store, private")
        if request.path.startswith("/api/") and response.headers.get("Content-Type") == "application/json":
            response.setdefault("Content-Disposition", 'attachment; filename="api.json"')
        return response

    return middleware
