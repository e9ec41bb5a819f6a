from django.apps import AppConfig


class AgenciesConfig(AppConfig):
    name = "apps.agencies"

    def ready(self):
        from apps.agencies import schema  # noqa: F401  (tells the API's description about agency keys)
