from django.contrib import admin

from apps.audit.admin import ReadonlyMixin
from apps.video.models import SigningKey


@admin.register(SigningKey)
class SigningKeyAdmin(ReadonlyMixin, admin.ModelAdmin):
    """The keys there were. A new one is made where the private key lies: `manage.py rotate_signing_key`."""

    list_display = ["id", "since", "until", "compromised_at", "public"]
