import signal
import sys

from django.core.management.base import BaseCommand

from apps.video.recorder import RecorderProcess

# A camera's thread works for a fraction of a millisecond and then waits for its camera again, so nobody need be
# interrupted; a hundred threads that look every 5 ms whether they should cost more than the recording itself.
SWITCH_SECONDS = 0.1


class Command(BaseCommand):
    help = "Record this process's share of the cameras until told to stop."
    requires_system_checks = ()

    def add_arguments(self, parser):
        parser.add_argument("--capacity", type=int, help="cameras this process may hold")

    def handle(self, *args, capacity=None, **options):
        sys.setswitchinterval(SWITCH_SECONDS)
        recorder = RecorderProcess(capacity=capacity)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: recorder.stop())
        recorder.run()
