"""Who is refused something is on record, whichever door it was: the API, a page, the administration, a step in it.

What is not yours and what is not there give the same 404, and the same entry: nobody looks which of the two it is. The
doors of viewing say more, by themselves. A page that asks for a sign-in, a pledge, a second factor or a proof first
refuses nothing.
"""

from rest_framework import exceptions, status
from rest_framework.views import exception_handler

from apps.agencies.authentication import KeyRefused, WrongScope
from apps.audit.refusals import record_refusal

REFUSING = (status.HTTP_401_UNAUTHORIZED, status.HTTP_403_FORBIDDEN)


NOT_FOUND = "not_found"


class OnRecord(exceptions.PermissionDenied):
    """Refused by a rule that has put it on record already, in words of its own."""


class Absent(exceptions.NotFound):
    """Not there, by which nobody is refused; or by a rule that has put it on record already."""


def answer(exception, context):
    """The API's answer to what went wrong; a refusal is on record before it is given."""
    response = exception_handler(exception, context)
    if response is None or isinstance(exception, (OnRecord, Absent)):
        return response
    if response.status_code in REFUSING:
        _record_of_api(exception, context["request"], response)
    elif response.status_code == status.HTTP_404_NOT_FOUND:
        note_none(context["request"])
    return response


def _record_of_api(exception, request, response) -> None:
    if isinstance(exception, (KeyRefused, WrongScope)):
        exception.put_on_record(door_of(request), asked_for(request))
        return
    why = str(response.data.get("detail", ""))
    if why.startswith("CSRF Failed"):
        note_forged(request)
    else:
        code = response.data.get("code", getattr(exception, "default_code", "permission_denied"))
        put_on_record(request, code=code, why=why)


def note_none(request) -> None:
    """Put on record that somebody known asked for what is not there, or not theirs."""
    if request.resolver_match and party_of(request):
        put_on_record(request, code=NOT_FOUND)


def note_forged(request) -> None:
    """Put on record a form that no page of ours was asked for. Django's reason names what the browser sent, and each
    word of that would be a refusal of a kind of its own.
    """
    put_on_record(request, code="csrf")


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
    """Method and address; of an address that is a secret itself, its pattern."""
    match = request.resolver_match
    return f"{request.method} {match.route if match and 'token' in match.kwargs else request.path}"
