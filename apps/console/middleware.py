from django.http import HttpResponseBadRequest, JsonResponse

FORM = "application/x-www-form-urlencoded"
WORDS = "A zero byte stands in what was sent."


def refuse_zeros(get_response):
    """No name, number or word holds a zero byte, and the database takes none: said once, before any view asks it."""

    def middleware(request):
        given = request.META.get("QUERY_STRING", "") + request.path_info + request.headers.get("HX-Current-URL", "")
        if "%00" in given or "\x00" in given or (request.content_type == FORM and has_zero(request.body)):
            is_api = request.path_info.startswith("/api/")
            return JsonResponse(told(request), status=400) if is_api else HttpResponseBadRequest(WORDS)
        return get_response(request)

    return middleware


def told(request) -> dict:
    """The words by the names of the fields they are about."""
    return {name: WORDS for name, value in request.GET.items() if "\x00" in name + value} or {"detail": WORDS}


def has_zero(body: bytes) -> bool:
    return b"%00" in body or b"\0" in body
