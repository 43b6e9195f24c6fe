"""`manage.py demo`: the whole circle on this machine, against our stand-in for Stripe. `make demo` calls it."""

from __future__ import annotations

import os
import secrets
import shutil
import sys
from argparse import ArgumentParser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.management.processes import (
    Processes,
    ProcessFailed,
    free_port,
    hold_lock,
    stopping_at_the_end,
    web_command,
    worker_command,
)

LOGINS = (
    ("admin", "everything"),
    ("support", "sees all, edits customers"),
    ("billing", "also subscriptions and invoices, one or many"),
    ("finance", "refunds, credit notes, disputes; exports"),
    ("catalog", "products, prices, coupons, tax rates"),
    ("operator", "also events, pushes and jobs"),
    ("viewer", "only sees"),
)


class Command(BaseCommand):
    """Starts sandbox, server and worker over a seeded company, prints the address and the logins, ends with Ctrl-C."""

    help = "Start the demo: sandbox, server and worker on this machine, without a Stripe account."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the admin's port, if free (default 8000; 0: any)")
        parser.add_argument("--sandbox-port", type=int, default=12111, help="the stand-in's port, if free (0: any)")
        parser.add_argument("--customers", type=int, default=200, help="how many customers a new company has")
        parser.add_argument("--data", type=Path, default=settings.BASE_DIR / ".demo", help="where the demo's data is")
        parser.add_argument("--reset", action="store_true", help="forget the demo's data and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        home: Path = options["data"].resolve()
        home.mkdir(parents=True, exist_ok=True)
        lock = hold_lock(home / "lock")
        if lock is None:
            raise CommandError(f"A demo is already running over {home}. Stop it with Ctrl-C in its terminal first.")
        try:
            if options["reset"]:
                self._reset(home)
            else:
                self._run(home, options)
        except ProcessFailed as failure:
            raise CommandError(str(failure)) from None
        except KeyboardInterrupt:
            self.stdout.write(
                "\nThe demo has stopped; its data is kept. `make demo` goes on, `make demo-reset` forgets."
            )
        finally:
            lock.close()

    def _reset(self, home: Path) -> None:
        shutil.rmtree(home)
        self.stdout.write("The demo's data is gone; `make demo` starts over.")

    def _run(self, home: Path, options: dict[str, Any]) -> None:
        port, sandbox_port = free_port(options["port"]), free_port(options["sandbox_port"])
        if options["port"] not in (0, port):
            self.stdout.write(f"Port {options['port']} is taken, so the admin is on {port}.")
        fresh = not (home / "ready").exists()
        if fresh:
            # What an interrupted first start left behind would not fit together.
            for leftover in [*home.glob("db.sqlite3*"), *home.glob("sandbox.json*")]:
                leftover.unlink()
        env = demo_environment(home, port=port, sandbox_port=sandbox_port)
        with stopping_at_the_end(Processes(env, home)) as processes:
            self._start_sandbox(processes, home, port=sandbox_port, customers=options["customers"])
            self._prepare(processes, fresh=fresh)
            processes.start("server", web_command(port))
            processes.start("worker", worker_command())
            processes.wait_for_port("server", port)
            (home / "ready").touch()
            self._greet(port, sandbox_port)
            processes.watch()

    def _start_sandbox(self, processes: Processes, home: Path, *, port: int, customers: int) -> None:
        self.stdout.write("Starting the stand-in for Stripe ...")
        command = [sys.executable, "-m", "tests.sandbox", "--port", str(port), "--customers", str(customers)]
        processes.start("sandbox", [*command, "--snapshot", str(home / "sandbox.json")])
        processes.wait_for_port("sandbox", port, seconds=60 + customers / 5)

    def _prepare(self, processes: Processes, *, fresh: bool) -> None:
        if fresh:
            self.stdout.write("Mirroring the company ...")
        processes.run("demo_prepare", *(["--first"] if fresh else []))

    def _greet(self, port: int, sandbox_port: int) -> None:
        self.stdout.write("")
        self.stdout.write(self.style.SUCCESS(f"  The back office:  http://127.0.0.1:{port}/admin/"))
        self.stdout.write(self.style.SUCCESS(f"  The Stripe side:  http://127.0.0.1:{sandbox_port}/"))
        self.stdout.write("\n  Logins (the password is demo for each):")
        for name, what in LOGINS:
            self.stdout.write(f"    {name:<10} {what}")
        self.stdout.write("\n  Ctrl-C stops it.")
        self.stdout.flush()


def demo_environment(home: Path, *, port: int, sandbox_port: int) -> Mapping[str, str]:
    """The environment of all of the demo's processes: nothing of `.env` applies, and no real key is in reach."""
    webhook_secret = "whsec_" + secrets.token_hex(16)
    return {
        **os.environ,
        "ALLOWED_HOSTS": "127.0.0.1,localhost",
        "DATABASE_URL": f"sqlite:///{home / 'db.sqlite3'}",
        "DEBUG": "False",
        "EXPORTS_DIR": str(home / "exports"),
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "SECRET_KEY": _kept_secret(home / "secret_key"),
        "STRIPE_SECRET_KEY": "",
        "STRIPE_API_BASE": f"http://127.0.0.1:{sandbox_port}",
        "STRIPE_API_VERSION": "",
        "STRIPE_MAX_REQUESTS_PER_SECOND": "200",
        "STRIPE_WEBHOOK_SECRETS": webhook_secret,
        "SANDBOX_WEBHOOK_URL": f"http://127.0.0.1:{port}/stripe-webhooks/",
        "SANDBOX_WEBHOOK_SECRET": webhook_secret,
    }


def _kept_secret(path: Path) -> str:
    """Django's key, kept between starts so that logins last."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(50))
    return path.read_text()
