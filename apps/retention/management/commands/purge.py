from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from apps.retention import purging


class Command(BaseCommand):
    help = "Remove recordings that are older than their camera keeps them."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="only say what would go")

    def handle(self, *args, dry_run=False, **options):
        now = timezone.now()
        if dry_run:
            self._tell(purging.due(now))
            return
        result = purging.purge(now)
        self.stdout.write(f"{result.segments} segments removed, {result.bytes} bytes")
        if result.failed:
            raise CommandError(f"{result.failed} segments could not be removed; the log says why")

    def _tell(self, due: list[dict]) -> None:
        for row in due:
            self.stdout.write(
                f"{row['number']}: {row['segments']} segments, {row['size']} bytes, "
                f"the oldest of {row['oldest']:%Y-%m-%d %H:%M:%S} UTC (keeps {row['retention_days']} days)"
            )
        segments, size = sum(row["segments"] for row in due), sum(row["size"] for row in due)
        self.stdout.write(f"{segments} segments, {size} bytes would be removed; nothing was")
