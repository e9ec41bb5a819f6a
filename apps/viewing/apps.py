from django.apps import AppConfig


class ViewingConfig(AppConfig):
    name = "apps.viewing"
