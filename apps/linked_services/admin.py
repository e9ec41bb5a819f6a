from django.contrib import admin, messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.translation import gettext_lazy as _
from leaflet.admin import LeafletAdminWidget, LeafletGeoAdminMixin

from apps.agencies.admin import AuditedMixin
from apps.agencies.models import Agency
from apps.agencies.proof import ask_again
from apps.agencies.refusals import noted
from apps.audit.admin import NoDeletionMixin, ReadonlyMixin, filter_in_words
from apps.cameras.models import District, Purpose
from apps.incidents.models import Incident
from apps.linked_services.forms import MouForm, PaperForm
from apps.linked_services.services import ALL
from apps.mous import agreements
from apps.mous.actions import NotAllowed
from apps.mous.models import Agreement, Consent, Integration, MediaKind, Mou
from apps.mous.scans import content_type

# What a signed agreement shows in place of codes.
IN_WORDS = {
    "services": "service_names",
    "incident_types": "type_names",
    "kinds": "kind_names",
    "districts": "district_names",
    "purposes": "purpose_names",
    "excluded_purposes": "excluded_purpose_names",
    "only_owners": "owner_names",
    "scan": "scan_link",
}
STEP_LABELS = {
    "review": _("Reviewed: ready to be signed"),
    "send_back": _("Send back to be written anew"),
    "consent": _("Sign"),
    "suspend": _("Suspend"),
    "resume": _("Put in force again"),
    "revoke": _("Revoke"),
    "amend": _("Write a new version"),
}
# Who takes these shows first who they are. Not so for suspending: it closes what stands open, and may not wait.
ASKED_AGAIN = ("consent", "resume", "revoke")


def service_name(code: str) -> str:
    return str(ALL[code].name) if code in ALL else code


def in_words(codes: list[str], names: dict) -> str:
    return ", ".join(str(names.get(code, code)) for code in codes)


class ConsentInline(ReadonlyMixin, admin.TabularInline):
    model = Consent
    fields = ["party", "person", "agrees", "reason", "given_at"]
    extra = 0


class AgreementAdmin(AuditedMixin, NoDeletionMixin, admin.ModelAdmin):
    """Agreements: written by one person, reviewed by another, signed by one of each party, ended at once."""

    change_form_template = "admin/agreement_change_form.html"
    inlines = [ConsentInline]
    people = ["version", "state", "drafted_by", "reviewed_by", "signed_by", "countersigned_by", "signed_at"]

    def has_change_permission(self, request, obj=None):
        """What left the draft is not edited: it is sent back, suspended, revoked, or followed by a new version."""
        return super().has_change_permission(request, obj) and (obj is None or obj.state == Agreement.State.DRAFT)

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change, **kwargs)
        form.uploader = request.user
        return form

    def save_model(self, request, obj, form, change):
        if not change:
            obj.drafted_by = request.user
        super().save_model(request, obj, form, change)

    @property
    def step_name(self) -> str:
        return f"{self.opts.model_name}_step"

    def get_urls(self):
        name, wrap = self.opts.model_name, self.admin_site.admin_view
        return [
            path("<int:agreement_id>/step/<slug:verb>/", wrap(self.step), name=self.step_name),
            path("<int:agreement_id>/scan/", wrap(self.scan), name=f"{name}_scan"),
            *super().get_urls(),
        ]

    def steps_for(self, person, agreement) -> list[str]:
        """The steps that this person may take now. Who wrote it neither reviews nor signs."""
        verbs = [
            verb
            for verb, (sources, _after, permission) in agreements.TRANSITIONS.items()
            if agreement.state in sources and person.has_perm(permission)
        ]
        if agreement.drafted_by_id == person.pk:
            verbs = [verb for verb in verbs if verb != "review"]
        elif agreement.state == Agreement.State.REVIEWED and person.has_perm("mous.sign_mou"):
            verbs.append("consent")
        if agreement.signed_at and person.has_perm(f"mous.add_{self.opts.model_name}"):
            verbs.append("amend")
        return verbs

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        verbs = self.steps_for(request.user, obj) if obj else []
        context["steps"] = [
            {
                "label": STEP_LABELS[verb],
                "url": reverse(f"admin:{self.step_name}", args=[obj.pk, verb]),
                "is_final": verb == "revoke",
            }
            for verb in verbs
        ]
        context["in_plain_words"] = reverse("agreement", args=[obj.pk]) if isinstance(obj, Mou) else ""
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def step(self, request, agreement_id, verb):
        agreement = self.get_object(request, str(agreement_id))
        if agreement is None or verb not in STEP_LABELS or request.method != "POST":
            raise Http404
        if verb in ASKED_AGAIN and (page := ask_again(request)):
            return page
        try:
            agreement = take_step(agreement, verb, by=request.user)
        except NotAllowed as refusal:
            messages.error(request, noted(request, refusal))
        else:
            words = {"verb": STEP_LABELS[verb], "agreement": agreement}
            messages.success(request, _("Done: %(verb)s – %(agreement)s") % words)
        name = f"admin:{self.opts.app_label}_{self.opts.model_name}_change"
        return HttpResponseRedirect(reverse(name, args=[agreement.pk]))

    def scan(self, request, agreement_id):
        """The paper itself, for those who may read the agreement here."""
        agreement = self.get_object(request, str(agreement_id))
        if agreement is None or not agreement.scan or not self.has_view_permission(request, agreement):
            raise Http404
        return scan_response(agreement)

    @admin.display(description=_("scanned paper"))
    def scan_link(self, agreement):
        if not agreement.scan:
            return "–"
        address = reverse(f"admin:{self.opts.model_name}_scan", args=[agreement.pk])
        return format_html('<a href="{}">{}</a>', address, _("Download"))


