from celery import shared_task
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.agencies.signatures import forget_old_nonces


@shared_task
def tidy_sign_ins():
    forget_old_nonces()
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
