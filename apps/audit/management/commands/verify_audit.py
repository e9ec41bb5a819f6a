from django.core.management.base import BaseCommand, CommandError

from apps.audit import actions
from apps.audit.models import Entry, Link


class Command(BaseCommand):
    help = "Check the chain over the audit; name the first broken row."

    def handle(self, **options):
        for problem in actions.breaks():
            raise CommandError(problem)
        waiting = Entry.objects.filter(link=None).count()
        self.stdout.write(f"ok: {Link.objects.count()} entries in the chain, {waiting} waiting to be sealed")
