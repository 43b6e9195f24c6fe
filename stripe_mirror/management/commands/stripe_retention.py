"""`manage.py stripe_retention`: keep the tables of events and changes from growing for ever."""

from typing import Any

from django.core.management.base import BaseCommand

from stripe_mirror.inbox.retention import Maintained, maintain, tables


class Command(BaseCommand):
    """The worker does the same once a day."""

    help = "Make the partitions of the months to come, and drop events and changes older than they are kept."

    def handle(self, *args: Any, **options: Any) -> None:
        """Maintain, report."""
        for kept, done in zip(tables(), maintain(), strict=True):
            rule = f"kept for {kept.days} days" if kept.days else "kept for ever"
            self.stdout.write(f"{done.name.capitalize()} ({rule}): {_report(done)}")


def _report(done: Maintained) -> str:
    parts = [
        f"made {', '.join(done.made)}" if done.made else "",
        f"dropped {', '.join(done.dropped)}" if done.dropped else "",
        f"left {', '.join(done.held_up)}, which holds events that are not settled" if done.held_up else "",
        f"deleted {done.deleted} rows" if done.deleted else "",
    ]
    return "; ".join(filter(None, parts)) + "." if any(parts) else "nothing to do."
