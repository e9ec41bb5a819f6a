from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class LinkedServicesConfig(AppConfig):
    name = "apps.linked_services"
    verbose_name = _("Linked services")

    def ready(self):
        from apps.linked_services import schema  # noqa: F401 - the API's description learns of our fields
        from apps.linked_services.camera_alarms import tell
        from apps.video.alarms import changed

        changed.connect(tell, dispatch_uid="camera alarms are news")
