"""A demo as a user starts it, in processes of its own: server, worker and sandbox."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import requests

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk_test_sandbox"


class RunningDemo:
    """`manage.py demo` over a data folder; `admin` and `stripe` are the two addresses, without a trailing slash.

    Ports are any free ones, so that tests side by side don't take each other's.
    """

    def __init__(self, data: Path, *, customers: int = 40, port: int = 0) -> None:
        self.data = data
        arguments = ("--data", data, "--customers", customers, "--port", port, "--sandbox-port", 0)
        self.process = subprocess.Popen(
            [sys.executable, "-u", "manage.py", "demo", *(str(argument) for argument in arguments)],
            cwd=ROOT,
            env={
                **os.environ,
                **dict.fromkeys(("STRIPE_SECRET_KEY", "DATABASE_URL", "DEBUG"), ""),
                "DJANGO_SETTINGS_MODULE": "backoffice.settings",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.output = self._read_until("Ctrl-C stops it")
        self.admin = self._address("back office")
        self.stripe = self._address("Stripe side")

    def _read_until(self, text: str) -> str:
        assert self.process.stdout is not None
        output = ""
        for line in self.process.stdout:
            output += line
            if text in line:
                return output
        raise AssertionError(f"the demo ended instead of starting:\n{output}")

    def _address(self, name: str) -> str:
        found = re.search(rf"{name}:\s+(http://[\d.]+:\d+)", self.output)
        assert found, self.output
        return found.group(1)

    def processes(self) -> list[str]:
        """Command lines of living processes of this demo: its data folder stands in their environment or arguments."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and self._is_ours(entry):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        return found

    def _is_ours(self, entry: Path) -> bool:
        mark = str(self.data).encode()
        try:
            return mark in (entry / "environ").read_bytes() or mark in (entry / "cmdline").read_bytes()
        except OSError:
            return False

    def stop(self, sign: int = signal.SIGINT) -> str:
        """Press Ctrl-C and read the rest of what it says."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, sign)
        rest, _ = self.process.communicate(timeout=30)
        return str(rest)

    # --- the Stripe side, as another API client -------------------------------------------------------------------

    def post(self, path: str, **params: Any) -> dict[str, Any]:
        """An API call of somebody else's; parameters in Stripe's bracket notation."""
        return self._checked(requests.post(self.stripe + path, data=params, auth=(KEY, ""), timeout=20))

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """An API read."""
        return self._checked(requests.get(self.stripe + path, params=params, auth=(KEY, ""), timeout=20))

    def truth(self, object_type: str) -> list[dict[str, Any]]:
        """Every object of a kind, from the sandbox's own memory."""
        answer = self._checked(requests.get(f"{self.stripe}/_sandbox/objects/{object_type}", timeout=20))
        return list(answer["data"]) if isinstance(answer, dict) else list(answer)

    def calls(self, method: str, path: str) -> list[dict[str, Any]]:
        """What was asked of the API so far: entries of the sandbox's request log with this method and path."""
        log: Any = self._checked(requests.get(f"{self.stripe}/_sandbox/requests", timeout=20))
        entries = log["data"] if isinstance(log, dict) else log
        return [entry for entry in entries if entry["method"] == method and entry["path"] == path]

    @staticmethod
    def _checked(response: requests.Response) -> Any:
        assert response.ok, f"{response.status_code}: {response.text[:500]}"
        return response.json()


def eventually(condition: Any, *, seconds: float = 10.0, what: str = "it") -> Any:
    """The first true value of `condition()`; fails after `seconds`."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {seconds} seconds")
