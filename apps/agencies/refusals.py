"""Who is refused something is on record, whichever door it was: the API, a page, the administration, a step in it.

What is not yours and what is not there give the same 404: the doors of viewing put those on record themselves. A page
that asks for a sign-in, a pledge, a second factor or a proof first refuses nothing.
"""

from rest_framework import exceptions, status
from rest_framework.views import exception_handler

from apps.agencies.authentication import KeyRefused, WrongScope
from apps.audit.refusals import record_refusal

REFUSING = (status.HTTP_401_UNAUTHORIZED, status.HTTP_403_FORBIDDEN)


class OnRecord(exceptions.PermissionDenied):
    """Refused by a rule that has put it on record already, in words of its own."""


def answer(exception, context):
    """The API's answer to what went wrong; a refusal is on record before it is given."""
    response = exception_handler(exception, context)
    if response is not None and response.status_code in REFUSING and not isinstance(exception, OnRecord):
        _record_of_api(exception, context["request"], response)
    return response


def _record_of_api(exception, request, response) -> None:
    if isinstance(exception, (KeyRefused, WrongScope)):
        exception.put_on_record(door_of(request), asked_for(request))
    else:
        code = response.data.get("code", getattr(exception, "default_code", "permission_denied"))
        put_on_record(request, code=code, why=str(response.data.get("detail", "")))


def noted(request, refusal: Exception) -> str:
    """Put on record that this request asked for a step that is not open; why, for whoever asked."""
    put_on_record(request, "step.refused", code="not_allowed", why=str(refusal))
    return str(refusal)


def put_on_record(request, verb: str = "access.refused", *, code: str, why: str = "") -> None:
    door, what = door_of(request), asked_for(request)
    record_refusal(verb, actor=party_of(request), door=door, code=code, why=why, what=what)


def party_of(request):
    user = getattr(request, "user", None)
    return user if user and user.is_authenticated else None


def door_of(request) -> str:
    """The address as a pattern: the same for every row behind it."""
    return request.resolver_match.route if request.resolver_match else ""


def asked_for(request) -> str:
    return f"{request.method} {request.path}"
