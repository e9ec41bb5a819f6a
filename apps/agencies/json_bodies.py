"""What systems send: JSON of bounded size and depth."""

from django.utils.translation import gettext as _
from rest_framework import exceptions, parsers, status

LIMIT = 2 * 1024 * 1024


class TooLarge(exceptions.APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self):
        super().__init__(_("The body may hold %(limit)s bytes at most.") % {"limit": LIMIT})


class BoundedJson(parsers.JSONParser):
    def parse(self, stream, media_type=None, parser_context=None):
        if int(parser_context["request"].META.get("CONTENT_LENGTH") or 0) > LIMIT:
            raise TooLarge
        try:
            return super().parse(stream, media_type, parser_context)
        except RecursionError as error:
            raise exceptions.ParseError(_("The JSON is nested too deeply.")) from error
