import signal

from django.core.management.base import BaseCommand

from apps.video.analyst import AnalystProcess


class Command(BaseCommand):
    help = "Look at what the recorders of this host record: frozen, black, covered and moved pictures, and movement."
    requires_system_checks = ()

    def handle(self, *args, **options):
        analyst = AnalystProcess()
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: analyst.stop())
        analyst.run()
