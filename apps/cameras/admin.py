from django.contrib import admin
from django.contrib.gis.db.models import PointField
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from apps.agencies.admin import AuditedMixin
from apps.audit.admin import NoDeletionMixin
from apps.cameras.forms import PositionField
from apps.cameras.models import Camera, District, Dong, Site


class Located:
    """A position is typed as longitude and latitude: map widgets need inline scripts, which our pages refuse."""

    def formfield_for_dbfield(self, db_field, request, **kwargs):
        if isinstance(db_field, PointField):
            return PositionField(label=db_field.verbose_name, help_text=_("Longitude and latitude, WGS84."))
        return super().formfield_for_dbfield(db_field, request, **kwargs)


class CameraInline(admin.TabularInline):
    model = Camera
    fields = ["number", "purpose", "kind", "bearing_deg", "fov_deg", "range_m", "status", "is_enabled"]
    readonly_fields = fields
    show_change_link = True
    can_delete = False
    extra = 0

    def has_add_permission(self, request, obj=None):
        return False

    def get_queryset(self, request):
        return super().get_queryset(request).shared()


@admin.register(Site)
class SiteAdmin(AuditedMixin, NoDeletionMixin, Located, admin.ModelAdmin):
    list_display = ["management_no", "owner", "purpose", "road_address", "lot_address", "district", "dong"]
    list_filter = ["purpose", "district", "owner"]
    list_select_related = ["owner", "district", "dong"]
    search_fields = ["management_no", "road_address", "lot_address", "direction_text"]
    autocomplete_fields = ["district", "dong"]
    readonly_fields = ["region_code", "as_of"]
    show_full_result_count = False
    inlines = [CameraInline]


@admin.register(Camera)
class CameraAdmin(AuditedMixin, NoDeletionMixin, Located, admin.ModelAdmin):
    list_display = ["number", "site", "owner", "purpose", "kind", "status", "status_at", "is_virtual", "is_enabled"]
    list_filter = ["status", "purpose", "kind", "is_virtual", "is_enabled", "owner"]
    list_select_related = ["site", "owner"]
    search_fields = ["number", "site__management_no", "site__road_address", "site__lot_address"]
    autocomplete_fields = ["site"]
    readonly_fields = ["status", "status_words", "status_at"]
    show_full_result_count = False

    @admin.display(description=_("reason of the status"))
    def status_words(self, camera):
        return gettext(camera.status_reason) if camera.status_reason else "–"

    def get_queryset(self, request):
        """What an owner keeps back is not in the centre's list either."""
        return super().get_queryset(request).shared()


class AreaAdmin(AuditedMixin, NoDeletionMixin, admin.ModelAdmin):
    """Boundaries come from the register of boundaries (`load_boundaries`); here one looks, and corrects names."""

    list_display = ["code", "name_ko", "name_en"]
    search_fields = ["code", "name_ko", "name_en"]
    readonly_fields = ["code"]
    exclude = ["shape"]

    def has_add_permission(self, request):
        return False

    def get_queryset(self, request):
        # Outlines weigh kilobytes each, and nobody edits them here.
        return super().get_queryset(request).defer("shape")


@admin.register(District)
class DistrictAdmin(AreaAdmin):
    pass


@admin.register(Dong)
class DongAdmin(AreaAdmin):
    list_display = [*AreaAdmin.list_display, "district"]
    list_filter = ["district"]
    list_select_related = ["district"]

    def get_queryset(self, request):
        return super().get_queryset(request).defer("district__shape")
