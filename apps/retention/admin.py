from django.contrib import admin, messages
from django.contrib.admin.widgets import AdminSplitDateTime
from django.http import Http404, HttpResponseRedirect
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from apps.agencies.refusals import noted
from apps.audit.admin import NoDeletionMixin, ReadonlyMixin
from apps.mous.actions import NotAllowed
from apps.retention import actions
from apps.retention.forms import HoldForm, ReleaseForm, ReviewForm
from apps.retention.low_disk import kept_days
from apps.retention.models import Certificate, DiskWatch, EarlyPurge, Hold

# step: (what the button says, its form, the right it needs)
STEPS = {
    "review": (_("Reviewed: still needed"), ReviewForm, "retention.extend_hold"),
    "release": (_("Release: destroy the copies"), ReleaseForm, "retention.release_hold"),
}


@admin.register(Hold)
class HoldAdmin(NoDeletionMixin, admin.ModelAdmin):
    """Holds: placed here or in the console, never edited; reviewed, extended and released with a reason."""

    form = HoldForm
    change_form_template = "admin/hold_change_form.html"
    list_display = ["hold_number", "state_name", "period_from", "period_until", "agency", "owner", "ends_at", "review"]
    list_filter = [("ended_at", admin.EmptyFieldListFilter), "legal_ground", "agency"]
    list_select_related = ["agency"]
    search_fields = ["document_number", "incident_number", "reason", "owner", "cameras__number"]
    date_hierarchy = "created_at"
    autocomplete_fields = ["cameras"]
    ended = ["taken_at", "ended_at", "released_by", "release_reason", "destroyed_at"]

    def get_fields(self, request, obj=None):
        fields = list(HoldForm.Meta.fields)
        return [*fields, "created_by", "created_at", *self.ended] if obj else fields

    def has_add_permission(self, request):
        return request.user.has_perm("retention.place_hold")

    def has_change_permission(self, request, obj=None):
        """What is placed is on record as it is; the steps below change it."""
        return False

    @admin.display(description=_("number"), ordering="pk")
    def hold_number(self, hold):
        return hold.number

    @admin.display(description=_("state"))
    def state_name(self, hold):
        return hold.state_name

    @admin.display(description=_("to be reviewed by"), ordering="review_at")
    def review(self, hold):
        is_due = hold.ended_at is None and hold.review_at <= timezone.now()
        day = f"{timezone.localtime(hold.review_at):%Y-%m-%d}"
        return format_html("<strong>{} {}</strong>", day, _("due")) if is_due else day

    def save_model(self, request, obj, form, change):
        obj.created_by = request.user
        super().save_model(request, obj, form, change)

    def save_related(self, request, form, formsets, change):
        super().save_related(request, form, formsets, change)
        actions.begin_hold(form.instance, by=request.user)

    def get_urls(self):
        step = path("<int:hold_id>/step/<slug:verb>/", self.admin_site.admin_view(self.step), name="hold_step")
        return [step, *super().get_urls()]

    def render_change_form(self, request, context, *args, obj=None, **kwargs):
        if obj:
            context["held"] = obj.kept_by_camera()
            context["certificates"] = obj.certificates.select_related("camera")
            context["steps"] = [
                {
                    "verb": verb,
                    "label": label,
                    "form": _blank(form, obj),
                    "url": reverse("admin:hold_step", args=[obj.pk, verb]),
                }
                for verb, (label, form, right) in STEPS.items()
                if obj.ended_at is None and request.user.has_perm(right)
            ]
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def step(self, request, hold_id, verb):
        hold = self.get_object(request, str(hold_id))
        if hold is None or verb not in STEPS or request.method != "POST":
            raise Http404
        form = STEPS[verb][1](request.POST)
        take = {"review": actions.review_hold, "release": actions.release_hold}[verb]
        if not form.is_valid():
            messages.error(request, " ".join(error for errors in form.errors.values() for error in errors))
        else:
            try:
                take(hold, **form.cleaned_data, by=request.user)
            except NotAllowed as refusal:
                messages.error(request, noted(request, refusal))
            else:
                messages.success(request, f"{hold}: {STEPS[verb][0]}")
        return HttpResponseRedirect(reverse("admin:retention_hold_change", args=[hold.pk]))


def _blank(form: type, hold: Hold):
    """A step's form with what the hold says now."""
    blank = form(initial={"ends_at": hold.ends_at})
    for field in blank.fields.values():
        if hasattr(field, "fields"):
            field.widget = AdminSplitDateTime()
    return blank


@admin.register(Certificate)
class CertificateAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["number", "destroyed_at", "what", "camera", "period_from", "period_until", "by", "page"]
    list_select_related = ["camera"]
    search_fields = ["what", "camera__number", "sha256"]
    date_hierarchy = "destroyed_at"

    @admin.display(description=_("page"))
    def page(self, certificate):
        return format_html('<a href="{}">{}</a>', reverse("certificate", args=[certificate.pk]), _("Print"))


@admin.register(DiskWatch)
class DiskWatchAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["root", "level", "since", "is_making_room"]


@admin.register(EarlyPurge)
class EarlyPurgeAdmin(ReadonlyMixin, admin.ModelAdmin):
    """Which cameras keep fewer days than they should, since the disk was full."""

    list_display = ["camera", "kept", "until", "at"]
    list_select_related = ["camera"]
    search_fields = ["camera__number"]

    @admin.display(description=_("days kept"))
    def kept(self, gone):
        days = kept_days(gone.camera)
        if days is None:
            return _("all again")
        return _("%(kept)d of %(days)d") % {"kept": days, "days": gone.camera.retention_days}
