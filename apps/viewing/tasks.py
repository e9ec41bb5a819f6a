from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from apps.viewing import checks


@shared_task
def check_last_month():
    """Every day, so that a month whose first day was missed is looked through all the same."""
    checks.make(timezone.localdate().replace(day=1) - timedelta(days=1))
