"""`manage.py stripe_doctor`: every check of the Health page, now, in the terminal."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand
from django.db import Error

from stripe_mirror.inbox.health.finding import Finding, Level, problem
from stripe_mirror.inbox.health.report import check_everything, ordered

EXIT = {Level.OK: 0, Level.WARNING: 1, Level.PROBLEM: 2}
SIGNS = {Level.OK: "ok     ", Level.WARNING: "WARNING", Level.PROBLEM: "PROBLEM"}


class Command(BaseCommand):
    """Exit code 0: all is well; 1: something to look at; 2: something does not work."""

    help = "Check everything: endpoint, key, clocks, workers, queues. Exit code 0, 1 (warnings) or 2 (problems)."
    # A mistake in the settings should be told by a check, not hide all others.
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="for machines: the findings as a list")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, print, and say the worst by the exit code."""
        findings = all_findings()
        if options["json"]:
            self.stdout.write(json.dumps([finding.as_json() for finding in findings], indent=2))
        else:
            for finding in findings:
                self._print(finding)
        if code := max(EXIT[finding.level] for finding in findings):
            sys.exit(code)

    def _print(self, finding: Finding) -> None:
        style = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.PROBLEM: self.style.ERROR}
        since = f" (since {finding.since:%Y-%m-%d %H:%M} UTC)" if finding.since else ""
        self.stdout.write(f"{style[finding.level](SIGNS[finding.level])}  {finding.what}{since}")
        if finding.do:
            self.stdout.write(f"         {finding.do}")


def all_findings() -> list[Finding]:
    """What every check says, the worst first."""
    try:
        return ordered(finding for report in check_everything() for finding in report.findings)
    except Error as error:
        what = f"The database can't be used ({type(error).__name__}), so nothing else was checked."
        todo = "See that it runs and that DATABASE_URL is right; then run manage.py migrate."
        return [problem("database", what, todo)]
