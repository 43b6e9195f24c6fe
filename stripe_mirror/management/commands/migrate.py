"""Django's `migrate`, with an autodetector that knows derived columns."""

from django.core.management.commands import migrate

from stripe_mirror.management.autodetector import Autodetector


class Command(migrate.Command):
    """As Django's."""

    autodetector = Autodetector
