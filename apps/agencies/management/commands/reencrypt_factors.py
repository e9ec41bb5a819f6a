from django.core.management.base import BaseCommand

from apps.agencies.second_factor import encrypt_anew


class Command(BaseCommand):
    help = "Lock passwords, and what authenticator apps share with us, by today's SECRET_KEY. See docs/keys.md."

    def handle(self, *args, **options):
        self.stdout.write(f"encrypted anew: {encrypt_anew()}")
