from drf_spectacular.extensions import OpenApiAuthenticationExtension


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How the API's description names the agency key."""

    target_class = "apps.agencies.authentication.ApiKeyAuthentication"
    name = "agencyKey"

    def get_security_definition(self, auto_schema):
        return {"type": "http", "scheme": "bearer"}
