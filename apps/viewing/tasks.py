from celery import shared_task

from apps.viewing import checks, unusual


@shared_task
def check_complete_months():
    """Every day, so that a month whose first day was missed is looked through all the same."""
    checks.make_missing()


@shared_task
def look_for_the_unusual():
    unusual.look()
