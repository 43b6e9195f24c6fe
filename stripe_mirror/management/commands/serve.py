"""`manage.py serve`: server and worker against the real Stripe, with `.env`. `make run` calls it."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from stripe_mirror.conf import conf
from stripe_mirror.management.processes import (
    Processes,
    ProcessFailed,
    free_port,
    stopping_at_the_end,
    web_command,
    worker_command,
)


class Command(BaseCommand):
    """Migrates, then runs the web server and the worker until Ctrl-C."""

    help = "Run the back office against the Stripe account whose key is in .env."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the admin's port, if free (default 8000)")

    def handle(self, *args: Any, **options: Any) -> None:
        if conf.demo:
            raise CommandError(
                "There is no STRIPE_SECRET_KEY, so there is nothing real to run against. "
                "Copy .env.example to .env and fill it in, or try `make demo`, which needs no Stripe account."
            )
        try:
            self._serve(free_port(options["port"]))
        except ProcessFailed as failure:
            raise CommandError(str(failure)) from None
        except KeyboardInterrupt:
            self.stdout.write("\nStopped.")

    def _serve(self, port: int) -> None:
        with TemporaryDirectory() as logs, stopping_at_the_end(Processes(dict(os.environ), Path(logs))) as processes:
            processes.run("migrate", "--verbosity", "0")
            processes.run("setup_roles", "--verbosity", "0")
            processes.start("server", web_command(port))
            processes.start("worker", worker_command())
            processes.wait_for_port("server", port)
            self.stdout.write(f"The back office ({conf.mode} mode): http://127.0.0.1:{port}/admin/  Ctrl-C stops it.")
            processes.watch()
