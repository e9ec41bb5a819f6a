"""The API's description: the agency key, and the answers that any door may give."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension

PROBLEM = {
    "type": "object",
    "description": "Why not. `code`, where there is one, is for programs; `detail` is in the caller's language.",
    "properties": {"code": {"type": "string"}, "detail": {"type": "string"}, "state": {"type": "string"}},
    "required": ["detail"],
}
BAD_FIELDS = {
    "type": "object",
    "description": "What is wrong, by the name of the field; `detail` when the whole cannot be read.",
    "additionalProperties": {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}},
            {"type": "object", "additionalProperties": True},
        ]
    },
}
ANY_DOOR = {
    "401": "Unknown, disabled or missing key; or not signed in.",
    "403": "Not for this key or person; or a person's screen is locked, a pledge or second factor is missing.",
    "406": "Answers are given in another format only.",
}
WITH_A_BODY = {
    "413": "The body is too large.",
    "415": "The body is not JSON.",
}


class ApiKeyScheme(OpenApiAuthenticationExtension):
    """How the API's description names the agency key."""

    target_class = "apps.agencies.authentication.ApiKeyAuthentication"
    name = "agencyKey"

    def get_security_definition(self, auto_schema):
        words = "The agency's key; or, in its place, a signature: Authorization: SOC-HMAC-SHA256 … (docs/api.md)."
        return {"type": "http", "scheme": "bearer", "description": words}


def describe_refusals(result, generator, request, public):
    """Add to each operation the refusals that it shares with all, and the body of every refusal."""
    result["components"].setdefault("schemas", {}).update(Problem=PROBLEM, BadFields=BAD_FIELDS)
    for operations in result["paths"].values():
        for operation in operations.values():
            _describe(operation)
    return result


def _describe(operation: dict) -> None:
    answers = operation["responses"]
    parameters = {parameter["in"] for parameter in operation.get("parameters", [])}
    shared = dict(ANY_DOOR)
    if "path" in parameters:
        shared["404"] = "There is none that you may see."
    if "requestBody" in operation:
        shared |= WITH_A_BODY
    if "requestBody" in operation or "query" in parameters:
        shared["400"] = "Names each bad field."
    for status, words in shared.items():
        answers.setdefault(status, {"description": words})
    for status, answer in answers.items():
        if status >= "400" and "content" not in answer:
            name = "BadFields" if status == "400" else "Problem"
            answer["content"] = {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}
    operation["responses"] = dict(sorted(answers.items()))
