from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _

from apps.audit.admin import ReadonlyMixin
from apps.mous import actions
from apps.mous.models import (
    LedgerEntry,
    LegalGround,
    MediaKind,
    Provision,
    ProvisionRequest,
    UrgentReview,
    UseResult,
)

MANNERS = {"stream": _("Video stream"), "file": _("File")}


@admin.register(Provision)
class ProvisionAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = [
        "number",
        "way",
        "agency",
        "service",
        "incident",
        "legal_ground",
        "starts_at",
        "ends_at",
        "revoked_at",
    ]
    list_filter = ["way", "service", "agency", "legal_ground"]
    list_select_related = ["agency", "incident"]
    search_fields = ["number", "incident__number"]
    date_hierarchy = "starts_at"
    actions = ["revoke"]

    def has_revoke_permission(self, request):
        return request.user.has_perm("mous.revoke_provision")

    @admin.action(description=_("Revoke the selected provisions at once"), permissions=["revoke"])
    def revoke(self, request, queryset):
        for provision in queryset.select_related("incident"):
            try:
                actions.revoke(provision, by=request.user, reason=str(_("Revoked in the administration")))
            except actions.NotAllowed as refusal:
                messages.error(request, f"{provision}: {refusal}")
            else:
                messages.success(request, _("%(provision)s is revoked.") % {"provision": provision})


@admin.register(ProvisionRequest)
class ProvisionRequestAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["document_number", "agency", "asked_by", "asked_at", "due_at", "state", "decided_by"]
    list_filter = ["state", "agency"]
    list_select_related = ["agency", "asked_by", "decided_by"]
    search_fields = ["document_number", "purpose"]


@admin.register(UrgentReview)
class UrgentReviewAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["provision", "due_at", "verdict", "reviewed_by", "reviewed_at", "escalated_at"]
    list_filter = ["verdict"]
    list_select_related = ["provision", "reviewed_by"]


@admin.register(UseResult)
class UseResultAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["provision", "outcome", "text", "by", "at"]
    list_filter = ["outcome"]
    list_select_related = ["provision", "by"]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadonlyMixin, admin.ModelAdmin):
    """The register, in the law's columns."""

    list_display = [
        "number",
        "kind",
        "at",
        "file_name",
        "form_words",
        "officer",
        "purpose",
        "third_party",
        "ground_words",
        "manner_words",
        "period_from",
        "period_until",
        "incident_number",
        "code",
    ]
    fields = [*list_display, "cameras", "provision", "agency"]
    readonly_fields = ["form_words", "ground_words", "manner_words"]
    list_filter = ["kind", "agency", "code"]
    search_fields = ["incident_number", "third_party", "officer"]
    date_hierarchy = "at"
    show_full_result_count = False

    @admin.display(description=_("form"), ordering="form")
    def form_words(self, line):
        kinds = dict(MediaKind.choices)
        return ", ".join(str(kinds.get(kind, kind)) for kind in line.form.split(", "))

    @admin.display(description=_("ground"), ordering="ground")
    def ground_words(self, line):
        return dict(LegalGround.choices).get(line.ground, line.ground)

    @admin.display(description=_("form of use or provision"), ordering="manner")
    def manner_words(self, line):
        return MANNERS.get(line.manner, line.manner)
