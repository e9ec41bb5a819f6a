import re
from collections.abc import Callable
from urllib.parse import quote, urlencode

from django.conf import settings
from django.contrib.gis.geos import Point
from django.db.models import prefetch_related_objects
from django.http import HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import exceptions, status
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.agencies.principals import Principal, principal_of
from apps.agencies.refusals import Absent, OnRecord
from apps.cameras.choosing import choose
from apps.mous.actions import may_have_clips
from apps.mous.gate import Decision, decide, visible_cameras
from apps.mous.models import MediaKind, Provision
from apps.video import playback, stills
from apps.video.actions import BadPeriod, manifest
from apps.video.converting import convert
from apps.video.models import Clip, Segment, recording_named
from apps.video.reasons import NotAvailable
from apps.viewing import addresses
from apps.viewing.actions import (
    TooMany,
    cancel_copy,
    decide_clip,
    log_looking_back,
    log_refusal,
    log_view,
    provide_clip,
)
from apps.viewing.models import ProvidedCopy, ViewLog
from apps.viewing.serializers import (
    ChosenSerializer,
    ClipOrderSerializer,
    ClipSerializer,
    NearSerializer,
    PeriodSerializer,
)

NEAR_M = 2_000
NOT_YOURS = OpenApiResponse(description="None that you may see.")


class AnyAccept(DefaultContentNegotiation):
    """For doors that answer with a picture or a file: what the client says it accepts is about those."""

    def select_renderer(self, request, renderers, format_suffix=None):
        return renderers[0], renderers[0].media_type


class Closed(Absent):
    """What you may not see is not there; whoever once could is told why no longer, or until when."""

    def __init__(self, decision: Decision):
        until = {"recorded_until": decision.recorded_until.isoformat()} if decision.provision else {}
        super().__init__({"code": decision.code, "detail": decision.reason, **until})


def open_door(request, camera_id: int, door: str, kind: str, *, window=None) -> tuple[Principal, Decision]:
    """The gate's decision for this request; refusals are logged and answered with 404."""
    principal = principal_of(request)
    decision = decide(principal, camera_id, kind, window=window)
    if not decision.is_open:
        log_refusal(principal, camera_id, door, decision.code)
        raise Closed(decision)
    return principal, decision


def named(request) -> dict[str, str]:
    """The incident or reason under which a standing right is used."""
    return {name: request.query_params.get(name, "")[:300].replace("\0", "") for name in ("incident", "reason")}


def send_file(folder: str, path: str, content_type: str, *, file_name: str = "") -> HttpResponse:
    """Let the front server send a file, with byte ranges, now that the gate has said yes."""
    response = HttpResponse(content_type=content_type)
    response["X-Accel-Redirect"] = f"{settings.PROTECTED_URL}{folder}/{quote(path)}"
    response["Cache-Control"] = "no-store, private"
    if file_name:
        response["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(file_name)}"
    return response


class CamerasView(APIView):
    """The cameras nearest to a place, of those whose live video the caller may see."""

    @extend_schema(
        parameters=[
            OpenApiParameter("near", OpenApiTypes.STR, required=True, description="lon,lat"),
            OpenApiParameter("limit", OpenApiTypes.INT, description="1 to 50"),
        ],
        responses=ChosenSerializer(many=True),
    )
    def get(self, request):
        asked = NearSerializer(data=request.query_params)
        asked.is_valid(raise_exception=True)
        chosen = choose(
            Point(*asked.validated_data["near"], srid=4326),
            among=visible_cameras(principal_of(request)),
            limit=asked.validated_data["limit"],
            radius_m=NEAR_M,
            outer_radius_m=NEAR_M,
        )
        prefetch_related_objects([found.camera for found in chosen], "owner", "site")
        return Response(ChosenSerializer(chosen, many=True).data)


class MapCamerasView(APIView):
    """The cameras on the caller's map, as GeoJSON: positions are as guarded as pictures."""

    @extend_schema(responses=OpenApiTypes.OBJECT)
    def get(self, request):
        cameras = visible_cameras(principal_of(request)).order_by("pk")
        fields = ["pk", "number", "kind", "status", "bearing_deg", "fov_deg", "range_m", "purpose", "location"]
        return JsonResponse(
            {"type": "FeatureCollection", "features": [_feature(row) for row in cameras.values(*fields)]},
            headers={"Cache-Control": "no-store, private"},
        )


def _feature(row: dict) -> dict:
    lon, lat = row.pop("location").coords
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [round(lon, 6), round(lat, 6)]},
        "properties": {"id": row.pop("pk"), **row},
    }


