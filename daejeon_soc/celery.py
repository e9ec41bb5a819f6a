import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "daejeon_soc.settings")

app = Celery("daejeon_soc")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
