from datetime import UTC, datetime

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from apps.audit.models import Link
from apps.audit.siem import cef


class Command(BaseCommand):
    help = "Print sealed audit entries as CEF, one a line, oldest first."

    def add_arguments(self, parser):
        parser.add_argument("--since", default="1970-01-01T00:00:00Z", help="date and time, ISO 8601")

    def handle(self, since, **options):
        links = Link.objects.order_by("position").filter(entry__at__gte=moment(since)).select_related("entry")
        for link in links.iterator(2_000):
            self.stdout.write(cef(link.entry, link.position))


def moment(text: str) -> datetime:
    try:
        at = parse_datetime(text)
    except ValueError:
        at = None
    if at is None:
        raise CommandError(f"--since: {text} is not a date and time (ISO 8601)")
    return at if at.tzinfo else at.replace(tzinfo=UTC)
