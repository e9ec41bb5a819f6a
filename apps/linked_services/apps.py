from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LinkedServicesConfig(AppConfig):
    name = "apps.linked_services"
    verbose_name = _("Linked services")
