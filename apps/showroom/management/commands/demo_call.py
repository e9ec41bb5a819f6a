import time
from urllib.error import URLError

from django.core.management.base import BaseCommand, CommandError

from apps.showroom import demo_call


class Command(BaseCommand):
    help = "Send an exercise call to the running demonstration city."

    def add_arguments(self, parser):
        parser.add_argument("--after", type=float, default=0, metavar="SECONDS")

    def handle(self, *, after, **options):
        time.sleep(after)
        try:
            answer = demo_call.send()
        except (URLError, FileNotFoundError, KeyError) as trouble:
            raise CommandError(f"No city answers: {trouble}. Is `make run` up?") from trouble
        self.stdout.write(f"{answer['number']}: {len(answer['cameras'])} cameras")
