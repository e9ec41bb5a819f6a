"""By when the copies made for a provision are destroyed: five days after its purpose is met, at the latest.

Whatever ends a provision, or takes a camera or the recorded video out of it, settles its copies in the same
transaction. What ends by the clock is settled by the sweep that destroys copies. A last day only ever comes nearer.
"""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from apps.mous.models import Provision

# Personal Information Protection Act, Art. 21: destroyed within five days of the purpose being met.
DESTROY_AFTER = timedelta(days=5)
# A copy made so late, for a report that an extension still allows, is for that: it counts from its making.
LATE = timedelta(days=1)


def last_day(provision: Provision) -> datetime | None:
    """Of a copy that is made now; None while the purpose lasts as long as an incident does."""
    now = timezone.now()
    met_at = provision.purpose_met_at(now)
    return met_at and (now if now > met_at + DESTROY_AFTER - LATE else met_at) + DESTROY_AFTER


def settle(provisions: QuerySet[Provision]) -> None:
    """Bring the last day of their copies forward to what it has become."""
    now = timezone.now()
    days_left = Q(copies__destroy_by=None) | Q(copies__destroy_by__gt=now)
    concerned = provisions.filter(days_left & _may_be_left("copies__")).values("pk")
    found = Provision.objects.filter(pk__in=concerned).select_related("incident", "mou", "agency")
    for provision in found.defer("mou__drawn", "mou__area"):
        if met_at := provision.purpose_met_at(now):
            _bring_forward(provision.copies.all(), met_at)
        taken_out = provision.provided.exclude(removed_at=None)
        for camera, removed_at in taken_out.values_list("camera", "removed_at"):
            _bring_forward(provision.copies.filter(clip__camera=camera), removed_at)


def _may_be_left(prefix: str = "") -> Q:
    """Copies of which a file may be left: the centre's own, or what the agency took."""
    taken = {f"{prefix}taken_at__isnull": False, f"{prefix}confirmed_at": None}
    return Q(**{f"{prefix}destroyed_at": None}) | Q(**taken)


def _bring_forward(copies: QuerySet, met_at: datetime) -> None:
    due = met_at + DESTROY_AFTER
    made_in_time = copies.filter(_may_be_left(), created_at__lte=due - LATE)
    made_in_time.filter(Q(destroy_by=None) | Q(destroy_by__gt=due)).update(destroy_by=due)
