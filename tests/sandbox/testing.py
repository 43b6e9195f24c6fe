"""For tests: a sandbox that serves real HTTP from a thread of the test process, or from a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

import urllib3
import uvicorn

from tests.sandbox.forms import as_sent, flatten
from tests.sandbox.http import server_config
from tests.sandbox.server import Sandbox

API_KEY = "sk_test_sandbox"
ROOT = Path(__file__).resolve().parents[2]


class SandboxError(AssertionError):
    """An answer that is not 2xx."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"The sandbox answered {status}: {json.dumps(body)}")
        self.status = status
        self.body = body
        self.error = body.get("error", {})


class Client:
    """Calls to a sandbox over HTTP: the API by `get`, `post`, `delete`, and its admin routes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = urllib3.PoolManager(retries=False, timeout=30)
        self.faults = FaultSwitches(self)

    def call(
        self, method: str, path: str, /, *, headers: dict[str, str] | None = None, **params: Any
    ) -> dict[str, Any]:
        """One API call; raises `SandboxError` unless it succeeds."""
        encoded = urlencode(flatten(as_sent(params) or {}))
        sent = {"Authorization": f"Bearer {API_KEY}", "User-Agent": "sandbox-testing", **(headers or {})}
        url = f"{self.url}{path}"
        if method == "POST":
            sent["Content-Type"] = "application/x-www-form-urlencoded"
            answer = self._http.request(method, url, body=encoded, headers=sent)
        else:
            answer = self._http.request(method, f"{url}?{encoded}" if encoded else url, headers=sent)
        body: dict[str, Any] = json.loads(answer.data)
        if not 200 <= answer.status < 300:
            raise SandboxError(answer.status, body)
        return body

    def get(self, path: str, /, **params: Any) -> dict[str, Any]:
        """GET."""
        return self.call("GET", path, **params)

    def post(self, path: str, /, **params: Any) -> dict[str, Any]:
        """POST."""
        return self.call("POST", path, **params)

    def delete(self, path: str, /, **params: Any) -> dict[str, Any]:
        """DELETE."""
        return self.call("DELETE", path, **params)

    def admin(self, method: str, path: str, /, **values: Any) -> dict[str, Any]:
        """One call to `/_sandbox/…`."""
        body = json.dumps(values).encode() if values else None
        answer = self._http.request(method, f"{self.url}/_sandbox{path}", body=body)
        answered: dict[str, Any] = json.loads(answer.data)
        if answer.status != 200:
            raise SandboxError(answer.status, answered)
        return answered

    def objects(self, object_type: str) -> list[dict[str, Any]]:
        """The truth about a kind of object."""
        rows: list[dict[str, Any]] = self.admin("GET", f"/objects/{object_type}")["data"]
        return rows

    def requests(self, method: str | None = None, path: str | None = None) -> list[dict[str, Any]]:
        """The API calls since the last `clear_requests`, by method and by how their path begins."""
        entries: list[dict[str, Any]] = self.admin("GET", "/requests")["data"]
        return [
            entry
            for entry in entries
            if (method is None or entry["method"] == method) and (path is None or entry["path"].startswith(path))
        ]

    def clear_requests(self) -> None:
        """Forget the calls so far."""
        self.admin("DELETE", "/requests")

    def advance(self, seconds: int) -> None:
        """Let the sandbox's time pass."""
        self.admin("POST", "/clock", advance=seconds)

    def deliver_to(self, url: str, secret: str, *, api_version: str | None = None, events: str = "*") -> dict[str, Any]:
        """Register a webhook endpoint whose secret is known."""
        return self.admin("POST", "/endpoints", url=url, secret=secret, api_version=api_version, events=events)

    def deliveries(self) -> list[dict[str, Any]]:
        """Every attempt to deliver an event."""
        rows: list[dict[str, Any]] = self.admin("GET", "/deliveries")["data"]
        return rows

    def happens(self, name: str, /, **given: Any) -> dict[str, Any]:
        """Let something happen at Stripe that no request of ours causes (see `happenings.py`)."""
        return self.admin("POST", f"/happenings/{name}", **given)

    def flush(self, *, shuffle: bool = False) -> int:
        """Deliver what a `hold` fault keeps back."""
        return int(self.admin("POST", "/deliveries/flush", shuffle=shuffle)["sent"])

    def redeliver(self, *event_ids: str) -> int:
        """Send events again."""
        return int(self.admin("POST", "/events/redeliver", ids=list(event_ids))["sent"])

    def drain_deliveries(self, timeout: float = 10) -> None:
        """Wait until nothing is on its way any more; held events do not count."""
        wait_for(lambda: self.admin("GET", "/state")["moving_deliveries"] == 0, timeout, "deliveries are pending")


class FaultSwitches:
    """`faults.add(status=429, times=1)` and `faults.clear()` of a running sandbox."""

    def __init__(self, client: Client) -> None:
        self.client = client

    def add(self, **rule: Any) -> dict[str, Any]:
        """Put a rule in force."""
        return self.client.admin("POST", "/faults", **rule)

    def clear(self) -> None:
        """Take all rules out of force."""
        self.client.admin("DELETE", "/faults")

    def list(self) -> list[dict[str, Any]]:
        """The rules in force."""
        rules: list[dict[str, Any]] = self.client.admin("GET", "/faults")["data"]
        return rules


class Server(uvicorn.Server):
    """uvicorn's, which ends when it is told to; the original looks each tenth of a second, hundreds of times."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._told = asyncio.Event()

    def stop(self) -> None:
        """From another thread."""
        self._loop.call_soon_threadsafe(self._told.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets)

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._told.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        end = time.monotonic() + (self.config.timeout_graceful_shutdown or 0)
        while (self.server_state.connections or self.server_state.tasks) and time.monotonic() < end:
            await asyncio.sleep(0.002)
        for task in self.server_state.tasks:
            task.cancel()
        await self.lifespan.shutdown()


class RunningSandbox(Client):
    """A sandbox served from a thread of this process; `.sandbox` is its inside."""

    def __init__(self, sandbox: Sandbox | None = None, **options: Any) -> None:
        self.sandbox = sandbox or Sandbox(**options)
        listener = socket.create_server(("127.0.0.1", 0))
        self._server = Server(server_config(self.sandbox))
        serve = self._server.serve(sockets=[listener])
        self._thread = threading.Thread(target=lambda: asyncio.run(serve), name="sandbox", daemon=True)
        self._thread.start()
        wait_for(lambda: self._server.started, 10, "the sandbox did not start", pause=0.005)
        super().__init__(f"http://127.0.0.1:{listener.getsockname()[1]}")

    def close(self) -> None:
        """Stop serving and delivering."""
        self._server.stop()
        self.sandbox.close()
        self._thread.join(5)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


class SandboxProcess(Client):
    """`python -m tests.sandbox` as a subprocess."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        command = [sys.executable, "-m", "tests.sandbox", *(arguments or ("--empty",))]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ, **(environment or {})}
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line.startswith("sandbox ready on "):
            self.process.kill()
            raise AssertionError(f"The sandbox did not start; it said {line!r}.")
        super().__init__(line.removeprefix("sandbox ready on ").strip())

    def close(self) -> int:
        """Stop the process as a supervisor would; its exit code."""
        self.process.terminate()
        try:
            return self.process.wait(10)
        finally:
            self.process.kill()
            if self.process.stdout is not None:
                self.process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def wait_for(condition: Callable[[], bool], timeout: float, otherwise: str, *, pause: float = 0.02) -> None:
    """Poll until a condition holds, or fail saying what did not come."""
    end = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"After {timeout} s {otherwise}.")
        time.sleep(pause)
