from django.http import HttpResponseBadRequest

FORM = "application/x-www-form-urlencoded"


def has_zero(body: bytes) -> bool:
    return b"%00" in body or b"\0" in body


def refuse_zeros(get_response):
    """No name, number or word holds a zero byte, and the database takes none: said once, before any view asks it."""

    def middleware(request):
        given = request.META.get("QUERY_STRING", "") + request.path_info + request.headers.get("HX-Current-URL", "")
        if "%00" in given or "\x00" in given or (request.content_type == FORM and has_zero(request.body)):
            return HttpResponseBadRequest("a zero byte", content_type="text/plain")
        return get_response(request)

    return middleware
