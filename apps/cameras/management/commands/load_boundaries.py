from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.cameras.boundaries import NoBoundaries, load_boundaries


class Command(BaseCommand):
    help = "Load the districts and legal dongs of the city (CITY_REGION_CODE) from the boundary package."

    def handle(self, **options):
        try:
            districts, dongs = load_boundaries()
        except NoBoundaries as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stdout.write(_("%(districts)d districts, %(dongs)d dongs") % {"districts": districts, "dongs": dongs})
