"""Django's `migrate`, with an autodetector that knows derived columns; at its end it brings the search's indexes up."""

from typing import Any

from django.core.management.commands import migrate
from django.db import connections

from stripe_mirror.management.autodetector import Autodetector
from stripe_mirror.models.search_build import build


class Command(migrate.Command):
    """As Django's."""

    autodetector = Autodetector

    def handle(self, *args: Any, **options: Any) -> None:
        """Django remakes tables on SQLite without their triggers: whatever was migrated, they are there afterwards."""
        super().handle(*args, **options)
        if not (options["plan"] or options["check_unapplied"] or options["prune"]):
            build(connections[options["database"]])
