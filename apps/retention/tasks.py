from celery import shared_task
from django.utils import timezone

from apps.retention import actions, holding, low_disk, purging, reconciling
from apps.video import tiering
from apps.video.locks import only_one

# Reading held copies through shares the disk with the recorder.
CHECK_SECONDS = 30
# Once a minute: a quarter of the time, and a worker is kept for half of it.
LOOK_SECONDS, LOOK_SHARE = 30, 0.5


class Incomplete(Exception):
    """Something that must vanish is still there. Surfaces as a failed task; the next run tries again."""


@shared_task
def purge() -> None:
    with only_one(purging.PURGE_LOCK) as is_ours:
        # One that takes longer than the hour is not waited for: the workers are few, and calls need them.
        result = purging.purge(timezone.now()) if is_ours else purging.Purged()
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


@shared_task(expires=60)
def watch_disk() -> None:
    """Tell the centre how full the disk is, and make room when it must be."""
    now = timezone.now()
    low_disk.watch(now)
    result = low_disk.make_room(now)
    if result.failed:
        raise Incomplete(f"{result.failed} recordings could not be removed from a full disk")


@shared_task(expires=300)
def tier(everything: bool = False) -> None:
    result = tiering.tier(timezone.now(), everything=everything)
    if result.failed:
        raise Incomplete(f"{result.failed} recordings could not be moved to the object store")


@shared_task(expires=60)
def reconcile() -> None:
    """A while of this day's look; a person mends."""
    reconciling.daily(seconds=LOOK_SECONDS, share=LOOK_SHARE)
