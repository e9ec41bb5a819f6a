from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MousConfig(AppConfig):
    name = "apps.mous"
    verbose_name = _("MOUs and provision")
