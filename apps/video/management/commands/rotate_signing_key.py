from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps.video import signing
from apps.video.models import SigningKey


class Command(BaseCommand):
    help = "Sign clips with a new key from now on; the old one's public half stays published. See docs/keys.md."

    def add_arguments(self, parser):
        parser.add_argument(
            "--disown", metavar="KEY", help="strangers may know this key: its signature alone counts no more"
        )
        parser.add_argument("--since", metavar="TIME", help="from when on strangers may have known it (ISO 8601)")

    def handle(self, *args, disown, since, **options):
        if disown:
            key = SigningKey.objects.filter(pk=disown).first()
            moment = parse_datetime(since) if since else timezone.now()
            if key is None or moment is None or timezone.is_naive(moment):
                raise CommandError("--disown names a key of /verify/keys.json, --since a time with its zone")
            is_old = key.until is not None
            signing.disown(key, moment)
            self.stdout.write(f"disowned: {key.pk}")
            if is_old:
                return
        self.stdout.write(f"in use: {signing.rotate().pk}")
