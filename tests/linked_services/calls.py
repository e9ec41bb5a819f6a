from apps.linked_services.serializers import CallSerializer
from tests.cast import make_call


def checked(**details) -> dict:
    """A call as the intake hands it on: its body, validated."""
    serializer = CallSerializer(data=make_call(**details))
    serializer.is_valid(raise_exception=True)
    return serializer.validated_data
