"""Runs the checks, keeps what they found, and sums it up for the badge and for machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from stripe_mirror.inbox.health import stripe_side
from stripe_mirror.inbox.health.events import check_events
from stripe_mirror.inbox.health.finding import ORDER, Finding, Level, ok, problem
from stripe_mirror.inbox.health.processes import check_processes
from stripe_mirror.inbox.health.search import check_search
from stripe_mirror.language import log_language
from stripe_mirror.models import HealthReport
from stripe_mirror.sentences import tell
from stripe_mirror.stripe_api.errors import BadKey, StripeFailure

# The report over our own tables, and the one that says whether Stripe answers at all.
LOCAL, STRIPE = "local", "stripe"
# A worker renews the local report some times a minute; an older one says that none does.
STALE = timedelta(minutes=2)
# After Stripe did not answer, it is left alone for a while.
PAUSE = timedelta(minutes=5)
# How long a process shows one badge, in seconds.
CACHED = 5
KEY = "stripe_mirror.health"


@dataclass(frozen=True)
class StripeCheck:
    """A check that costs calls, and how often it is worth them."""

    name: str
    run: Callable[[], list[Finding]]
    every: timedelta


# The account first: with another account's key the others would speak of that one.
STRIPE_CHECKS = (
    StripeCheck("account", stripe_side.check_account_and_mode, timedelta(hours=1)),
    StripeCheck("endpoint", stripe_side.check_endpoint, timedelta(hours=1)),
    StripeCheck("clock", stripe_side.check_clock, timedelta(hours=1)),
    StripeCheck("event_list", stripe_side.check_event_list, timedelta(hours=1)),
    StripeCheck("permissions", stripe_side.check_permissions, timedelta(days=1)),
)


@dataclass(frozen=True)
class Report:
    """What one check found, and when."""

    name: str
    checked_at: datetime | None
    findings: list[Finding]


@dataclass(frozen=True)
class Summary:
    """All findings in two numbers."""

    problems: int
    warnings: int

    @property
    def level(self) -> Level:
        """The worst."""
        return Level.PROBLEM if self.problems else Level.WARNING if self.warnings else Level.OK


def check_local() -> list[Finding]:
    """The checks over our own tables: a few queries."""
    return ordered([*check_processes(), *check_events(), *check_search()])


@log_language()
def refresh() -> None:
    """For the worker, some times a minute: our own tables, and of Stripe's side what is due."""
    store(LOCAL, check_local())
    _ask_stripe(everything=False)


@log_language()
def check_everything() -> list[Report]:
    """All checks, now. A failure of Stripe's is a finding."""
    store(LOCAL, check_local())
    _ask_stripe(everything=True)
    return reports()


def reports() -> list[Report]:
    """What was found last, our own tables first; nothing of checks that never ran."""
    stored = {row.name: row for row in HealthReport.objects.all()}
    names = (LOCAL, STRIPE, *(check.name for check in STRIPE_CHECKS))
    return [
        Report(name, stored[name].checked_at, [Finding.from_json(each) for each in stored[name].findings])
        for name in names
        if name in stored
    ]


def store(name: str, findings: list[Finding]) -> None:
    """Keep a report."""
    values = {"checked_at": timezone.now(), "findings": [finding.as_stored() for finding in findings]}
    HealthReport.objects.update_or_create(pk=name, defaults=values)
    cache.delete(KEY)


def summary() -> Summary:
    """For every page of the admin: one query, and none for some seconds after it."""
    found: Summary | None = cache.get(KEY)
    if found is None:
        found = summed(reports(), now=timezone.now())
        cache.set(KEY, found, CACHED)
    return found


def summed(found: Iterable[Report], *, now: datetime) -> Summary:
    """The numbers over all reports; that nobody checks any more is a problem of its own."""
    found = list(found)
    levels = [finding.level for report in found for finding in report.findings]
    fresh = any(r.name == LOCAL and r.checked_at and r.checked_at > now - STALE for r in found)
    problems = levels.count(Level.PROBLEM) + (not fresh)
    return Summary(problems, levels.count(Level.WARNING))


def ordered(findings: Iterable[Finding]) -> list[Finding]:
    """The worst first."""
    return sorted(findings, key=lambda finding: ORDER[finding.level])


def _ask_stripe(*, everything: bool) -> None:
    now = timezone.now()
    stored = {report.name: report for report in reports()}
    if not everything and _paused(stored.get(STRIPE), now):
        return
    due = [check for check in STRIPE_CHECKS if everything or _due(stored.get(check.name), check.every, now)]
    for check in due:
        try:
            findings = check.run()
        except StripeFailure as failure:
            store(STRIPE, [_no_answer(failure)])
            return
        store(check.name, ordered(findings))
        if check.name == "account" and any(finding.level is Level.PROBLEM for finding in findings):
            return
    if due:
        store(STRIPE, [ok("stripe", tell("Stripe answers."))])


def _paused(last: Report | None, now: datetime) -> bool:
    failed = last is not None and any(finding.level is Level.PROBLEM for finding in last.findings)
    return failed and last is not None and last.checked_at is not None and last.checked_at > now - PAUSE


def _due(last: Report | None, every: timedelta, now: datetime) -> bool:
    return last is None or last.checked_at is None or last.checked_at <= now - every


def _no_answer(failure: StripeFailure) -> Finding:
    if isinstance(failure, BadKey):
        todo = tell(
            "Put a valid key into STRIPE_SECRET_KEY and restart server and worker. Until then nothing is read or sent."
        )
        return problem("key", tell("Stripe does not accept our API key."), todo)
    what = tell("Stripe could not be asked: %(failure)s", failure=failure.words)
    todo = tell(
        "See https://status.stripe.com and whether this machine reaches the internet. It is asked again by itself."
    )
    return problem("stripe", what, todo)
