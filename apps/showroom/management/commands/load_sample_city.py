import os

from django.core.management.base import BaseCommand

from apps.showroom import sample_city


class Command(BaseCommand):
    help = "Lay out the demonstration city; write its sign-ins and keys to var/demo.json. Safe to repeat."

    def handle(self, **options):
        host = os.environ.get("VIRTUAL_RTSP_HOST", "127.0.0.1")
        port = os.environ.get("VIRTUAL_RTSP_PORT", "18554")
        count = int(os.environ.get("VIRTUAL_CAMERAS", "8"))
        sample_city.load([f"rtsp://{host}:{port}/cam/{n}" for n in range(1, count + 1)])
        sample_city.write_sign_ins(sample_city.DEMO_FILE)
