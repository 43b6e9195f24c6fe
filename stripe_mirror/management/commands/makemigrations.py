"""Django's `makemigrations`, with an autodetector that knows derived columns."""

from django.core.management.commands import makemigrations

from stripe_mirror.management.autodetector import Autodetector


class Command(makemigrations.Command):
    """As Django's."""

    autodetector = Autodetector
