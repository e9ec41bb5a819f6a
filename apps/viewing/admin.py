from django.contrib import admin

from apps.audit.admin import PeopleOnRecordMixin, ReadonlyMixin
from apps.viewing.models import Bookmark, ProvidedCopy, ViewLog


@admin.register(ViewLog)
class ViewLogAdmin(PeopleOnRecordMixin, ReadonlyMixin, admin.ModelAdmin):
    list_display = [
        "opened_at",
        "closed_at",
        "door",
        "camera",
        "period_from",
        "period_until",
        "pictures",
        "user",
        "key",
        "incident_number",
        "reason",
        "address",
    ]
    list_filter = ["door"]
    list_select_related = ["camera", "user", "key__agency"]
    search_fields = ["incident_number", "camera__number", "user__username", "reason"]
    date_hierarchy = "opened_at"
    show_full_result_count = False


@admin.register(Bookmark)
class BookmarkAdmin(PeopleOnRecordMixin, ReadonlyMixin, admin.ModelAdmin):
    list_display = ["at", "camera", "incident", "note", "by", "created_at"]
    list_select_related = ["camera", "incident", "by"]
    search_fields = ["note", "camera__number", "incident__number", "by__username"]
    date_hierarchy = "at"
    show_full_result_count = False


@admin.register(ProvidedCopy)
class ProvidedCopyAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["clip", "agency", "provision", "ledger_number", "created_at", "destroy_by", "destroyed_at"]
    list_filter = ["agency"]
    list_select_related = ["clip", "agency", "provision"]
    search_fields = ["provision__number"]
