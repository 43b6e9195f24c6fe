"""`manage.py db_worker`: django-tasks' worker, with our periodic tasks in its queue."""

from argparse import ArgumentParser
from typing import Any

from django_tasks_db.management.commands.db_worker import Command as DbWorker

from stripe_mirror.inbox.heartbeat import beating
from stripe_mirror.tasks import ensure_periodic


class Command(DbWorker):
    """Runs what `stripe_mirror.tasks` asks for. Start as many as you like."""

    help = "Run the background worker: events that need Stripe, pushes, jobs, catch-up."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """As django-tasks', with a shorter pause and without reloading on changes of the code."""
        super().add_arguments(parser)
        parser.set_defaults(interval=0.5, reload=False)

    def handle(self, *args: Any, **options: Any) -> None:
        """Queue the periodic tasks, then work, with a heartbeat that says so."""
        ensure_periodic()
        with beating(options["worker_id"]):
            super().handle(*args, **options)
