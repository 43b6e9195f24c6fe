"""`manage.py stripe_sync`: bring every object, or those of some kinds, from Stripe into the mirror."""

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.kinds import Kind, all_kinds
from stripe_mirror.management.arguments import date
from stripe_mirror.management.progress import shown
from stripe_mirror.models import SyncRun
from stripe_mirror.pull import backfill, backfill_runs
from stripe_mirror.pull.account import check_account
from stripe_mirror.pull.rows import UNKNOWN_ACCOUNT
from stripe_mirror.stripe_api.errors import StripeFailure


def worker_count(text: str) -> int:
    """A number from 1 to 16."""
    if not text.isdecimal() or not 1 <= int(text) <= 16:
        raise ArgumentTypeError(f"{text!r} is no number from 1 to 16.")
    return int(text)


@contextmanager
def stopped_by_signal(stop: threading.Event) -> Iterator[None]:
    """A supervisor's SIGTERM ends it as gently as Ctrl-C."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, lambda *_: stop.set())
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Command(BaseCommand):
    """Safe to repeat and to kill: it goes on where it was, changes only what differs, and passes by what fails."""

    help = "Copy Stripe's objects into the mirror: all kinds, or those named. Goes on with an unfinished run."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Kinds, a date, the number of workers, whether to begin anew."""
        names = sorted(kind.object for kind in all_kinds())
        parser.add_argument("kinds", nargs="*", metavar="kind", help=f"One or more of: {', '.join(names)}.")
        parser.add_argument("--since", type=date, help="Only objects created at or after this date (where Stripe can).")
        many = f"Requests side by side (default: {backfill.WORKERS})."
        parser.add_argument("--workers", type=worker_count, default=backfill.WORKERS, help=many)
        parser.add_argument("--restart", action="store_true", help="Begin anew instead of going on where it was.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the account, list the kinds, say what failed."""
        names = {kind.object for kind in all_kinds()}
        if unknown := sorted(set(options["kinds"]) - names):
            raise CommandError(f"Not a mirrored kind: {', '.join(unknown)}. There are: {', '.join(sorted(names))}.")
        self._check_account()
        group = self._group(backfill.listed_kinds(options["kinds"]), options)
        self._work(group, options)
        runs = list(backfill_runs.runs_of(group))
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

    def _group(self, kinds: list[Kind], options: dict[str, Any]) -> UUID:
        """The backfill to go on with, or a new one."""
        group = None if options["restart"] else backfill_runs.unfinished(kinds, since=options["since"])
        if group is None:
            return backfill_runs.start(kinds, since=options["since"])
        left = [run for run in backfill_runs.runs_of(group) if run.state in backfill_runs.UNFINISHED]
        backfill_runs.resume(group)
        self.stdout.write(
            f"Going on with the backfill of {left[0].started_at:%Y-%m-%d %H:%M} UTC, which lacks "
            f"{', '.join(run.object_type for run in left)}. To read everything anew: --restart"
        )
        return group

    def _work(self, group: UUID, options: dict[str, Any]) -> None:
        """Until the end, or until Ctrl-C or a supervisor's signal: what is at hand is stored then."""
        stop = threading.Event()
        try:
            with stopped_by_signal(stop), shown(self.stdout, group) as progress:
                backfill.work(group, workers=options["workers"], progress=progress, stop=stop)
        except KeyboardInterrupt:
            stop.set()
        if stop.is_set() and backfill_runs.pause(group):
            kinds = " ".join(options["kinds"])
            raise CommandError(
                f"Stopped; what was read is stored. Go on where it was with: manage.py stripe_sync {kinds}".rstrip()
                + "\nor on the page Sync runs in the admin.",
                returncode=130,
            )

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
