from celery import shared_task

from apps.viewing import checks


@shared_task
def check_complete_months():
    """Every day, so that a month whose first day was missed is looked through all the same."""
    checks.make_missing()
