from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from apps.video import verifying


class Command(BaseCommand):
    help = "Say whether a file is a clip of this centre, and whether it is untouched."

    def add_arguments(self, parser):
        parser.add_argument("file", type=Path)

    def handle(self, *args, file: Path, **options):
        try:
            finding = verifying.verify(file)
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
        self.stdout.write(finding.verdict)
        for name, value in finding.public().items():
            if name != "verdict" and not isinstance(value, list):
                self.stdout.write(f"{name}: {value}")
        if finding.verdict != verifying.UNTOUCHED:
            raise CommandError("the centre does not vouch for this file", returncode=2)
