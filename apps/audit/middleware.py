from apps.audit.actions import source_address


def address_of(request) -> str | None:
    """Where a request came from: what the front server says (daejeon_soc/up), never a header of the client's own."""
    return request.headers.get("X-Real-IP") or request.META.get("REMOTE_ADDR") or None


def remember_address(get_response):
    """Let every audit entry of this request carry the address that it came from."""

    def middleware(request):
        token = source_address.set(address_of(request))
        try:
            return get_response(request)
        finally:
            source_address.reset(token)

    return middleware
