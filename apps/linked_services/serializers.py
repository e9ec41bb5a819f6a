from datetime import timedelta

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.cameras.city import in_city
from apps.incidents.models import Incident
from apps.incidents.states import TRANSITIONS, State
from apps.linked_services.fields import Choice, Flag, Moment, Number, Text
from apps.linked_services.services import ALL

CLOCK_TOLERANCE = timedelta(minutes=5)
OLDEST = timedelta(days=366)


class LocationSerializer(serializers.Serializer):
    lon = Number(min_value=-180, max_value=180)
    lat = Number(min_value=-90, max_value=90)


class CallSerializer(serializers.Serializer):
    """A call as an agency's control room sends it."""

    source_id = Text(max_length=100)
    service = Choice(list(ALL))
    type = Text(max_length=40)
    grade = Choice(Incident.Grade.values, default=Incident.Grade.NORMAL)
    occurred_at = Moment()
    location = LocationSerializer()
    place = Text(max_length=200, allow_blank=True, default="")
    description = Text(max_length=4_000, allow_blank=True, default="", single_line=False)
    exercise = Flag(default=False)

    def validate_occurred_at(self, occurred_at):
        now = timezone.now()
        if occurred_at > now + CLOCK_TOLERANCE:
            raise serializers.ValidationError(_("Lies in the future."), code="future")
        if occurred_at < now - OLDEST:
            raise serializers.ValidationError(_("Lies more than a year back."), code="too_old")
        return occurred_at

    def validate_location(self, location):
        if not in_city(location["lon"], location["lat"]):
            raise serializers.ValidationError(_("Lies outside the city."), code="outside_city")
        return location

    def validate(self, call):
        service = ALL[call["service"]]
        if call["type"] not in service.types:
            known = ", ".join(service.types)
            raise serializers.ValidationError(
                {
                    "type": [
                        _("Not a type of service %(service)s. Known: %(known)s.")
                        % {"service": service.code, "known": known}
                    ]
                }
            )
        return call


class TransitionSerializer(serializers.Serializer):
    event = Choice(list(TRANSITIONS))
    before = Choice(State.values)
    note = Text(max_length=1_000, allow_blank=True, default="", single_line=False)


class ProvidedCameraSerializer(serializers.Serializer):
    id = serializers.IntegerField(source="camera_id")
    number = serializers.CharField(source="camera.number")
    distance_m = serializers.FloatField()
    covers = serializers.BooleanField()
    bearing_deg = serializers.FloatField(allow_null=True)
    turn_deg = serializers.FloatField(allow_null=True)
    ring = serializers.CharField()
    live_url = serializers.SerializerMethodField()

    def get_live_url(self, provided) -> str:
        return f"/api/v1/cameras/{provided.camera_id}/live"


class ProvisionSerializer(serializers.Serializer):
    """A provision with its cameras: built from a pair (Provision, list of ProvisionCamera)."""

    id = serializers.IntegerField()
    number = serializers.CharField()
    agency = serializers.CharField()
    cameras = serializers.ListField(child=serializers.IntegerField())
    kinds = serializers.ListField(child=serializers.CharField())
    legal_ground = serializers.CharField()

    def get_fields(self):
        moments = {"from": serializers.DateTimeField(), "until": serializers.DateTimeField()}
        return {**super().get_fields(), **moments}

    def to_representation(self, pair):
        provision, provided = pair
        return super().to_representation(
            {
                "id": provision.pk,
                "number": provision.number,
                "agency": provision.agency.code,
                "cameras": [row.camera_id for row in provided],
                "kinds": provision.kinds,
                "legal_ground": provision.legal_ground,
                "from": provision.starts_at,
                "until": provision.ends_at,
            }
        )


class IncidentSerializer(serializers.Serializer):
    """What the sender, or the centre, is told of an incident."""

    number = serializers.CharField()
    state = serializers.CharField()
    seq = serializers.IntegerField(help_text="Sequence number of the incident's newest event.")
    service = serializers.CharField()
    type = serializers.CharField()
    grade = serializers.CharField()
    occurred_at = serializers.DateTimeField()
    exercise = serializers.BooleanField()
    cameras = ProvidedCameraSerializer(many=True)
    provisions = ProvisionSerializer(many=True)

    @staticmethod
    def of(incident: Incident, provisions, *, seq: int) -> dict:
        cameras = {row.camera_id: row for _provision, provided in provisions for row in provided}
        return ANSWER.to_representation(
            {
                "number": incident.number,
                "state": incident.state,
                "seq": seq,
                "service": incident.service,
                "type": incident.type,
                "grade": incident.grade,
                "occurred_at": incident.occurred_at,
                "exercise": incident.is_exercise,
                "cameras": sorted(cameras.values(), key=lambda row: row.rank),
                "provisions": provisions,
            }
        )


# Made once: every new one copies its fields first, which takes longer than reading a call or writing the answer.
CALL, ANSWER = CallSerializer(), IncidentSerializer()
