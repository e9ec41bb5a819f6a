from celery import shared_task
from django.utils import timezone

from apps.retention import actions, purging


class Incomplete(Exception):
    """Something that must vanish is still there. Surfaces as a failed task; the next run tries again."""


@shared_task
def purge() -> None:
    result = purging.purge(timezone.now())
    if result.failed:
        raise Incomplete(f"{result.failed} segments could not be removed")


@shared_task
def destroy_due_copies() -> None:
    _destroyed, failed = actions.destroy_due_copies()
    if failed:
        raise Incomplete(f"{failed} copies could not be destroyed")
