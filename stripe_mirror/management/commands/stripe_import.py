"""`manage.py stripe_import FILE`: compare a file with the mirror and, once confirmed, push its edits as a job."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Any, cast

from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.admin.imports.reading import read_table
from stripe_mirror.kinds import all_kinds
from stripe_mirror.models import Import, ImportRow, Job
from stripe_mirror.money import format_money
from stripe_mirror.push.errors import PushError
from stripe_mirror.push.imports import comparing, starting
from stripe_mirror.push.imports.columns import guess_all, importable_operations, in_minor_units, may_import
from stripe_mirror.push.imports.judging import DuplicateKey, Judge, Judged, label, needs
from stripe_mirror.push.imports.staging import PART, Table, WrongFile, stage
from stripe_mirror.push.jobs import progress, run_job
from stripe_mirror.push.operation import Operation, all_operations, get_operation

# Rows with errors: nothing was sent of them.
SOME_WRONG = 2
# Differences that a dry run prints; all of them with --verbosity 2.
SHOWN = 20


class Command(BaseCommand):
    """Says on standard error how far it is and what is wrong, and on standard output what differs."""

    help = "Compare a CSV, XLSX or JSON Lines file with the mirror; push what differs as a job."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The file, what it is about, and who does it."""
        names = sorted(o.name for o in all_operations() if o.importable)
        parser.add_argument("file", type=Path, help="The file; - for standard input.")
        parser.add_argument("--kind", help="What it is about, as in customer: its edit is meant.")
        parser.add_argument("--operation", choices=names, metavar="NAME", help=f"One of: {', '.join(names)}.")
        parser.add_argument("--minor-units", action="store_true", help="Amounts are in Stripe's minor units.")
        parser.add_argument("--user", help="The login of whoever does it: their permissions and limits count.")
        parser.add_argument("--reason", default="", help="Kept in the log.")
        parser.add_argument("--dry-run", action="store_true", help="Only compare: nothing is stored, nothing sent.")
        parser.add_argument("--yes", action="store_true", help="Don't ask before the job is started.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read, compare, and push if that is asked for."""
        operation = self._operation(options)
        try:
            if options["dry_run"]:
                self._compare(operation, self._table(options["file"]), options)
            else:
                self._push(operation, options)
        except WrongFile as wrong:
            raise CommandError(str(wrong)) from None

    def _operation(self, options: dict[str, Any]) -> Operation:
        if options["operation"]:
            return get_operation(options["operation"])
        kinds = {kind.object for kind in all_kinds() if importable_operations(kind.object)}
        if options["kind"] in kinds:
            return importable_operations(options["kind"])[0]
        raise CommandError(
            f"Say what the file is about: --kind with one of {', '.join(sorted(kinds))}, or --operation."
        )

    def _table(self, path: Path) -> Table:
        try:
            if str(path) == "-":
                return read_table(_spooled(), "standard input")
            return read_table(path.open("rb"), path.name)
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror}.") from None

    def _matched(self, operation: Operation, table: Table) -> list[str]:
        """What each column is, said on standard error."""
        guesses = guess_all(operation, table.headers)
        for header, guess in zip(table.headers, guesses, strict=True):
            words = label(operation, guess.target) if guess.target else f"ignored. {guess.why_ignored}"
            self.stderr.write(f"{header}: {words}")
        if wrong := needs(operation, targets := [guess.target for guess in guesses]):
            raise CommandError(wrong)
        return targets

    # --- Only compared ----------------------------------------------------------------------------------------------

    def _compare(self, operation: Operation, table: Table, options: dict[str, Any]) -> None:
        targets = self._matched(operation, table)
        minor = options["minor_units"] or in_minor_units(table.headers)
        judge = Judge(operation, table.headers, targets, minor_units=minor)
        counts = {"changed": 0, "wrong": 0, "": 0}
        for judged in _judged(judge, table, self._say_progress):
            counts[judged.state] += 1
            self._say(judged, counts["changed"] <= SHOWN or options["verbosity"] > 1)
        self.stdout.write(_counted(counts["changed"], counts[""], counts["wrong"]))
        if counts["wrong"]:
            raise CommandError("Rows with errors would be left out.", returncode=SOME_WRONG)

    def _say(self, judged: Judged, shown: bool) -> None:
        self._say_errors(judged.number, judged.errors)
        if judged.form and not judged.errors and shown:
            changes = ", ".join(f"{name}: {judged.opened.get(name)!r} → {new!r}" for name, new in judged.form.items())
            self.stdout.write(f"row {judged.number} {judged.object_id}: {changes}")

    def _say_errors(self, number: int, errors: Iterable[tuple[str, str]]) -> None:
        for header, text in errors:
            self.stderr.write(f"row {number}{f', {header}' if header else ''}: {text}")

    def _say_progress(self, rows: int) -> None:
        self.stderr.write(f"{rows:,} rows compared")

    # --- Pushed -----------------------------------------------------------------------------------------------------

    def _push(self, operation: Operation, options: dict[str, Any]) -> None:
        user = User.objects.filter(username=options["user"], is_active=True).first() if options["user"] else None
        if user is None:
            raise CommandError("Say who does it: --user with a login that exists.")
        if not options["reason"].strip():
            raise CommandError("Say why: --reason is kept in the log.")
        if not may_import(user, operation):
            raise CommandError(f"{user} may not import by “{operation.label}”: that needs it, run_job and to see them.")
        table = self._table(options["file"])
        self._matched(operation, table)
        upload = stage(operation, table, owner=user)
        try:
            self._judge(upload, options)
            job = self._confirmed(upload, operation, options)
        finally:
            if upload.pk:
                Import.objects.filter(pk=upload.pk).delete()
        if job:
            self._run(job)

    def _judge(self, upload: Import, options: dict[str, Any]) -> None:
        comparing.begin(upload, upload.targets, minor_units=upload.minor_units or options["minor_units"])
        while upload.state == Import.State.JUDGING and comparing.compare(upload, seconds=2):
            self._say_progress(upload.parts_judged * PART)
        if upload.state == Import.State.FAILED:
            raise CommandError(upload.message)
        for row in upload.rows.filter(state=ImportRow.State.WRONG).iterator():
            self._say_errors(row.number, row.errors)
        self.stdout.write(_counted(upload.changed, upload.unchanged, upload.wrong))
        for code, amount in upload.sums.items():
            self.stdout.write(format_money(amount, code))

    def _confirmed(self, upload: Import, operation: Operation, options: dict[str, Any]) -> Job | None:
        if not upload.changed:
            self.stdout.write("Nothing to do.")
            return None
        if not options["yes"]:
            self.stdout.write(f"{operation.label}: {upload.changed} rows. Type yes to start the job.")
            if input().strip() != "yes":
                raise CommandError("Nothing was started.")
        try:
            return starting.confirm(upload, reason=options["reason"]) or starting.start(upload)
        except (PushError, PermissionDenied) as error:
            raise CommandError(str(error)) from None

    def _run(self, job: Job) -> None:
        """Send the rows here and now, beside a worker that may do so, too."""
        try:
            while run_job(job.pk, seconds=2):
                now = progress(job)
                self.stderr.write(f"{now['settled']} of {now['total']} settled")
        except KeyboardInterrupt:
            raise CommandError(f"Stopped here; the worker goes on with the job {job.pk}.", returncode=130) from None
        now = progress(job)
        self.stdout.write(f"Job {job.pk}: {now['done']} done, {now['refused']} refused, {now['skipped']} left out.")
        for push in job.pushes.exclude(state="done").order_by("position").iterator():
            self.stderr.write(f"{push.position} {push.object_id}: {push.get_state_display()}. {push.message}".rstrip())
        if now["done"] < now["total"]:
            raise CommandError("Not every row was done.", returncode=SOME_WRONG)


def _judged(judge: Judge, table: Table, say: Callable[[int], None]) -> Iterator[Judged]:
    """Each row, part by part. Raises WrongFile."""
    rows, done = iter(table.rows), 0
    while part := list(islice(rows, PART)):
        try:
            yield from judge.judge(part)
        except DuplicateKey as duplicate:
            raise WrongFile(str(duplicate)) from None
        done += len(part)
        if done % (10 * PART) == 0:
            say(done)


def _counted(changed: int, unchanged: int, wrong: int) -> str:
    return f"{changed} rows differ, {unchanged} don't, {wrong} have errors."


def _spooled() -> IO[bytes]:
    """Standard input, which can be read only once; more than a little of it on disk."""
    file = SpooledTemporaryFile(max_size=1024 * 1024)  # noqa: SIM115 - read while its rows are
    while piece := sys.stdin.buffer.read(64 * 1024):
        file.write(piece)
    return cast(IO[bytes], file)
