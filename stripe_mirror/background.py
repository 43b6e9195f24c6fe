"""Asks the worker for something, by the name of its task: what is below `tasks` may not import it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.utils import timezone
from django.utils.module_loading import import_string

if TYPE_CHECKING:
    from django_tasks.base import Task


def enqueue(name: str, *args: Any, delay: timedelta | None = None) -> None:
    """Put the task `name` of `stripe_mirror.tasks` into the queue, to run once this transaction has been committed.

    Arguments are ids. A task that gets lost is found again by the sweep, so a caller never waits for it.
    """
    task: Task[..., Any] = import_string(f"stripe_mirror.tasks.{name}")
    if delay is not None:
        task = task.using(run_after=timezone.now() + delay)
    task.enqueue(*args)


def periodic() -> Mapping[str, timedelta]:
    """What runs for ever: the path of each task, and how often."""
    declared = import_string("stripe_mirror.tasks.PERIODIC")
    return {task.module_path: period for task, period in declared}