def scan_response(agreement: Agreement) -> HttpResponse:
    """The scanned paper as a download."""
    suffix = agreement.scan.name.rpartition(".")[2]
    with agreement.scan.open("rb") as file:
        answer = HttpResponse(file.read(), content_type=content_type(agreement.scan.name))
    answer["Content-Disposition"] = content_disposition_header(True, f"{agreement.document_number}.{suffix}")
    answer["Cache-Control"] = "no-store, private"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def take_step(agreement: Agreement, verb: str, *, by) -> Agreement:
    if verb == "consent":
        return agreements.consent(agreement, by=by)
    return agreements.amend(agreement, by=by) if verb == "amend" else agreements.advance(agreement, verb, by=by)


class DrawingWidget(LeafletAdminWidget):
    """The map with its buttons in the page's language (agreement_change_form.html says that there are such)."""

    def get_context(self, name, value, attrs):
        return {**super().get_context(name, value, attrs), "with_forms": True}


@admin.register(Mou)
class MouAdmin(LeafletGeoAdminMixin, AgreementAdmin):
    form = MouForm
    widget = DrawingWidget
    list_display = ["__str__", "agency", "service_names", "state", "starts_at", "ends_at", "signed_by"]
    list_filter = ["state", "agency"]
    list_select_related = ["agency", "signed_by"]
    search_fields = ["document_number", "agency__name_ko", "agency__name_en"]
    readonly_fields = [*AgreementAdmin.people, *IN_WORDS.values()]

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        """The centre makes no agreement with itself."""
        if db_field.name == "agency":
            kwargs["queryset"] = Agency.objects.exclude(kind=Agency.Kind.CENTRE)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fields(self, request, obj=None):
        fields = [*MouForm.Meta.fields, *self.people]
        if self.has_change_permission(request, obj):
            return fields
        return [IN_WORDS.get(field, field) for field in fields if field != "drawn"]

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

    @admin.display(description=_("districts"))
    def district_names(self, mou):
        names = ", ".join(str(district) for district in District.objects.filter(code__in=mou.districts))
        return names or (_("As drawn") if mou.area else _("The whole city"))

    @admin.display(description=_("camera purposes"))
    def purpose_names(self, mou):
        return in_words(mou.purposes, dict(Purpose.choices)) or _("All")

    @admin.display(description=_("camera purposes left out"))
    def excluded_purpose_names(self, mou):
        return in_words(mou.excluded_purposes, dict(Purpose.choices)) or "–"

    @admin.display(description=_("owners taken in"))
    def owner_names(self, mou):
        return ", ".join(str(owner) for owner in Agency.objects.filter(pk__in=mou.only_owners)) or _("All")


@admin.register(Integration)
class IntegrationAdmin(AgreementAdmin):
    """Owners join the centre."""

    form = PaperForm
    list_display = ["__str__", "owner", "state", "starts_at", "ends_at", "signed_by", "countersigned_by"]
    list_filter = ["state"]
    list_select_related = ["owner", "signed_by", "countersigned_by"]
    search_fields = ["document_number", "owner__name_ko", "owner__name_en"]
    readonly_fields = [*AgreementAdmin.people, "scan_link"]

    def get_fields(self, request, obj=None):
        scan = "scan" if self.has_change_permission(request, obj) else "scan_link"
        return ["owner", "document_number", "purpose", "terms", "starts_at", "ends_at", scan, *self.people]


@admin.register(Incident)
class IncidentAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["number", "service_name", "type_name", "grade", "state", "received_at", "agency", "is_exercise"]
    list_filter = [("service", filter_in_words(service_name)), "state", "is_exercise", "agency"]
    list_select_related = ["agency"]
    search_fields = ["number", "source_id", "place"]
    date_hierarchy = "received_at"
    fields = [
        *list_display,
        "source_id",
        "occurred_at",
        "closed_at",
        "place",
        "position",
        "description",
    ]
    readonly_fields = ["service_name", "type_name", "position"]

    @admin.display(description=_("Position"))
    def position(self, incident):
        return f"{incident.location.y:.5f}, {incident.location.x:.5f}"

    @admin.display(description=_("service"), ordering="service")
    def service_name(self, incident):
        return service_name(incident.service)

    @admin.display(description=_("type"), ordering="type")
    def type_name(self, incident):
        types = ALL[incident.service].types if incident.service in ALL else {}
        return types.get(incident.type, incident.type)
