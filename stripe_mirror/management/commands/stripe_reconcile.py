"""`manage.py stripe_reconcile`: compare the mirror with Stripe, name each difference, and repair it if asked to."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.kinds import Kind, all_kinds, get_kind
from stripe_mirror.management.arguments import date
from stripe_mirror.models import Difference
from stripe_mirror.pull.account import check_account
from stripe_mirror.pull.reconcile import Result
from stripe_mirror.pull.reconcile_rounds import compared_kinds, reconcile_now, state_of
from stripe_mirror.stripe_api.errors import StripeFailure

DIFFERENT, NOT_COMPARED = 1, 2
LONGEST = 120


def request_count(text: str) -> int:
    """A number from 1 on."""
    if not text.isdecimal() or not 0 < int(text) < 10**9:
        raise ArgumentTypeError(f"{text!r} is no number of requests; write it like 100.")
    return int(text)


class Command(BaseCommand):
    """Ends with 0 where nothing differs (any more), 1 where something does, 2 where a kind could not be compared."""

    help = "Compare the mirror with Stripe, object by object: all kinds, or those named."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Kinds, what to do, how much."""
        names = sorted(kind.object for kind in all_kinds())
        parser.add_argument("kinds", nargs="*", metavar="kind", help=f"One or more of: {', '.join(names)}.")
        parser.add_argument("--repair", action="store_true", help="Store Stripe's state of what differs.")
        parser.add_argument("--json", action="store_true", help="Print one JSON object, for machines.")
        parser.add_argument(
            "--requests",
            type=request_count,
            help="Ask Stripe about so often, then stop; the next time goes on from there. Without it: everything.",
        )
        parser.add_argument("--since", type=date, help="Only objects created at or after this date (where Stripe can).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check the account, compare kind by kind, say what differs."""
        kinds = self._kinds(options["kinds"])
        try:
            check_account()
        except StripeFailure as failure:
            raise CommandError(str(failure), returncode=NOT_COMPARED) from None
        results = self._compare(kinds, options)
        if options["json"]:
            self.stdout.write(json.dumps(as_json(results), indent=2))
        self._end(results, quiet=options["json"])

    def _kinds(self, names: list[str]) -> list[Kind]:
        known = {kind.object for kind in all_kinds()}
        if unknown := sorted(set(names) - known):
            message = f"Not a mirrored kind: {', '.join(unknown)}. There are: {', '.join(sorted(known))}."
            raise CommandError(message, returncode=NOT_COMPARED)
        # What stands in a parent is compared with it.
        return [get_kind(name) for name in dict.fromkeys(get_kind(n).parent or n for n in names)] or compared_kinds()

    def _compare(self, kinds: list[Kind], options: dict[str, Any]) -> list[Result]:
        results: list[Result] = []
        left: int | None = options["requests"]
        for kind in sorted(kinds, key=_longest_unseen) if left is not None else kinds:
            if left is not None and left < 1:
                break
            result = reconcile_now(kind, requests=left, since=options["since"], repairs=options["repair"])
            left = None if left is None else left - result.requests
            # A price stands in a subscription, too: what differs is named once.
            known = {one.pk for earlier in results for one in earlier.differences}
            result.differences = [one for one in result.differences if one.pk not in known]
            results.append(result)
            if not options["json"]:
                self._show(result)
        return results

    def _show(self, result: Result) -> None:
        share = "" if result.whole else ", a share of it"
        found = f"{len(result.differences)} differ" if result.differences else "all equal"
        if result.differences and len(result.open) < len(result.differences):
            found += f", {len(result.differences) - len(result.open)} repaired"
        found = "not compared to the end" if result.failure else found
        self.stdout.write(f"{result.object_type}: {result.compared:,} compared{share}, {found}.")
        for one in result.differences:
            self.stdout.write(self.style.WARNING(f"  {one.object_type} {one.object_id}: {words(one)}"))
            for name, pair in one.fields.items():
                self.stdout.write(f"    {name}: {short(pair[0])} here, {short(pair[1])} in Stripe")
            self.stdout.write(f"    {one.likely_why}" + (f" {one.note}" if one.note else ""))
        if result.changing:
            some = ", ".join(result.changing[:5])
            self.stdout.write(f"  Not settled ({len(result.changing)}), because they change or can't be read: {some}")

    def _end(self, results: list[Result], *, quiet: bool) -> None:
        if failed := [result for result in results if result.failure]:
            lines = "\n".join(f"  {result.object_type}: {result.failure}" for result in failed)
            raise CommandError(f"Not compared to the end ({len(failed)}):\n{lines}", returncode=NOT_COMPARED)
        left = sum(len(result.open) for result in results)
        if left:
            tried = any(one.note for result in results for one in result.open)
            advice = "The notes beside them say why." if tried else "Add --repair to store what Stripe says."
            raise CommandError(
                f"{left} difference{'s' if left > 1 else ''} not repaired. {advice}", returncode=DIFFERENT
            )
        if not quiet:
            message = "The mirror equals Stripe." if _all_whole(results) else "No difference in what was compared."
            self.stdout.write(self.style.SUCCESS(message))


def _all_whole(results: list[Result]) -> bool:
    return {result.object_type for result in results if result.whole} == {kind.object for kind in compared_kinds()}


def _longest_unseen(kind: Kind) -> float:
    tried = state_of(kind).tried_at
    return tried.timestamp() if tried else 0.0


def words(one: Difference) -> str:
    """Its nature, and what became of it."""
    return str(one.get_nature_display()) + (
        f" ({one.get_outcome_display()})" if one.outcome != one.Outcome.OPEN else ""
    )


def short(value: Any) -> str:
    """A value on one line."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def as_json(results: list[Result]) -> dict[str, Any]:
    """What a machine reads."""
    return {
        "equal": not any(result.open or result.failure for result in results),
        "kinds": [_kind_json(result) for result in results],
    }


def _kind_json(result: Result) -> dict[str, Any]:
    return {
        "kind": result.object_type,
        "compared": result.compared,
        "whole": result.whole,
        "requests": result.requests,
        "changing": result.changing,
        "failure": result.failure,
        "differences": [
            {
                "kind": one.object_type,
                "id": one.object_id,
                "nature": one.nature,
                "fields": one.fields,
                "likely_why": one.likely_why,
                "outcome": one.outcome,
                "note": one.note,
                "found_at": one.found_at.isoformat(),
            }
            for one in result.differences
        ],
    }
