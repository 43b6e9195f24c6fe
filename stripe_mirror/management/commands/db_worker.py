"""`manage.py db_worker`: django-tasks' worker, with our periodic tasks in its queue."""

import logging
from argparse import ArgumentParser
from typing import Any

from django.db import DatabaseError
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult

from stripe_mirror.inbox.heartbeat import beating
from stripe_mirror.tasks import ensure_periodic

logger = logging.getLogger(__name__)


class Worker(db_worker.Worker):
    """Outlives the record of a task: another worker may have pruned it, if a clock was set far forward meanwhile."""

    def run_task(self, db_task_result: DBTaskResult[Any, Any]) -> None:
        """Run it; that its end can't be written down anywhere is no reason to end with it."""
        try:
            super().run_task(db_task_result)
        except DatabaseError:
            if DBTaskResult.objects.filter(pk=db_task_result.pk).exists():
                raise
            logger.warning("The record of %s was gone when it ended.", db_task_result.task_path)


# The command makes its worker by this name and offers no other way in.
db_worker.Worker = Worker  # type: ignore[misc]


class Command(db_worker.Command):
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
