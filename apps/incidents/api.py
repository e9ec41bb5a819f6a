from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.agencies.models import ApiKey
from apps.agencies.principals import principal_of
from apps.incidents.models import Event

PAGE = 500
BIGGEST = 2**63 - 1


class EventSerializer(serializers.ModelSerializer):
    id = serializers.IntegerField(source="object_id")
    incident = serializers.CharField(source="incident.number", default=None)

    class Meta:
        model = Event
        fields = ["seq", "kind", "id", "incident", "at"]


class AfterSerializer(serializers.Serializer):
    after = serializers.IntegerField(min_value=0, max_value=BIGGEST, default=0)


class EventsView(APIView):
    """What happened after a sequence number, oldest first, at most 500 at a time.

    `latest` is where to go on from: ask again with it while `more` is true.
    """

    key_scopes = {ApiKey.Scope.EVENTS}

    @extend_schema(
        parameters=[OpenApiParameter("after", OpenApiTypes.INT64, description="The last sequence number seen.")],
        responses=inline_serializer(
            "Events",
            {
                "events": EventSerializer(many=True),
                "latest": serializers.IntegerField(),
                "more": serializers.BooleanField(),
            },
        ),
    )
    def get(self, request):
        asked = AfterSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        after = asked.validated_data["after"]
        newest = Event.objects.latest_seq()
        visible = Event.objects.visible_to(principal_of(request)).filter(seq__gt=after, seq__lte=newest)
        events = list(visible.select_related("incident").order_by("seq")[: PAGE + 1])
        more = len(events) > PAGE
        latest = events[PAGE - 1].seq if more else newest
        return Response({"events": EventSerializer(events[:PAGE], many=True).data, "latest": latest, "more": more})
