from django.contrib import admin

from apps.audit.admin import ReadonlyMixin
from apps.retention.models import Certificate


@admin.register(Certificate)
class CertificateAdmin(ReadonlyMixin, admin.ModelAdmin):
    list_display = ["number", "destroyed_at", "what", "camera", "period_from", "period_until", "by"]
    list_select_related = ["camera"]
    search_fields = ["what", "camera__number", "sha256"]
    date_hierarchy = "destroyed_at"
