import signal

from django.core.management.base import BaseCommand

from apps.video.recorder import RecorderProcess


class Command(BaseCommand):
    help = "Record this process's share of the cameras until told to stop."

    def add_arguments(self, parser):
        parser.add_argument("--capacity", type=int, help="cameras this process may hold")

    def handle(self, *args, capacity=None, **options):
        recorder = RecorderProcess(capacity=capacity)
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: recorder.stop())
        recorder.run()
