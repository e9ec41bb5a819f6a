import time
from functools import lru_cache

import redis
from django.conf import settings
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiResponse, extend_schema, inline_serializer
from rest_framework import exceptions, serializers, status, throttling
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.agencies.authentication import ApiKeyAuthentication
from apps.agencies.json_bodies import TooLarge
from apps.agencies.models import ApiKey
from apps.agencies.principals import is_system, principal_of
from apps.agencies.refusals import OnRecord, noted
from apps.audit.refusals import record_refusal
from apps.incidents.models import Incident
from apps.incidents.states import NotAllowed
from apps.linked_services import actions
from apps.linked_services.models import RefusalCount
from apps.linked_services.serializers import CALL, CallSerializer, IncidentSerializer, TransitionSerializer
from apps.linked_services.services import ALL
from apps.mous.gate import REASONS
from apps.viewing import unusual


class IntakeThrottle(throttling.BaseThrottle):
    """So many calls per key and minute, counted in one round trip. Without Redis nobody is counted:
    a call is never refused for that.
    """

    rate = settings.INTAKE_RATE  # calls a minute

    def allow_request(self, request, view) -> bool:
        if not is_system(request.user):
            return True
        minute = int(time.time() // 60)
        try:
            with counter().pipeline(transaction=False) as pipe:
                pipe.incr(f"soc:intake:{request.auth.pk}:{minute}")
                pipe.expire(f"soc:intake:{request.auth.pk}:{minute}", 60)
                calls, _set = pipe.execute()
        except redis.exceptions.RedisError:
            return True
        if calls == self.rate + 1:
            unusual.tell("unusual.calls", f"{request.user.agency.code} – {request.auth.label}", calls)
        return calls <= self.rate

    def wait(self) -> float:
        return 60 - time.time() % 60


@lru_cache(maxsize=1)
def counter() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=0.5, socket_connect_timeout=0.5)


REFUSED = inline_serializer("Refused", {"code": serializers.CharField(), "detail": serializers.CharField()})


class IntakeView(APIView):
    """Calls come in here."""

    authentication_classes = [ApiKeyAuthentication]
    key_scopes = {ApiKey.Scope.INTAKE}
    throttle_classes = [IntakeThrottle]

    @extend_schema(
        request=CallSerializer,
        responses={
            201: IncidentSerializer,
            200: OpenApiResponse(IncidentSerializer, "The same call was received before."),
            403: OpenApiResponse(REFUSED, "No agreement covers the call; the refusal is in the register."),
            409: OpenApiResponse(description="This source_id was used for another call."),
            429: OpenApiResponse(description="Too many calls; see Retry-After."),
        },
    )
    def post(self, request):
        agency = request.user.agency
        call = self.checked_call(request, agency)
        try:
            if call["service"] not in request.auth.services:
                actions.turn_away(agency, call, "service_not_covered", by=request.user)
            received = actions.receive(agency, call, by=request.user)
        except actions.Refused as refusal:
            raise OnRecord({"code": refusal.code, "detail": REASONS[refusal.code]()}) from refusal
        except actions.Conflict:
            note_nothing_came_of_it(request, "conflict", call["source_id"])
            detail = _("This source_id was used before for a call with other content.")
            return Response({"code": "conflict", "detail": detail}, status.HTTP_409_CONFLICT)
        code = status.HTTP_201_CREATED if received.is_new else status.HTTP_200_OK
        return Response(IncidentSerializer.of(received.incident, received.provisions, seq=received.seq), code)

    @staticmethod
    def checked_call(request, agency) -> dict:
        try:
            return CALL.run_validation({} if request.data is None else request.data)
        except (exceptions.ParseError, exceptions.ValidationError, exceptions.UnsupportedMediaType, TooLarge) as error:
            RefusalCount.add(agency, error.default_code)
            note_nothing_came_of_it(request, error.default_code)
            raise


def note_nothing_came_of_it(request, code: str, what: str = "") -> None:
    """A call that came to nothing before any agreement was asked."""
    record_refusal("call.refused", actor=request.user, door=actions.INTAKE, code=code, what=what)


class IncidentView(APIView):
    """One incident, as far as the caller may know of it."""

    key_scopes = {ApiKey.Scope.INTAKE, ApiKey.Scope.READ}

    @extend_schema(responses=IncidentSerializer)
    def get(self, request, number):
        return Response(answer(find(request, number), principal_of(request)))


class TransitionView(APIView):
    """Move an incident on from the state that the caller saw."""

    key_scopes = {ApiKey.Scope.INTAKE}

    @extend_schema(
        request=TransitionSerializer,
        responses={
            200: IncidentSerializer,
            403: OpenApiResponse(description="Not the centre's staff, nor the sender."),
            409: OpenApiResponse(description="The state is not the one you saw, or the event does not leave it."),
        },
    )
    def post(self, request, number):
        incident = find(request, number)
        principal = principal_of(request)
        if not (principal.is_centre_staff or incident.agency_id in principal.agency_ids):
            raise exceptions.PermissionDenied(_("Only the centre and the sending agency move an incident on."))
        serializer = TransitionSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        step = serializer.validated_data
        try:
            if step["before"] != incident.state:
                raise NotAllowed(_("This incident has just been changed by someone else."))
            actions.advance(incident, step["event"], by=request.user, note=step["note"])
        except NotAllowed as refusal:
            body = {"code": "conflict", "detail": noted(request, refusal), "state": incident.state}
            return Response(body, status.HTTP_409_CONFLICT)
        return Response(answer(incident, principal))


def find(request, number: str) -> Incident:
    visible = Incident.objects.visible_to(principal_of(request)).select_related("agency")
    incident = visible.filter(number=number).first()
    if incident is None:
        raise exceptions.NotFound
    return incident


def answer(incident: Incident, principal) -> dict:
    agencies = incident.parties if principal.is_centre_staff else principal.agency_ids
    seq = incident.events.latest_seq()
    return IncidentSerializer.of(incident, actions.provided_to(agencies, incident), seq=seq)


class IncidentTypesView(APIView):
    """Every service and its types of incident, in the caller's language."""

    key_scopes = set(ApiKey.Scope)

    @extend_schema(
        responses=inline_serializer(
            "IncidentTypes",
            {
                "service": serializers.CharField(),
                "name": serializers.CharField(),
                "types": serializers.ListField(child=serializers.DictField()),
            },
            many=True,
        )
    )
    def get(self, request):
        return Response(
            [
                {
                    "service": service.code,
                    "name": service.name,
                    "types": [{"code": code, "name": name} for code, name in service.types.items()],
                }
                for service in ALL.values()
            ]
        )
