from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from apps.retention.actions import REVIEW_AFTER
from apps.retention.models import Hold


class HoldForm(forms.ModelForm):
    class Meta:
        model = Hold
        fields = [
            "cameras",
            "period_from",
            "period_until",
            "reason",
            "legal_ground",
            "document_number",
            "incident_number",
            "agency",
            "owner",
            "ends_at",
            "review_at",
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "review_at" in self.fields:
            self.fields["review_at"].initial = timezone.now() + REVIEW_AFTER

    def clean(self):
        given = super().clean()
        since, until, ends_at = (given.get(name) for name in ("period_from", "period_until", "ends_at"))
        if since and until and until <= since:
            self.add_error("period_until", _("Must be later than the beginning."))
        if ends_at and ends_at <= timezone.now():
            self.add_error("ends_at", _("A hold must end in the future."))
        if ends_at and given.get("review_at") and given["review_at"] > ends_at:
            self.add_error("review_at", _("Must not be later than the end of the hold."))
        return given


class ReviewForm(forms.Form):
    """Why a hold is still needed, and until when."""

    ends_at = forms.SplitDateTimeField(label=_("held until"))
    review_at = forms.SplitDateTimeField(label=_("to be reviewed by"))
    reason = forms.CharField(label=_("reason"), max_length=300)


class ReleaseForm(forms.Form):
    reason = forms.CharField(label=_("reason of the release"), max_length=300)
