from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from apps.cameras.choosing import Chosen
from apps.video.actions import LONGEST_CLIP
from apps.video.models import Clip
from apps.viewing.models import ProvidedCopy

LONGEST_PLAYBACK = timedelta(hours=6)


class NearSerializer(serializers.Serializer):
    """`near=lon,lat&limit=5` as query."""

    near = serializers.CharField(max_length=60)
    limit = serializers.IntegerField(min_value=1, max_value=50, default=5)

    def validate_near(self, near):
        try:
            lon, lat = (float(part) for part in near.split(","))
        except ValueError:
            raise serializers.ValidationError(_("Must be lon,lat.")) from None
        if not (-180 <= lon <= 180 and -90 <= lat <= 90):
            raise serializers.ValidationError(_("Must be lon,lat in degrees."))
        return lon, lat


class ChosenSerializer(serializers.Serializer):
    """A camera as chosen for a place."""

    id = serializers.IntegerField(source="camera.pk")
    number = serializers.CharField(source="camera.number")
    place = serializers.CharField(source="camera.site")
    owner = serializers.CharField(source="camera.owner.code")
    kind = serializers.CharField(source="camera.kind")
    status = serializers.CharField(source="camera.status")
    distance_m = serializers.FloatField()
    covers = serializers.BooleanField()
    bearing_deg = serializers.FloatField(allow_null=True)
    turn_deg = serializers.FloatField(source="turn", allow_null=True)
    ring = serializers.CharField()
    live_url = serializers.SerializerMethodField()

    def get_live_url(self, chosen: Chosen) -> str:
        return f"/api/v1/cameras/{chosen.camera.pk}/live"


class PeriodSerializer(serializers.Serializer):
    """A recorded time, `from` and `until`/`to`, in ISO 8601."""

    longest = LONGEST_PLAYBACK

    def get_fields(self):
        return {
            **super().get_fields(),
            "from": serializers.DateTimeField(),
            "to": serializers.DateTimeField(),
        }

    def validate(self, asked):
        if asked["to"] <= asked["from"]:
            raise serializers.ValidationError({"to": [_("Must be later than “from”.")]})
        if asked["to"] - asked["from"] > self.longest:
            hours = self.longest // timedelta(hours=1)
            raise serializers.ValidationError(
                {"to": [_("May be %(hours)s hours after “from” at most.") % {"hours": hours}]}
            )
        return asked


class ClipOrderSerializer(PeriodSerializer):
    longest = LONGEST_CLIP

    camera = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    provision = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    kind = serializers.ChoiceField(Clip.Kind.choices, default=Clip.Kind.EVIDENCE)
    recipient = serializers.CharField(
        max_length=80,
        allow_blank=True,
        default="",
        help_text="For an agency's system: rank and name of who gets the file, as the register is to have them.",
    )

    def validate_recipient(self, named):
        if not named.isprintable():
            raise serializers.ValidationError(_("Must not contain control characters."))
        return named


class ClipSerializer(serializers.Serializer):
    """A copy on its way to its agency. `position`: how many are taken up before it, itself counted."""

    id = serializers.UUIDField(source="clip.id")
    kind = serializers.CharField(source="clip.kind")
    state = serializers.CharField(source="clip.told_state")
    position = serializers.IntegerField(source="clip.position", allow_null=True)
    progress = serializers.IntegerField(source="clip.progress")
    camera = serializers.IntegerField(source="clip.camera_id")
    camera_number = serializers.CharField(source="clip.camera.number")
    provision = serializers.IntegerField(source="provision_id")
    ledger_number = serializers.IntegerField()
    bytes = serializers.IntegerField(source="clip.bytes")
    sha256 = serializers.CharField(source="clip.sha256")
    error = serializers.SerializerMethodField()
    changes_at = serializers.DateTimeField(source="clip.changes_at", allow_null=True)
    requested_by = serializers.CharField()
    destroy_by = serializers.DateTimeField(allow_null=True)
    status_url = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField()
    manifest_url = serializers.SerializerMethodField()

    def get_fields(self):
        moments = {
            "from": serializers.DateTimeField(source="clip.starts_at"),
            "to": serializers.DateTimeField(source="clip.ends_at"),
        }
        return {**super().get_fields(), **moments}

    def get_error(self, copy: ProvidedCopy) -> str:
        return _(copy.clip.error) if copy.clip.error else ""

    def get_status_url(self, copy: ProvidedCopy) -> str:
        return f"/api/v1/clips/{copy.clip_id}/"

    def get_file_url(self, copy: ProvidedCopy) -> str | None:
        return f"/api/v1/clips/{copy.clip_id}/file" if copy.clip.told_state == "ready" else None

    def get_manifest_url(self, copy: ProvidedCopy) -> str | None:
        return f"/api/v1/clips/{copy.clip_id}/manifest.json" if copy.clip.told_state == "ready" else None
