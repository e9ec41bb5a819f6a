"""The doors for looking for a moment in a recording: timeline, thumbnails, bookmarks."""

from datetime import datetime, timedelta

from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, serializers, status
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.agencies.principals import is_system, principal_of
from apps.mous.actions import NotAllowed
from apps.mous.models import MediaKind
from apps.video import stills, timeline
from apps.video.models import CameraAlarm
from apps.video.reasons import NotAvailable
from apps.viewing.actions import bookmark, log_looking_back, log_thumbnail, take_back
from apps.viewing.api import NOT_YOURS, AnyAccept, moment, named, not_available, open_door
from apps.viewing.models import Bookmark, ViewLog
from apps.viewing.serializers import PeriodSerializer

LONGEST_TIMELINE = timedelta(days=31)


class TimelinePeriodSerializer(PeriodSerializer):
    longest = LONGEST_TIMELINE


class BookmarkSerializer(serializers.ModelSerializer):
    by = serializers.CharField()
    incident = serializers.CharField(source="incident.number", default=None)
    mine = serializers.SerializerMethodField()

    class Meta:
        model = Bookmark
        fields = ["id", "camera", "incident", "at", "note", "by", "mine"]

    def get_mine(self, mark: Bookmark) -> bool:
        return mark.by_id == self.context["reader"].user_id


class _Piece(serializers.Serializer):
    def get_fields(self):
        ends = {"from": serializers.DateTimeField(source="begins"), "to": serializers.DateTimeField(source="ends")}
        return {**ends, **super().get_fields()}


class SpanSerializer(_Piece):
    codec = serializers.CharField()


class GapSerializer(_Piece):
    code = serializers.SerializerMethodField()

    def get_code(self, gap: timeline.Gap) -> str:
        return "deleted" if gap.deleted else "not_recorded"


class RunSerializer(serializers.Serializer):
    levels = serializers.ListField(child=serializers.IntegerField(min_value=0, max_value=255))

    def get_fields(self):
        return {"from": serializers.DateTimeField(), **super().get_fields()}

    def to_representation(self, run):
        begins, levels = run
        return {"from": self.fields["from"].to_representation(begins), "levels": levels}


class MotionSerializer(serializers.Serializer):
    """A level each `step_s` seconds: 0 unknown, 1 still, up to 255."""

    step_s = serializers.IntegerField(source="step")
    runs = RunSerializer(many=True)


class AlarmSerializer(serializers.ModelSerializer):
    words = serializers.CharField(source="get_kind_display")

    class Meta:
        model = CameraAlarm
        fields = ["kind", "words"]

    def get_fields(self):
        ends = {
            "from": serializers.DateTimeField(source="began_at"),
            "to": serializers.DateTimeField(source="ended_at", allow_null=True),
        }
        return {**super().get_fields(), **ends}


class TimelineSerializer(serializers.Serializer):
    """What there is of a camera. `kept_since`: what is older has been deleted, or is about to be."""

    kept_days = serializers.IntegerField()
    kept_since = serializers.DateTimeField()
    spans = SpanSerializer(many=True)
    gaps = GapSerializer(many=True)
    motion = MotionSerializer(allow_null=True, help_text="Null for more than seven days.")
    alarms = AlarmSerializer(many=True)
    bookmarks = BookmarkSerializer(many=True)


class TimelineView(APIView):
    """The recorded times of a camera, the gaps between them, and what is marked in them.

    Asking opens the period to be looked through: it is a view of its own, under which thumbnails count.
    """

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("to", OpenApiTypes.DATETIME, required=True, description="At most 31 days later."),
            OpenApiParameter("incident", OpenApiTypes.STR, description="The incident it is looked at for."),
            OpenApiParameter("reason", OpenApiTypes.STR, description="Or why, without one."),
        ],
        responses={
            200: TimelineSerializer,
            400: OpenApiResponse(description="Names each bad field."),
            404: NOT_YOURS,
        },
    )
    def get(self, request, camera_id):
        asked = TimelinePeriodSerializer(data={name: request.query_params.get(name) for name in ("from", "to")})
        asked.is_valid(raise_exception=True)
        start, end = window = asked.validated_data["from"], asked.validated_data["to"]
        principal, decision = open_door(request, camera_id, ViewLog.Door.TIMELINE, MediaKind.RECORDED, window=window)
        log_looking_back(principal, decision, ViewLog.Door.TIMELINE, period=window, **named(request))
        kept_days = decision.camera.retention_days
        kept_since = timeline.kept_since(decision.camera)
        spans = timeline.spans(camera_id, start, end)
        marks = Bookmark.objects.visible_to(principal).filter(camera=camera_id, at__range=window)
        body = {
            "kept_days": kept_days,
            "kept_since": kept_since,
            "spans": spans,
            "gaps": timeline.gaps(spans, start, min(end, timezone.now()), kept_since=kept_since),
            "motion": timeline.motion(camera_id, start, end),
            "alarms": alarms_within(camera_id, *window),
            "bookmarks": marks.select_related("incident", "by"),
        }
        answer = TimelineSerializer(body, context={"reader": principal})
        return Response(answer.data, headers={"Cache-Control": "no-store, private"})


