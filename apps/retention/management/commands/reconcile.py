from django.core.management.base import BaseCommand, CommandError

from apps.agencies.models import User
from apps.retention import reconciling
from apps.retention.comparing import Survey
from apps.retention.reconciling import TooMuch


class Command(BaseCommand):
    help = "Compare the index of recordings with what is on disk and in the object store; mend it with --fix."

    def add_arguments(self, parser):
        parser.add_argument("--dry-run", action="store_true", help="only say what differs (this is also the default)")
        parser.add_argument("--fix", action="store_true", help="adopt, forget and remove what differs")
        parser.add_argument(
            "--confirm",
            metavar="USERNAME",
            help="the person who answers for it when more than 20%% would go; goes on record with --reason",
        )
        parser.add_argument("--reason", default="", help="why it is right that so much goes")
        parser.add_argument(
            "--go-on", action="store_true", help="with a look of the last day that was broken off, or is over"
        )

    def handle(self, *args, dry_run=False, fix=False, confirm=None, reason="", go_on=False, **options):
        if dry_run and fix:
            raise CommandError("--dry-run or --fix, not both")
        person = self._person(confirm, reason) if confirm else None
        found = reconciling.survey(again=not go_on)
        self._tell(found)
        if not fix:
            return
        try:
            mended = reconciling.mend(found, confirmed_by=person, reason=reason)
        except TooMuch as refusal:
            raise CommandError(
                f"{refusal}: nothing was done. Is the disk mounted, and is this the newest database? "
                "If it is right all the same, say who answers for it: --confirm USERNAME --reason '…'"
            ) from refusal
        for kind, number in sorted(mended.items()):
            self.stdout.write(f"mended: {number} × {kind}")

    def _person(self, username: str, reason: str) -> User:
        if not reason.strip():
            raise CommandError("--confirm needs a --reason")
        try:
            return User.objects.get(username=username, is_active=True)
        except User.DoesNotExist as error:
            raise CommandError(f"there is no active person {username}") from error

    def _tell(self, found: Survey) -> None:
        for kind, number in sorted(found.counts.items()):
            for difference in found.shown[kind]:
                self.stdout.write(difference)
            if number > len(found.shown[kind]):
                self.stdout.write(f"… and {number - len(found.shown[kind])} more")
        self.stdout.write(
            f"{found.rows} rows and {found.files} files looked at, {found.counts.total()} differ; "
            f"mending takes {found.going} away ({found.share:.0%})"
        )