class StillView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[OpenApiParameter("at", OpenApiTypes.DATETIME, description="Empty: the newest picture.")],
        responses={
            (200, "image/jpeg"): OpenApiTypes.BINARY,
            404: NOT_YOURS,
            503: OpenApiResponse(description="No picture; says why."),
        },
    )
    def get(self, request, camera_id):
        at = moment(request, "at")
        window = (at, at) if at else None
        principal, decision = open_door(request, camera_id, ViewLog.Door.STILL, MediaKind.STILL, window=window)
        try:
            still = stills.still(camera_id, at)
        except NotAvailable as trouble:
            return not_available(trouble)
        log_view(principal, decision, ViewLog.Door.STILL, period=window, **named(request))
        headers = {"Cache-Control": "no-store, private", "X-Taken-At": still.taken_at.isoformat()}
        return HttpResponse(still.jpeg, content_type="image/jpeg", headers=headers)


def moment(request, name: str):
    """The query's date and time, None when not given; 400 naming it when it is neither."""
    given = request.query_params.get(name)
    if not given:
        return None
    try:
        at = parse_datetime(given.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None:
        raise exceptions.ValidationError({name: [_("Must be a date and time in ISO 8601.")]})
    return at if timezone.is_aware(at) else timezone.make_aware(at)


def not_available(trouble: NotAvailable) -> Response:
    body = {"code": "not_available", "detail": _(trouble.reason)}
    return Response(body, status.HTTP_503_SERVICE_UNAVAILABLE)


class PlaybackView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("to", OpenApiTypes.DATETIME, required=True),
        ],
        responses={(200, "application/vnd.apple.mpegurl"): OpenApiTypes.STR, 404: NOT_YOURS},
    )
    def get(self, request, camera_id):
        start, end = period(request)
        window = (start, end)
        principal, decision = open_door(request, camera_id, ViewLog.Door.PLAYBACK, MediaKind.RECORDED, window=window)
        try:
            urls = segment_urls(principal, camera_id, start, end)
            playlist = playback.playlist(camera_id, start, end, urls, last=decision.recorded_until)
        except NotAvailable as trouble:
            return not_available(trouble)
        log_looking_back(principal, decision, ViewLog.Door.PLAYBACK, period=window, **named(request))
        return HttpResponse(
            playlist, content_type="application/vnd.apple.mpegurl", headers={"Cache-Control": "no-store, private"}
        )


def period(request):
    asked = PeriodSerializer(data={name: request.query_params.get(name) for name in ("from", "to")})
    asked.is_valid(raise_exception=True)
    return asked.validated_data["from"], asked.validated_data["to"]


def segment_urls(principal: Principal, camera_id: int, start, end) -> Callable[[Segment], str]:
    """Gives the address of each segment of a playlist. What they share is put together once: a day has 1,440."""
    folder = reverse("segment", args=[camera_id, 0]).removesuffix("0.mp4")
    carried = {"from": start.isoformat(), "to": end.isoformat(), **addresses.seal(principal, camera_id, start, end)}
    asked = urlencode(carried)
    return lambda segment: f"{folder}{segment.start_ms}.mp4?{asked}"


FROM_PLAYLIST = "As the playlist gives it: good for who asked for the list, and until it is over."
CONVERTED = "h264: the pictures of this part coded anew, as a file of their own, for a browser that plays no H.265."


class NotThisPart(exceptions.APIException):
    status_code = status.HTTP_416_REQUESTED_RANGE_NOT_SATISFIABLE
    default_code = "not_this_part"
    default_detail = _lazy("Ask for the bytes that the playlist names.")


