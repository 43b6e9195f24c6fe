"""The real thing in processes of its own: gunicorn as in production, and scripts in the project's settings."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from stripe_mirror.management.processes import web_command

ROOT = Path(__file__).resolve().parents[2]
WEBHOOK_SECRET = "whsec_" + "bench"
# Empty variables win over a `.env` file.
UNSET = ("STRIPE_API_VERSION", "STRIPE_SECRET_KEY", "TEST_DATABASE_URL", "TIME_ZONE")


def environment(database_url: str, *, stripe: str = "http://127.0.0.1:9") -> dict[str, str]:
    """As in production, but for a stand-in of Stripe (by default one that isn't there)."""
    return {
        **os.environ,
        **dict.fromkeys(UNSET, ""),
        "ALLOWED_HOSTS": "127.0.0.1",
        "DATABASE_URL": database_url,
        "DEBUG": "False",
        "DJANGO_SETTINGS_MODULE": "backoffice.settings",
        "SECRET_KEY": "only-for-measuring-" + "0123456789" * 5,
        "STRIPE_API_BASE": stripe,
        "STRIPE_MAX_REQUESTS_PER_SECOND": "10000",
        "STRIPE_WEBHOOK_SECRETS": WEBHOOK_SECRET,
    }


def run(*arguments: str, env: dict[str, str]) -> str:
    """A Python program of the project to its end; what it printed."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done.stdout


def probe(*arguments: str, env: dict[str, str]) -> Any:
    """What `tests.bench.probe` finds."""
    return json.loads(run("-m", "tests.bench.probe", *arguments, env=env).splitlines()[-1])


def free_port() -> int:
    """A port that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


class Server:
    """gunicorn as `manage.py serve` starts it: one worker, eight threads."""

    def __init__(self, env: dict[str, str], *, application: str = "backoffice.wsgi") -> None:
        self.port = free_port()
        command = [application if part == "backoffice.wsgi" else part for part in web_command(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as attempt:
                if attempt.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        self.process.kill()
        raise SystemExit("gunicorn did not start.")

    @property
    def worker(self) -> int:
        """The process that answers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return int(children.split()[0])

    def memory(self, field: str) -> float:
        """Megabytes of the worker: VmRSS now, VmHWM at its peak."""
        lines = Path(f"/proc/{self.worker}/status").read_text().splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))

    def forget_peak(self) -> None:
        """Let VmHWM begin anew."""
        Path(f"/proc/{self.worker}/clear_refs").write_text("5")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        finally:
            self.process.kill()
