from itertools import chain

from django.core.management.base import BaseCommand, CommandError

from apps.audit import actions, checkpoints
from apps.audit.models import Entry, Link


class Command(BaseCommand):
    help = "Check the chain over the audit, and the chain against its checkpoints; name the first broken row."

    def handle(self, **options):
        for problem in chain(actions.breaks(), checkpoints.disagreements()):
            raise CommandError(problem)
        waiting = Entry.objects.filter(link=None).count()
        self.stdout.write(f"ok: {Link.objects.count()} entries in the chain, {waiting} waiting to be sealed")
