from django.core.management.base import BaseCommand, CommandError

from apps.agencies.models import Agency
from apps.mous.standing import join_centre


class Command(BaseCommand):
    help = "Let the centre's staff watch the cameras of these owners (their integration agreement is signed)."

    def add_arguments(self, parser):
        parser.add_argument("codes", nargs="*", metavar="AGENCY")
        parser.add_argument("--all", action="store_true", help="every agency that owns a camera")

    def handle(self, *, codes, **options):
        owners = Agency.objects.filter(cameras__isnull=False).distinct() if options["all"] else named(codes)
        for owner in owners:
            join_centre(owner, by=None)
            self.stdout.write(f"{owner.code} {owner.name_ko}")


def named(codes: list[str]) -> list[Agency]:
    found = {agency.code: agency for agency in Agency.objects.filter(code__in=codes)}
    if unknown := [code for code in codes if code not in found]:
        raise CommandError(f"No agency has the code {', '.join(unknown)}.")
    return list(found.values())
