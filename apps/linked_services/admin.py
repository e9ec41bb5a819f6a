from django.contrib import admin, messages
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.translation import gettext_lazy as _
from leaflet.admin import LeafletGeoAdminMixin

from apps.agencies.admin import AuditedMixin, NoDeletionMixin
from apps.audit.admin import ReadonlyMixin
from apps.cameras.models import Purpose
from apps.incidents.models import Incident
from apps.linked_services.forms import MouForm
from apps.linked_services.services import ALL
from apps.mous.actions import MOU_TRANSITIONS, NotAllowed, advance_mou
from apps.mous.models import MediaKind, Mou

# What a signed agreement shows in place of codes.
IN_WORDS = {
    "services": "service_names",
    "incident_types": "type_names",
    "kinds": "kind_names",
    "purposes": "purpose_names",
}
VERB_LABELS = {
    "sign": _("Sign"),
    "suspend": _("Suspend"),
    "resume": _("Put in force again"),
    "revoke": _("Revoke"),
}


def service_name(code: str) -> str:
    return str(ALL[code].name) if code in ALL else code


def in_words(codes: list[str], names: dict) -> str:
    return ", ".join(str(names.get(code, code)) for code in codes)


@admin.register(Mou)
class MouAdmin(LeafletGeoAdminMixin, AuditedMixin, NoDeletionMixin, admin.ModelAdmin):
    """Agreements: written by one person, signed by another, suspended or revoked at once."""

    form = MouForm
    change_form_template = "admin/mou_change_form.html"
    list_display = ["document_number", "agency", "service_names", "state", "starts_at", "ends_at", "signed_by"]
    list_filter = ["state", "agency"]
    list_select_related = ["agency", "signed_by"]
    search_fields = ["document_number", "agency__name_ko", "agency__name_en"]
    readonly_fields = ["state", "drafted_by", "signed_by", "signed_at", *IN_WORDS.values()]
    filter_horizontal = ["excluded_owners"]

    def get_fields(self, request, obj=None):
        fields = [*MouForm.Meta.fields, "state", "drafted_by", "signed_by", "signed_at"]
        if self.has_change_permission(request, obj):
            return fields
        return [IN_WORDS.get(field, field) for field in fields]

    @admin.display(description=_("services"))
    def service_names(self, mou):
        return ", ".join(service_name(code) for code in mou.services)

    @admin.display(description=_("incident types"))
    def type_names(self, mou):
        names = {code: name for service in mou.services if service in ALL for code, name in ALL[service].types.items()}
        return in_words(mou.incident_types, names) or _("All")

    @admin.display(description=_("media kinds"))
    def kind_names(self, mou):
        return in_words(mou.kinds, dict(MediaKind.choices))

    @admin.display(description=_("camera purposes"))
    def purpose_names(self, mou):
        return in_words(mou.purposes, dict(Purpose.choices)) or _("All")

    def has_change_permission(self, request, obj=None):
        """What is signed is not edited: it is suspended, revoked, or followed by another."""
        return super().has_change_permission(request, obj) and (obj is None or obj.state == Mou.State.DRAFT)

    def save_model(self, request, obj, form, change):
        if not change:
            obj.drafted_by = request.user
        super().save_model(request, obj, form, change)

    def get_urls(self):
        step = path("<int:mou_id>/step/<slug:verb>/", self.admin_site.admin_view(self.step), name="mou_step")
        return [step, *super().get_urls()]

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        context["steps"] = [
            {"label": VERB_LABELS[verb], "url": reverse("admin:mou_step", args=[obj.pk, verb])}
            for verb, (sources, _after, permission) in MOU_TRANSITIONS.items()
            if obj and obj.state in sources and request.user.has_perm(permission)
        ]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def step(self, request, mou_id, verb):
        mou = self.get_object(request, str(mou_id))
        if mou is None or verb not in MOU_TRANSITIONS or request.method != "POST":
            raise Http404
        try:
            advance_mou(mou, verb, by=request.user)
        except NotAllowed as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, _("Done: %(verb)s – %(mou)s") % {"verb": VERB_LABELS[verb], "mou": mou})
        return HttpResponseRedirect(reverse("admin:mous_mou_change", args=[mou.pk]))


@admin.register(Incident)
class IncidentAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["number", "service_name", "type_name", "grade", "state", "received_at", "agency", "is_exercise"]
    list_filter = ["service", "state", "is_exercise", "agency"]
    list_select_related = ["agency"]
    search_fields = ["number", "source_id", "place"]
    date_hierarchy = "received_at"
    fields = [
        *list_display,
        "source_id",
        "occurred_at",
        "closed_at",
        "place",
        "location",
        "description",
    ]
    readonly_fields = ["service_name", "type_name"]

    @admin.display(description=_("service"), ordering="service")
    def service_name(self, incident):
        return service_name(incident.service)

    @admin.display(description=_("type"), ordering="type")
    def type_name(self, incident):
        types = ALL[incident.service].types if incident.service in ALL else {}
        return types.get(incident.type, incident.type)
