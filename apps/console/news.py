from apps.incidents.models import Event


def latest_seq() -> int:
    """Where the event stream stands: what a page drawn now has already seen."""
    return Event.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
