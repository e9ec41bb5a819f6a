from django.core.management.base import BaseCommand

from apps.agencies.roles import lay_out_roles


class Command(BaseCommand):
    help = "Give the roles of a new centre their rights. Roles that have some already keep them as they are."

    def handle(self, **options):
        lay_out_roles()
