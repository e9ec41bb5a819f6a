from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.agencies.models import ApiKey
from apps.agencies.principals import principal_of
from apps.agencies.refusals import Absent
from apps.linked_services.api import IntakeThrottle
from apps.linked_services.fields import Choice, Text
from apps.mous.actions import report_result
from apps.mous.models import Provision, UseResult


class ResultSerializer(serializers.Serializer):
    """What came of a provision."""

    outcome = Choice(UseResult.Outcome.values)
    text = Text(max_length=2_000, allow_blank=True, default="", single_line=False)
    at = serializers.DateTimeField(read_only=True)


class ResultView(APIView):
    """What came of a provision, told by the agency that it was opened for: by its system or one of its members.

    The same report twice is one report. Another one later corrects it, and both stay on record.
    """

    key_scopes = {ApiKey.Scope.INTAKE}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        request=ResultSerializer,
        responses={
            201: ResultSerializer,
            200: OpenApiResponse(ResultSerializer, "Reported before: the same again, or corrected."),
            429: OpenApiResponse(description="Too many requests; see Retry-After."),
        },
    )
    def post(self, request, provision_id):
        provision = own_provision(request, provision_id)
        told = ResultSerializer(data=request.data)
        told.is_valid(raise_exception=True)
        is_new = not UseResult.objects.filter(provision=provision).exists()
        result = report_result(provision, **told.validated_data, by=request.user)
        return Response(ResultSerializer(result).data, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(
        responses={200: ResultSerializer, 404: OpenApiResponse(description="No such provision, or not reported yet.")}
    )
    def get(self, request, provision_id):
        result = UseResult.objects.filter(provision=own_provision(request, provision_id)).first()
        if result is None:
            raise Absent
        return Response(ResultSerializer(result).data)


def own_provision(request, provision_id: int) -> Provision:
    provisions = Provision.objects.of_agencies(principal_of(request).agency_ids).select_related("incident")
    provision = provisions.filter(pk=provision_id).first()
    if provision is None:
        raise exceptions.NotFound
    return provision
