from django import forms
from django.utils.translation import gettext_lazy as _

from apps.console.provision_forms import CameraNumbers, Moment
from apps.retention import forms as holding


class PlaceForm(holding.HoldForm):
    """As in the administration, with cameras by their numbers: of `givable`, those that may be held."""

    cameras = CameraNumbers(label=_("Cameras, by number"))
    period_from = Moment(label=_("Recorded from"))
    period_until = Moment(label=_("Recorded until"))
    ends_at = Moment(label=_("Held until"))
    review_at = Moment(label=_("To be reviewed by"))

    class Meta(holding.HoldForm.Meta):
        widgets = {"reason": forms.Textarea(attrs={"rows": 2})}

    def __init__(self, *args, givable, **kwargs):
        super().__init__(*args, **kwargs)
        self.givable = givable

    def clean_cameras(self):
        named = self.cleaned_data["cameras"]
        found = {camera.number: camera for camera in self.givable.filter(number__in=named)}
        if strangers := [number for number in named if number not in found]:
            raise forms.ValidationError(
                _("Not a camera that you may hold: %(numbers)s") % {"numbers": ", ".join(strangers)}
            )
        return list(found.values())


class ReviewForm(holding.ReviewForm):
    ends_at = Moment(label=_("Held until"))
    review_at = Moment(label=_("To be reviewed by"))
    reason = forms.CharField(label=_("Why it is still needed"), max_length=300)