class SegmentView(APIView):
    """Part of a recorded segment, as the playlist named it. The gate is asked again for each.

    What is seen is on record since the playlist: so its addresses alone open, for whom it was written, for a while.
    A segment holds a minute; what is asked for, and given, may be less. So a byte range is required, and
    must lie within the pieces that show the time asked for.
    """

    content_negotiation_class = AnyAccept

    @extend_schema(
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("to", OpenApiTypes.DATETIME, required=True),
            OpenApiParameter("expires", OpenApiTypes.STR, required=True, description=FROM_PLAYLIST),
            OpenApiParameter("seal", OpenApiTypes.STR, required=True, description=FROM_PLAYLIST),
            OpenApiParameter("Range", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True),
            OpenApiParameter("codec", OpenApiTypes.STR, enum=["h264"], description=CONVERTED),
        ],
        responses={
            (206, "video/mp4"): OpenApiTypes.BINARY,
            (200, "video/mp4"): OpenApiTypes.BINARY,
            404: NOT_YOURS,
            416: OpenApiResponse(description="Not a part that the playlist named."),
            503: OpenApiResponse(description="Its store does not answer, or too many are converted; says so."),
        },
    )
    def get(self, request, camera_id, start_ms):
        window = period(request)
        principal, decision = open_door(request, camera_id, ViewLog.Door.PLAYBACK, MediaKind.RECORDED, window=window)
        demand_seal(request, principal, camera_id, window)
        segment = recording_named(camera_id, start_ms, *window)
        if segment is None:
            raise Absent
        try:
            part = part_asked(request.headers)
            if not lies_within(part, playback.bytes_of(segment, *window, last=decision.recorded_until)):
                raise NotThisPart
            if request.query_params.get("codec") == "h264":
                mime, body = convert(segment, part)
                return HttpResponse(body, content_type=mime, headers={"Cache-Control": "no-store, private"})
            return send_file("video", playback.served_path(segment), "video/mp4")
        except NotAvailable as trouble:
            return not_available(trouble)
        except FileNotFoundError:
            raise Absent from None


def demand_seal(request, principal: Principal, camera_id: int, window) -> None:
    """404 for an address that no playlist gave this session or key, or for one that is over, which is no trespass."""
    carried = request.query_params
    if not addresses.is_theirs(carried, principal, camera_id, *window):
        log_refusal(principal, camera_id, ViewLog.Door.PLAYBACK, "not_their_address")
        raise Absent
    if addresses.is_over(carried):
        raise Absent


def part_asked(headers) -> range:
    """The bytes that are asked for; none when that is not said in the one form that we serve."""
    named = re.fullmatch(r"bytes=(\d{1,18})-(\d{1,18})", headers.get("Range", ""))
    # A condition that does not hold has the front server send the whole file.
    if not named or "If-Range" in headers:
        return range(0)
    first, last = map(int, named.groups())
    return range(first, last + 1)


def lies_within(part: range, allowed: list[range]) -> bool:
    return bool(part) and any(part[0] in span and part[-1] in span for span in allowed)


class ClipsView(APIView):
    @extend_schema(
        request=ClipOrderSerializer,
        responses={
            202: ClipSerializer,
            400: OpenApiResponse(description="Names each bad field."),
            403: OpenApiResponse(description="The provision does not give this; says why."),
            404: NOT_YOURS,
            429: OpenApiResponse(description="The agency has as many clips on the way as it may."),
        },
    )
    def post(self, request):
        order = ClipOrderSerializer(data=request.data)
        order.is_valid(raise_exception=True)
        asked = order.validated_data
        principal = principal_of(request)
        decision = decide(
            principal,
            asked["camera"],
            MediaKind.RECORDED,
            window=(asked["from"], asked["to"]),
            provision_id=asked["provision"],
        )
        if not decision.is_open:
            log_refusal(principal, asked["camera"], ViewLog.Door.CLIP, decision.code)
            if not Provision.objects.of_agencies(principal.agency_ids).filter(pk=asked["provision"]).exists():
                raise Closed(decision)
            raise OnRecord({"code": decision.code, "detail": decision.reason})
        owes = may_have_clips(decision.provision.agency)
        if not owes.is_open:
            log_refusal(principal, asked["camera"], ViewLog.Door.CLIP, owes.code)
            raise OnRecord({"code": owes.code, "detail": owes.reason})
        try:
            times = (asked["from"], asked["to"])
            copy = provide_clip(principal, decision, *times, asked["kind"], recipient=asked["recipient"])
        except BadPeriod as trouble:
            raise exceptions.ValidationError({"to": [_(str(trouble))]}) from trouble
        except TooMany as trouble:
            log_refusal(principal, asked["camera"], ViewLog.Door.CLIP, "too_many")
            raise exceptions.Throttled(detail=_("Too many clips of your agency are waiting already.")) from trouble
        body = ClipSerializer(copy).data
        return Response(body, status.HTTP_202_ACCEPTED, headers={"Location": body["status_url"]})

    @extend_schema(responses=ClipSerializer(many=True))
    def get(self, request):
        """The copies that the caller's agencies may still take, newest first."""
        copies = ProvidedCopy.objects.for_taking().filter(agency__in=principal_of(request).agency_ids)
        return Response(ClipSerializer(copies.select_related("clip__camera")[:200], many=True).data)


