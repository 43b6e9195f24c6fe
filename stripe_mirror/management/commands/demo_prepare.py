"""`manage.py demo_prepare`: a migrated database, the demo's logins and a mirror that is up to date; demo mode only."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.conf import conf
from stripe_mirror.management.commands.demo import LOGINS

PASSWORD = "demo"  # noqa: S105 - the demo listens on this machine only


class Command(BaseCommand):
    """All that must be done before the demo's server starts, in one process: each start of Django takes a second."""

    help = "Prepare the demo's database (only in demo mode)."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--first", action="store_true", help="mirror the whole company, not only what is new")

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.demo:
            raise CommandError("Demo logins have a known password, so they are only made in demo mode (no Stripe key).")
        call_command("migrate", verbosity=0)
        call_command("setup_roles", verbosity=0)
        for name, _ in LOGINS:
            make_login(name)
        call_command("stripe_sync" if options["first"] else "stripe_catch_up")


def make_login(name: str) -> None:
    """A staff user named for its role, where it is missing; `admin` is a superuser."""
    user, new = get_user_model().objects.get_or_create(
        username=name, defaults={"is_staff": True, "is_superuser": name == "admin", "email": f"{name}@example.com"}
    )
    if new:
        user.set_password(PASSWORD)
        user.save()
    user.groups.set(Group.objects.filter(name__iexact=name))
