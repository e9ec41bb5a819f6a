from drf_spectacular.extensions import OpenApiSerializerFieldExtension


class ChoiceField(OpenApiSerializerFieldExtension):
    """The API's description names the codes that a field knows."""

    target_class = "apps.linked_services.fields.Choice"

    def map_serializer_field(self, auto_schema, direction):
        return {"type": "string", "enum": list(self.target.codes)}