def own_copy(request, clip_id) -> ProvidedCopy:
    """A copy of one of the caller's agencies; 404 for any other."""
    copies = ProvidedCopy.objects.filter(agency__in=principal_of(request).agency_ids)
    copy = copies.select_related("clip__camera", "provision").filter(clip=clip_id).first()
    if copy is None:
        raise exceptions.NotFound
    return copy


def ready_copy(request, clip_id) -> tuple[Principal, Decision, ProvidedCopy]:
    """A copy that is whole, and that the gate gives now."""
    copy, principal = own_copy(request, clip_id), principal_of(request)
    decision = decide_clip(principal, copy)
    if not decision.is_open:
        log_refusal(principal, copy.clip.camera_id, ViewLog.Door.CLIP, decision.code)
        raise Closed(decision)
    if (state := copy.clip.told_state) != Clip.State.READY:
        raise Absent({"code": state, "detail": state.label})
    return principal, decision, copy


class ClipView(APIView):
    @extend_schema(responses={200: ClipSerializer, 404: NOT_YOURS})
    def get(self, request, clip_id):
        return Response(ClipSerializer(own_copy(request, clip_id)).data)

    @extend_schema(
        responses={
            200: ClipSerializer,
            404: NOT_YOURS,
            409: OpenApiResponse(description="It is finished; there is nothing to cancel."),
        }
    )
    def delete(self, request, clip_id):
        """Cancel a clip that is not made yet."""
        copy = own_copy(request, clip_id)
        if not cancel_copy(principal_of(request), copy):
            body = {"code": copy.clip.state, "detail": copy.clip.get_state_display()}
            return Response(body, status.HTTP_409_CONFLICT)
        return Response(ClipSerializer(copy).data)


class ClipFileView(APIView):
    content_negotiation_class = AnyAccept

    @extend_schema(responses={(200, "video/mp4"): OpenApiTypes.BINARY, 404: NOT_YOURS})
    def get(self, request, clip_id):
        principal, decision, copy = ready_copy(request, clip_id)
        if copy.confirmed_at:  # else an agency would hold what the register says that it destroyed
            log_refusal(principal, copy.clip.camera_id, ViewLog.Door.CLIP, "destruction_confirmed")
            detail = _("Your agency has confirmed that this copy is destroyed. Order the clip anew.")
            raise exceptions.NotFound({"code": "destruction_confirmed", "detail": detail})
        window = (copy.clip.starts_at, copy.clip.ends_at)
        log_view(principal, decision, ViewLog.Door.CLIP, period=window)
        ProvidedCopy.objects.filter(pk=copy.pk, taken_at=None).update(taken_at=timezone.now())
        start = timezone.localtime(copy.clip.starts_at)
        name = f"{copy.provision.number}_{copy.clip.camera.number}_{start:%Y%m%d_%H%M%S}.mp4"
        return send_file("clips", copy.clip.path, "video/mp4", file_name=name)


class ManifestView(APIView):
    @extend_schema(responses={200: OpenApiTypes.OBJECT, 404: NOT_YOURS})
    def get(self, request, clip_id):
        _principal, _decision, copy = ready_copy(request, clip_id)
        return Response(manifest(copy.clip))