def alarms_within(camera_id: int, start: datetime, end: datetime):
    alarms = CameraAlarm.objects.filter(camera=camera_id, began_at__lt=end)
    return alarms.filter(Q(ended_at=None) | Q(ended_at__gt=start)).order_by("began_at")


class ThumbnailView(APIView):
    """A small picture of a recorded moment: the last complete one at or before it."""

    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[OpenApiParameter("at", OpenApiTypes.DATETIME, required=True)],
        responses={
            (200, "image/jpeg"): OpenApiTypes.BINARY,
            400: OpenApiResponse(description="Names the bad field."),
            404: NOT_YOURS,
            503: OpenApiResponse(description="No picture; says why."),
        },
    )
    def get(self, request, camera_id):
        at = moment(request, "at")
        if at is None:
            raise exceptions.ValidationError({"at": [_("This field is required.")]})
        principal, decision = open_door(request, camera_id, ViewLog.Door.STILL, MediaKind.RECORDED, window=(at, at))
        try:
            jpeg = stills.thumbnail(camera_id, at)
        except NotAvailable as trouble:
            return not_available(trouble)
        log_thumbnail(principal, decision, at, **named(request))
        return HttpResponse(jpeg, content_type="image/jpeg", headers={"Cache-Control": "no-store, private"})


class BookmarkOrderSerializer(serializers.Serializer):
    camera = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    at = serializers.DateTimeField()
    note = serializers.CharField(max_length=300)
    incident = serializers.CharField(max_length=20, required=False, allow_blank=True, default="")


class BookmarksView(APIView):
    """Marks of moments in recordings, for people who may see those moments."""

    @extend_schema(
        request=BookmarkOrderSerializer,
        responses={
            201: BookmarkSerializer,
            400: OpenApiResponse(description="Names each bad field."),
            403: OpenApiResponse(description="Bookmarks are made by people, not by systems."),
            404: NOT_YOURS,
        },
    )
    def post(self, request):
        order = BookmarkOrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        asked = order.validated_data
        if principal_of(request).user_id is None:
            raise exceptions.PermissionDenied(_("Bookmarks are made by people, not by systems."))
        window = (asked["at"], asked["at"])
        principal, decision = open_door(
            request, asked["camera"], ViewLog.Door.TIMELINE, MediaKind.RECORDED, window=window
        )
        mark = bookmark(principal, decision, asked["at"], asked["note"], incident=asked["incident"])
        where = {"Location": f"{reverse('bookmark', args=[mark.pk])}"}
        body = BookmarkSerializer(mark, context={"reader": principal}).data
        return Response(body, status.HTTP_201_CREATED, headers=where)


class BookmarkView(APIView):
    @extend_schema(
        responses={204: None, 403: OpenApiResponse(description="It is somebody else's."), 404: NOT_YOURS},
    )
    def delete(self, request, bookmark_id):
        """Take one's own mark back."""
        marks = Bookmark.objects.visible_to(principal_of(request)).select_related("incident", "camera")
        mark = marks.filter(pk=bookmark_id).first()
        if mark is None or is_system(request.user):
            raise exceptions.NotFound
        try:
            take_back(mark, by=request.user)
        except NotAllowed as refusal:
            raise exceptions.PermissionDenied(str(refusal)) from refusal
        return Response(status=status.HTTP_204_NO_CONTENT)
