"""Try an agreement out: a call that nobody made, at a place and time of one's choosing."""

from django import forms
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.agencies.models import Agency
from apps.agencies.principals import principal_of
from apps.cameras.city import in_city
from apps.console.operator_page import staff_only
from apps.console.provision_forms import Moment
from apps.linked_services.forms import type_choices
from apps.linked_services.services import ALL
from apps.linked_services.simulating import WHY_NOT, simulate
from apps.mous.gate import REASONS, visible_cameras


class SimulatorForm(forms.Form):
    agency = forms.ModelChoiceField(
        Agency.objects.none(),
        label=gettext_lazy("Agency"),
        to_field_name="code",
        empty_label=gettext_lazy("Choose…"),
    )
    service = forms.ChoiceField(
        label=gettext_lazy("Service"), choices=lambda: [(service.code, service.name) for service in ALL.values()]
    )
    type = forms.ChoiceField(label=gettext_lazy("Type"), choices=type_choices)
    lon = forms.FloatField(label=gettext_lazy("Longitude"), min_value=-180, max_value=180)
    lat = forms.FloatField(label=gettext_lazy("Latitude"), min_value=-90, max_value=90)
    at = Moment(label=gettext_lazy("Time"), required=False)
    exercise = forms.BooleanField(label=gettext_lazy("Exercise"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["agency"].queryset = Agency.objects.filter(mous__isnull=False).distinct()

    def clean(self):
        asked = super().clean()
        if "service" in asked and "type" in asked and asked["type"] not in ALL[asked["service"]].types:
            self.add_error("type", _("Not a type of this service."))
        if "lon" in asked and "lat" in asked and not in_city(asked["lon"], asked["lat"]):
            self.add_error("lat", _("Lies outside the city."))
        return asked

    def call(self) -> dict:
        """What was asked, as a call is handed on by the intake."""
        asked = self.cleaned_data
        location = {"lon": asked["lon"], "lat": asked["lat"]}
        return {"service": asked["service"], "type": asked["type"], "location": location, "exercise": asked["exercise"]}


@staff_only
def page(request):
    form = SimulatorForm(request.GET if "agency" in request.GET else None, initial={"at": timezone.now()})
    context = {"form": form}
    if form.is_valid():
        at = form.cleaned_data["at"] or timezone.now()
        near = visible_cameras(principal_of(request))
        verdicts = simulate(form.cleaned_data["agency"], form.call(), at, near=near, by=request.user)
        context |= {"at": at, "verdicts": [(verdict, words(verdict.code)) for verdict in verdicts]}
        context["place"] = form.cleaned_data
    return render(request, "console/simulator.html", context, status=422 if form.errors else 200)


def words(code: str) -> str:
    """Why an agreement stays closed."""
    return (WHY_NOT.get(code) or REASONS.get(code, str))() if code else ""
