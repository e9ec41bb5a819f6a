from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.agencies.models import Agency
from apps.cameras.registry import ANOTHER_CITY_M, import_cctv
from apps.cameras.standard_list import NotAList


class Command(BaseCommand):
    help = "Import a CCTV list in the national standard form (13, 14 or 18 columns; UTF-8, CP949 or EUC-KR)."

    def add_arguments(self, parser):
        parser.add_argument("file")
        parser.add_argument("--agency", metavar="CODE", help="owner of the rows that name no managing body")
        parser.add_argument("--report", metavar="PATH", help="where the report goes (FILE.rejected.csv)")
        parser.add_argument(
            "--tolerance",
            metavar="METRES",
            type=float,
            default=ANOTHER_CITY_M,
            help="how far outside the city a position may lie (%(default)s)",
        )

    def handle(self, *, file, agency, report, tolerance, **options):
        try:
            done = import_cctv(file, owner=_agency(agency), report=report, tolerance_m=tolerance)
        except NotAList as refusal:
            raise CommandError(str(refusal)) from refusal
        except OSError as failure:
            raise CommandError(f"{failure.filename}: {failure.strerror}") from failure
        self.stdout.write(
            _("sites: %(created)d new, %(updated)d updated, %(unchanged)d unchanged; %(cameras)d new cameras")
            % vars(done)
        )
        counts = {"rejected": done.count("rejected"), "warnings": done.count("warning"), "report": done.report}
        self.stdout.write(_("rejected: %(rejected)d, warnings: %(warnings)d: see %(report)s") % counts)


def _agency(code: str | None) -> Agency | None:
    if not code:
        return None
    agency = Agency.objects.filter(code=code).first()
    if agency is None:
        raise CommandError(_("no agency has the code %s") % code)
    return agency
