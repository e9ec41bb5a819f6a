from celery import shared_task

from apps.mous import reminders


@shared_task
def remind_of_endings() -> None:
    reminders.remind_of_endings()


@shared_task
def chase() -> None:
    reminders.chase()
