"""`manage.py stripe_catch_up`: fetch the events that did not reach the receiver."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.inbox.processing import drain
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.pull.catch_up import catch_up, gap_sentence


class Command(BaseCommand):
    """The worker does the same every two minutes."""

    help = "List Stripe's events since the last look, and process those that are missing here."

    def handle(self, *args: Any, **options: Any) -> None:
        """List, store, process, report."""
        result = catch_up(store_listed)
        while drain():
            pass
        self.stdout.write(f"{result.seen} events listed since {result.since:%Y-%m-%d %H:%M} UTC, {result.stored} new.")
        if result.gap:
            self.stdout.write(self.style.WARNING(gap_sentence(result)))
        if result.failure:
            raise CommandError(f"The list could not be read to its end, so it is repeated next time: {result.failure}")
