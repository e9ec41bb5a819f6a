from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgenciesConfig(AppConfig):
    name = "apps.agencies"
    verbose_name = _("Agencies and people")

    def ready(self):
        # Importing is enough: the API's description learns of agency keys, the audit of sign-ins.
        from apps.agencies import schema, sign_ins  # noqa: F401
