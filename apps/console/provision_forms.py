import re

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency
from apps.cameras.models import Camera
from apps.mous.models import LegalGround, MediaKind, ProvisionRequest, UrgentReview, UseResult

VIDEO_KINDS = [(kind.value, kind.label) for kind in (MediaKind.LIVE, MediaKind.RECORDED, MediaKind.STILL)]


class Moment(forms.DateTimeField):
    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": 1}, format="%Y-%m-%dT%H:%M:%S")


class CameraNumbers(forms.CharField):
    """Numbers of cameras, between commas or on lines of their own; cleaned to the list of numbers."""

    widget = forms.Textarea(attrs={"rows": 2})
    most = 50

    def clean(self, value):
        numbers = [word for word in re.split(r"[,\s]+", super().clean(value)) if word]
        if len(numbers) > self.most:
            raise forms.ValidationError(_("%(n)s cameras at most.") % {"n": self.most})
        return numbers


def kinds(**how):
    return forms.MultipleChoiceField(label=_("Kinds"), choices=VIDEO_KINDS, widget=forms.CheckboxSelectMultiple, **how)


class CamerasForm(forms.Form):
    """Which cameras: `offered` are those to tick, `givable` those that may be named. Cleaned to `camera_ids`."""

    cameras = forms.MultipleChoiceField(
        label=_("Cameras"), choices=[], required=False, widget=forms.CheckboxSelectMultiple
    )
    numbers = CameraNumbers(label=_("Further cameras, by number"), required=False)

    def __init__(self, *args, offered=(), givable=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.givable = givable
        self.fields["cameras"].choices = offered
        if not offered:
            self.fields["numbers"].label = _("Cameras, by number")

    def clean(self):
        cleaned = super().clean()
        cleaned["camera_ids"] = self.ids_of(cleaned)
        return cleaned

    def ids_of(self, cleaned) -> list[int]:
        """The cameras ticked and named; an unknown number is an error that does not say whether it exists."""
        numbers = cleaned.get("numbers", [])
        named = dict(self.givable.filter(number__in=numbers).values_list("number", "pk"))
        if strangers := [number for number in numbers if number not in named]:
            words = _("Not a camera that you may give: %(numbers)s") % {"numbers": ", ".join(strangers)}
            self.add_error("numbers", words)
        ids = sorted({*map(int, cleaned.get("cameras", [])), *named.values()})
        if not ids and not self.errors:
            self.add_error("numbers", _("Choose at least one camera."))
        return ids


class ProvideForm(CamerasForm):
    """Which cameras, to whom, how and why."""

    way = forms.ChoiceField(
        label=_("On what"),
        choices=[
            ("operator", _("Within the agreement with the agency")),
            ("urgent", _("Break-glass: urgent protection of life, body or property. Works at once, is reviewed")),
        ],
        widget=forms.RadioSelect,
        initial="operator",
    )
    agency = forms.ModelChoiceField(Agency.objects.none(), label=_("Agency"), empty_label=_("Choose…"))
    kinds = kinds(initial=["live"])
    until = Moment(label=_("Until"))
    reason = forms.CharField(label=_("Purpose and reason"), max_length=300, widget=forms.Textarea(attrs={"rows": 2}))
    recorded_from = Moment(label=_("Recorded video from"), required=False)
    recorded_until = Moment(label=_("Recorded video until"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.filter(is_active=True).exclude(kind=Agency.Kind.CENTRE)

    def clean(self):
        cleaned = super().clean()
        if bool(cleaned.get("recorded_from")) != bool(cleaned.get("recorded_until")):
            self.add_error("recorded_until", _("Say both, or neither."))
        return cleaned


class RequestForm(forms.ModelForm):
    """What an agency asks for."""

    kinds = kinds(initial=["recorded"])
    recorded_from = Moment(label=_("Video from"))
    recorded_until = Moment(label=_("Video until"))
    legal_ground = forms.ChoiceField(label=_("Legal ground"), choices=[("", _("Choose…")), *LegalGround.choices])
    incident_number = forms.CharField(label=_("Number of the incident, if there is one"), max_length=20, required=False)

    class Meta:
        model = ProvisionRequest
        fields = ["place", "kinds", "recorded_from", "recorded_until", "legal_ground", "document_number", "purpose"]

    def clean(self):
        cleaned = super().clean()
        start, end = cleaned.get("recorded_from"), cleaned.get("recorded_until")
        if start and end and end <= start:
            self.add_error("recorded_until", _("Must be later than the beginning."))
        return cleaned


class ReviewForm(forms.Form):
    verdict = forms.ChoiceField(label=_("Verdict"), choices=UrgentReview.Verdict.choices, widget=forms.RadioSelect)
    note = forms.CharField(label=_("What the review found"), max_length=1000, widget=forms.Textarea(attrs={"rows": 3}))


class ResultForm(forms.Form):
    outcome = forms.ChoiceField(label=_("What came of it"), choices=UseResult.Outcome.choices)
    text = forms.CharField(
        label=_("In words"), max_length=2000, required=False, widget=forms.Textarea(attrs={"rows": 2})
    )


class ExtendForm(forms.Form):
    until = Moment(label=_("Until"))
    reason = forms.CharField(label=_("Reason"), max_length=300)


class NarrowForm(forms.Form):
    """Its fields stand apart from the form's own element, between those of extending and revoking."""

    cameras = forms.TypedMultipleChoiceField(label=_("Cameras to take out"), coerce=int, choices=[], required=False)
    kinds = forms.MultipleChoiceField(label=_("Kinds to take out"), choices=MediaKind.choices, required=False)
    until = Moment(label=_("End sooner, at"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=300)

    def __init__(self, *args, camera_ids=(), **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["cameras"].choices = [(pk, pk) for pk in camera_ids]
        for field in self.fields.values():
            field.widget.attrs["form"] = "narrow"


class RevokeForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300)


def camera_label(camera: Camera) -> str:
    return f"{camera.number} · {camera.site}"
