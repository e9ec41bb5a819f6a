from functools import reduce

from django import forms
from django.contrib.gis.geos import GEOSGeometry, MultiPolygon
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext_lazy as _

from apps.agencies.models import Agency, User
from apps.cameras.models import District, Purpose
from apps.linked_services.services import ALL
from apps.mous.models import MediaKind, Mou
from apps.mous.scans import refuse_too_many
from apps.mous.viruses import refuse_infected


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


def owners():
    return Agency.objects.filter(sites__isnull=False).distinct()


def owner_choices() -> list[tuple[int, str]]:
    return [(owner.pk, str(owner)) for owner in owners()]


class PaperForm(forms.ModelForm):
    """What is uploaded is counted, and goes past the virus scanner."""

    uploader: User | None = None

    def clean_scan(self):
        paper = self.cleaned_data.get("scan")
        if isinstance(paper, UploadedFile):
            refuse_too_many(by=self.uploader)
            refuse_infected(paper, by=self.uploader)
        return paper


class MouForm(PaperForm):
    services = boxes(_("Services"), lambda: [(service.code, service.name) for service in ALL.values()])
    incident_types = boxes(
        _("Incident types"), type_choices, required=False, help_text=_("None: all types of the services.")
    )
    kinds = boxes(_("Media kinds"), MediaKind.choices)
    districts = boxes(
        _("Districts"),
        lambda: [(district.code, str(district)) for district in District.objects.all()],
        required=False,
        help_text=_("None, and nothing drawn: the whole city."),
    )
    purposes = boxes(
        _("Camera purposes"), Purpose.choices, required=False, help_text=_("None: cameras of all purposes.")
    )
    excluded_purposes = boxes(_("Camera purposes left out"), Purpose.choices, required=False)
    only_owners = forms.TypedMultipleChoiceField(
        label=_("Owners taken in"),
        coerce=int,
        choices=owner_choices,
        required=False,
        help_text=_("None: all owners."),
        widget=forms.CheckboxSelectMultiple,
    )
    excluded_owners = forms.ModelMultipleChoiceField(
        Agency.objects.none(), label=_("Owners left out"), required=False, widget=forms.CheckboxSelectMultiple
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
            "scan",
            "districts",
            "drawn",
            "purposes",
            "excluded_purposes",
            "only_owners",
            "excluded_owners",
            "max_cameras",
            "radius_m",
            "outer_radius_m",
            "lookback_min",
            "lookahead_min",
            "open_hours",
            "report_hours",
        ]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if "excluded_owners" in self.fields:
            self.fields["excluded_owners"].queryset = owners()

    def clean(self):
        cleaned = super().clean()
        known = {code for service in cleaned.get("services", []) for code in ALL[service].types}
        if stray := [code for code in cleaned.get("incident_types", []) if code not in known]:
            self.add_error(
                "incident_types", _("Not a type of the chosen services: %(codes)s") % {"codes": ", ".join(stray)}
            )
        return cleaned

    def save(self, commit=True):
        self.instance.area = area_of(self.cleaned_data["districts"], self.cleaned_data["drawn"])
        return super().save(commit)


def area_of(districts: list[str], drawn: MultiPolygon | None) -> MultiPolygon | None:
    """What districts (codes) and a drawing come to together; None is the whole city."""
    shapes = [*District.objects.filter(code__in=districts).values_list("shape", flat=True), *([drawn] if drawn else [])]
    if not shapes:
        return None
    union = reduce(GEOSGeometry.union, shapes)
    return union if isinstance(union, MultiPolygon) else MultiPolygon(union, srid=union.srid)
