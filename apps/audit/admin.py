from django.contrib import admin

from apps.audit.models import Entry


class ReadonlyMixin:
    """History is looked at, never touched."""

    def has_add_permission(self, request, obj=None):
        return False

    def has_change_permission(self, request, obj=None):
        return False

    def has_delete_permission(self, request, obj=None):
        return False


@admin.register(Entry)
class EntryAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["at", "actor_name", "verb", "target", "address"]
    list_filter = ["verb"]
    search_fields = ["actor_name", "target", "verb"]
    date_hierarchy = "at"
    show_full_result_count = False
