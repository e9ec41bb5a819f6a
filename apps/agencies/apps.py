from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgenciesConfig(AppConfig):
    name = "apps.agencies"
    verbose_name = _("Agencies and people")

    def ready(self):
        from apps.agencies import schema  # noqa: F401  (tells the API's description about agency keys)
