from django.apps import AppConfig


class LinkedServicesConfig(AppConfig):
    name = "apps.linked_services"
