"""`manage.py demo_staff`: the demo's logins, one per role; refuses to run anywhere but in the demo."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.conf import conf
from stripe_mirror.management.commands.demo import LOGINS

PASSWORD = "demo"  # noqa: S105 - the demo listens on this machine only


class Command(BaseCommand):
    """Creates the demo's users where they are missing."""

    help = "Create the demo's logins (only in demo mode)."

    def handle(self, *args: Any, **options: Any) -> None:
        if not conf.demo:
            raise CommandError("Demo logins have a known password, so they are only made in demo mode (no Stripe key).")
        for name, _ in LOGINS:
            user, new = get_user_model().objects.get_or_create(
                username=name,
                defaults={"is_staff": True, "is_superuser": name == "admin", "email": f"{name}@example.com"},
            )
            if new:
                user.set_password(PASSWORD)
                user.save()
            user.groups.set(Group.objects.filter(name__iexact=name))
