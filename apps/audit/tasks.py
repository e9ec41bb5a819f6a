from celery import shared_task

from apps.audit import actions, checkpoints, refusals, siem


@shared_task
def seal_newest():
    while actions.seal_newest():
        pass


@shared_task
def seal_stragglers():
    while actions.seal():
        pass


@shared_task
def mark_checkpoint():
    checkpoints.mark()


@shared_task(autoretry_for=(OSError,), retry_backoff=True, max_retries=3)
def forward_to_siem():
    while siem.forward():
        pass


@shared_task
def record_repeats():
    refusals.record_repeats()
