from apps.audit.actions import source_address


def remember_address(get_response):
    """Let every audit entry of this request carry the address that it came from.

    REMOTE_ADDR is what the front server says (daejeon_soc/up), never a header of the client's own.
    """

    def middleware(request):
        token = source_address.set(request.headers.get("X-Real-IP") or request.META.get("REMOTE_ADDR") or None)
        try:
            return get_response(request)
        finally:
            source_address.reset(token)

    return middleware
