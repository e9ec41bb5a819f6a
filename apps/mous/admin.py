from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.utils.translation import gettext_lazy as _

from apps.agencies.groups import groups_in_words
from apps.agencies.proof import ask_again
from apps.agencies.refusals import noted
from apps.agencies.services import NAMES
from apps.audit.admin import PeopleOnRecordMixin, ReadonlyMixin, filter_in_words, in_words
from apps.cameras.admin import CameraAdmin
from apps.cameras.models import Camera
from apps.mous import actions, standing
from apps.mous.gate import REASONS
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
SERVICE = in_words("service", NAMES, _("service"))
KINDS = in_words("kinds", dict(MediaKind.choices), _("media kinds"))


class KindsInWords(ReadonlyMixin):
    """Kinds of media are kept as codes."""

    def get_fields(self, request, obj=None):
        words = {"kinds": KINDS, "service": SERVICE}
        return [words.get(field, field) for field in super().get_fields(request, obj)]

    def get_readonly_fields(self, request, obj=None):
        return [KINDS, SERVICE]


@admin.register(Provision)
class ProvisionAdmin(KindsInWords, admin.ModelAdmin):
    list_display = [
        "number",
        "way",
        "agency",
        SERVICE,
        "incident",
        "legal_ground",
        "starts_at",
        "ends_at",
        "revoked_at",
    ]
    list_filter = ["way", ("service", filter_in_words(lambda code: NAMES.get(code, code))), "agency", "legal_ground"]
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
                messages.error(request, f"{provision}: {noted(request, refusal)}")
            else:
                messages.success(request, _("%(provision)s is revoked.") % {"provision": provision})


@admin.register(ProvisionRequest)
class ProvisionRequestAdmin(KindsInWords, admin.ModelAdmin):
    list_display = ["document_number", "agency", KINDS, "asked_by", "asked_at", "due_at", "state", "decided_by"]
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
    list_display = ["provision", "outcome", "text", "by", "key", "at"]
    list_filter = ["outcome"]
    list_select_related = ["provision", "by", "key__agency"]


def refusal_words(code: str) -> str:
    return REASONS[code]() if code in REASONS else code


@admin.register(LedgerEntry)
class LedgerEntryAdmin(PeopleOnRecordMixin, ReadonlyMixin, admin.ModelAdmin):
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
        "refusal",
    ]
    fields = [*list_display, "cameras", "provision", "agency"]
    readonly_fields = ["form_words", "ground_words", "manner_words", "refusal"]
    list_filter = ["kind", "agency", ("code", filter_in_words(refusal_words))]
    search_fields = ["incident_number", "third_party", "officer"]
    date_hierarchy = "at"
    show_full_result_count = False

    @admin.display(description=_("form"), ordering="form")
    def form_words(self, line):
        kinds = dict(MediaKind.choices)
        return ", ".join(str(kinds.get(kind, kind)) for kind in line.form.split(", "))

    @admin.display(description=_("refusal"), ordering="code")
    def refusal(self, line):
        return refusal_words(line.code) or "–"

    @admin.display(description=_("ground"), ordering="ground")
    def ground_words(self, line):
        return dict(LegalGround.choices).get(line.ground, line.ground)

    @admin.display(description=_("form of use or provision"), ordering="manner")
    def manner_words(self, line):
        return MANNERS.get(line.manner, line.manner)


class WatchingForm(ActionForm):
    group = forms.ModelChoiceField(standing.shift_groups(), label=_("Group"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        words = groups_in_words()
        self.fields["group"].label_from_instance = lambda group: words.get(group.name, group.name)


admin.site.unregister(Camera)


@admin.register(Camera)
class WatchedCameraAdmin(CameraAdmin):
    """Cameras, and which groups watch them: chosen here by filter, thousands at once."""

    action_form = WatchingForm
    actions = ["let_watch", "no_longer_watch"]

    def has_give_permission(self, request):
        return request.user.has_perm("mous.give_watching")

    @admin.action(description=_("Let the group watch the selected cameras"), permissions=["give"])
    def let_watch(self, request, queryset):
        if page := ask_again(request):
            return page
        self.change_watching(request, queryset, standing.let_watch, _("%(n)s cameras are new to %(group)s."))

    @admin.action(description=_("Take the selected cameras from the group"), permissions=["give"])
    def no_longer_watch(self, request, queryset):
        self.change_watching(request, queryset, standing.no_longer_watch, _("%(n)s cameras were taken from %(group)s."))

    @staticmethod
    def change_watching(request, cameras, change, words):
        number = request.POST.get("group", "")
        group = standing.shift_groups().filter(pk=number).first() if number.isdecimal() else None
        if group is None:
            messages.error(request, _("Choose a group."))
            return
        try:
            changed = change(group, cameras.order_by(), by=request.user)
        except actions.NotAllowed as refusal:
            messages.error(request, noted(request, refusal))
        else:
            messages.success(request, words % {"n": changed, "group": group})
