"""`manage.py stripe_sync`: bring every object, or those of some kinds, from Stripe into the mirror."""

from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import IO, Any, cast

from django.core.management.base import BaseCommand, CommandError
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from stripe_mirror.kinds import Kind, all_kinds
from stripe_mirror.models import SyncRun
from stripe_mirror.pull.account import check_account
from stripe_mirror.pull.backfill import backfill, listed_kinds
from stripe_mirror.pull.rows import UNKNOWN_ACCOUNT
from stripe_mirror.stripe_api.errors import StripeFailure


def date(text: str) -> datetime:
    """A date or time of ISO 8601; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is no date; write it like 2026-01-31.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def worker_count(text: str) -> int:
    """A number from 1 to 16."""
    if not text.isdecimal() or not 1 <= int(text) <= 16:
        raise ArgumentTypeError(f"{text!r} is no number from 1 to 16.")
    return int(text)


class Bars:
    """A progress bar per kind. Stripe tells no totals: a bar pulses until its kind is through."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.tasks: dict[str, TaskID] = {}

    def show(self, kind: Kind, run: SyncRun) -> None:
        """After each page."""
        if kind.object not in self.tasks:
            self.tasks[kind.object] = self.progress.add_task(kind.object, total=None, changed=0)
        self.progress.update(self.tasks[kind.object], completed=run.seen, changed=run.changed)

    def finish(self, run: SyncRun) -> None:
        """A kind has come to its end, good or bad."""
        self.progress.update(self.tasks[run.object_type], total=max(run.seen, 1), completed=max(run.seen, 1))


class Command(BaseCommand):
    """Safe to repeat: it changes only what differs, and continues past a kind that fails."""

    help = "Copy Stripe's objects into the mirror: all kinds, or those named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Kinds, a date, the number of workers."""
        names = sorted(kind.object for kind in all_kinds())
        parser.add_argument("kinds", nargs="*", metavar="kind", help=f"One or more of: {', '.join(names)}.")
        parser.add_argument("--since", type=date, help="Only objects created at or after this date (where Stripe can).")
        parser.add_argument("--workers", type=worker_count, default=2, help="Kinds side by side (default: 2).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the account, list the kinds, say what failed."""
        names = {kind.object for kind in all_kinds()}
        if unknown := sorted(set(options["kinds"]) - names):
            raise CommandError(f"Not a mirrored kind: {', '.join(unknown)}. There are: {', '.join(sorted(names))}.")
        self._check_account()
        runs = self._backfill(listed_kinds(options["kinds"]), options)
        total, changed = sum(run.seen for run in runs), sum(run.changed for run in runs)
        self.stdout.write(f"{total} objects read, {changed} of them new or changed.")
        self._report_failures([run for run in runs if run.state != SyncRun.State.DONE])

    def _check_account(self) -> None:
        try:
            account = check_account()
        except StripeFailure as failure:
            raise CommandError(str(failure)) from None
        if account.pk == UNKNOWN_ACCOUNT:
            self.stdout.write(
                "The key may not read the account, so only its mode is compared, not its owner. That is fine; "
                "to have both checked, give the restricted key the permission to read accounts."
            )

    def _backfill(self, kinds: list[Kind], options: dict[str, Any]) -> list[SyncRun]:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description:<20}"),
            BarColumn(),
            TextColumn("{task.completed:>8} read {task.fields[changed]:>8} changed"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=Console(file=cast(IO[str], self.stdout))) as progress:
            bars = Bars(progress)
            runs = backfill(kinds, since=options["since"], workers=options["workers"], progress=bars.show)
            for run in runs:
                bars.finish(run)
        return runs

    def _report_failures(self, failed: list[SyncRun]) -> None:
        if not failed:
            return
        lines = [f"  {run.object_type}: {run.message}" for run in failed]
        again = " ".join(run.object_type for run in failed)
        raise CommandError(
            f"Not completed ({len(failed)}); what was read before is stored:\n"
            + "\n".join(lines)
            + f"\nRepeat only these with: manage.py stripe_sync {again}",
            returncode=1,
        )
