from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_cache_control
from django.utils.translation import get_language
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.decorators import api_view

from apps.cameras import map_shapes as shapes


@extend_schema(responses={(200, "application/geo+json"): OpenApiTypes.OBJECT})
@api_view(["GET"])
def map_shapes(request) -> HttpResponse:
    """Districts and dongs of the city as GeoJSON, simplified for drawing. Names come in the reader's language."""
    plain: HttpRequest = request._request
    language = get_language() or "ko"
    version = shapes.version()
    etag = f'"{version}-{language}"'
    response = get_conditional_response(plain, etag=etag)
    if response is None:
        response = HttpResponse(shapes.geojson(version, language), content_type="application/geo+json")
        response["ETag"] = etag
    patch_cache_control(response, private=True, no_cache=True)
    return response
