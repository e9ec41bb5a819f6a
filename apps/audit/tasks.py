from celery import shared_task

from apps.audit import actions


@shared_task
def seal():
    while actions.seal():
        pass
