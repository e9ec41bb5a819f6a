from django import forms
from django.utils.translation import gettext_lazy as _

from apps.cameras.models import Purpose
from apps.linked_services.services import ALL
from apps.mous.models import MediaKind, Mou


def boxes(label, choices, *, required=True, help_text="") -> forms.MultipleChoiceField:
    return forms.MultipleChoiceField(
        label=label, choices=choices, required=required, help_text=help_text, widget=forms.CheckboxSelectMultiple
    )


def type_choices() -> list[tuple[str, list]]:
    """Types grouped by the services that share them."""
    groups: dict[tuple, list[str]] = {}
    for service in ALL.values():
        groups.setdefault(tuple(service.types.items()), []).append(str(service.name))
    return [(" · ".join(names), list(types)) for types, names in groups.items()]


class MouForm(forms.ModelForm):
    services = boxes(_("Services"), lambda: [(service.code, service.name) for service in ALL.values()])
    incident_types = boxes(
        _("Incident types"), type_choices, required=False, help_text=_("None: all types of the services.")
    )
    kinds = boxes(_("Media kinds"), MediaKind.choices)
    purposes = boxes(
        _("Camera purposes"), Purpose.choices, required=False, help_text=_("None: cameras of all purposes.")
    )

    class Meta:
        model = Mou
        fields = [
            "agency",
            "document_number",
            "services",
            "incident_types",
            "kinds",
            "legal_ground",
            "purpose",
            "starts_at",
            "ends_at",
            "area",
            "purposes",
            "excluded_owners",
            "max_cameras",
            "radius_m",
            "outer_radius_m",
            "lookback_min",
            "lookahead_min",
            "open_hours",
            "report_hours",
        ]

    def clean(self):
        cleaned = super().clean()
        known = {code for service in cleaned.get("services", []) for code in ALL[service].types}
        if stray := [code for code in cleaned.get("incident_types", []) if code not in known]:
            self.add_error(
                "incident_types", _("Not a type of the chosen services: %(codes)s") % {"codes": ", ".join(stray)}
            )
        return cleaned
