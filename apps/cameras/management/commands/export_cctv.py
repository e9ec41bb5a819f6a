from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from apps.cameras.registry import export_cctv

ENCODINGS = {"utf-8": "utf-8-sig", "cp949": "cp949", "euc-kr": "euc-kr"}


class Command(BaseCommand):
    help = "Write the registry as a CCTV list in the national standard form."

    def add_arguments(self, parser):
        parser.add_argument("file")
        parser.add_argument("--encoding", choices=ENCODINGS, default="utf-8")
        parser.add_argument("--columns", type=int, choices=[13, 18], default=18)

    def handle(self, *, file, encoding, columns, **options):
        try:
            written = export_cctv(file, encoding=ENCODINGS[encoding], columns=columns)
        except UnicodeEncodeError as failure:
            lost = failure.object[failure.start : failure.end]
            raise CommandError(_("%(encoding)s has no “%(lost)s”: export as utf-8")
                               % {"encoding": encoding, "lost": lost}) from failure  # fmt: skip
        except OSError as failure:
            raise CommandError(f"{failure.filename}: {failure.strerror}") from failure
        self.stdout.write(_("%(sites)d sites written to %(file)s") % {"sites": written, "file": file})
