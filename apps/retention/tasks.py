from celery import shared_task
from django.utils import timezone

from apps.retention import actions, holding, purging

# Reading held copies through shares the disk with the recorder.
CHECK_SECONDS = 30


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


@shared_task
def keep_holds() -> None:
    """Give every hold what it wants, check what it took, remind of reviews, and end what is over."""
    now = timezone.now()
    holding.end_those_over(now)
    left = holding.destroy_ended()
    failed = holding.take_unfinished()
    holding.remind(now)
    holding.check(seconds=CHECK_SECONDS)
    if left or failed:
        raise Incomplete(f"{left} ended holds still have copies; {len(failed)} cameras could not be copied")
