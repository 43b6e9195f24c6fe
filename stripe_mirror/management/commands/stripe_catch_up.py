"""`manage.py stripe_catch_up`: fetch the events that did not reach the receiver."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.inbox.processing import drain
from stripe_mirror.inbox.store import store_listed
from stripe_mirror.models import InboxEvent
from stripe_mirror.pull.catch_up import catch_up, catch_up_undelivered, gap_sentence

OPEN = (InboxEvent.State.RECEIVED, InboxEvent.State.WAITING)


class Command(BaseCommand):
    """The worker does the same every few minutes."""

    help = "List Stripe's events since the last look, and process those that are missing here."

    def handle(self, *args: Any, **options: Any) -> None:
        """List, store, process, report."""
        result = catch_up(store_listed)
        if result.gap:
            self.stdout.write(self.style.WARNING(gap_sentence(result)))
        if result.failure:
            raise CommandError(f"The list could not be read to its end, so it is repeated next time: {result.failure}")
        self.stdout.write(f"{result.seen} events listed since {result.since:%Y-%m-%d %H:%M} UTC, {result.stored} new.")
        self._undelivered()
        while drain():
            pass
        self._left()

    def _undelivered(self) -> None:
        result = catch_up_undelivered(store_listed)
        if result.failure:
            self.stderr.write(f"Undelivered events could not be listed: {result.failure}")
        else:
            self.stdout.write(f"{result.seen} events that Stripe takes for undelivered, {result.stored} new.")

    def _left(self) -> None:
        """What is not settled yet."""
        waiting = InboxEvent.objects.filter(state__in=OPEN).count()
        failed = InboxEvent.objects.filter(state=InboxEvent.State.FAILED).count()
        if waiting or failed:
            self.stdout.write(
                f"{waiting} events wait for another try, {failed} were given up: see Events in the admin."
            )
