"""`manage.py setup_roles`: creates the ready groups (Viewer, Support, Billing, Finance, Operator, Live)."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from backoffice.roles import setup_roles


class Command(BaseCommand):
    """May be run again after each release: permissions that were added since are given to the groups."""

    help = "Create the ready groups, or bring them up to date."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                groups = setup_roles()
        except LookupError as missing:
            raise CommandError(str(missing)) from None
        for group in groups:
            self.stdout.write(f"{group.name}: {group.permissions.count()} permissions")
