"""`python -m tests.sandbox`: the sandbox as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import uvicorn

from tests.sandbox import snapshots, versions
from tests.sandbox.http import server_config
from tests.sandbox.server import Sandbox

SAVE_SECONDS = 5


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--customers", type=int, default=200, help="how large a company to make up")
    parser.add_argument("--empty", action="store_true", help="start with nothing")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--snapshot", type=Path, help="state is read from and kept in this file")
    parser.add_argument("--livemode", action="store_true", help="pretend to be live mode")
    parser.add_argument("--api-version", default=versions.ENDIVE, help="the account's default version")
    parser.add_argument("--parallel", type=int, default=4, help="webhooks delivered at a time; 1 keeps their order")
    return parser.parse_args()


def build(options: argparse.Namespace) -> Sandbox:
    """The sandbox with its state: from the snapshot, or seeded."""
    sandbox = Sandbox(
        seed=options.seed, livemode=options.livemode, api_version=options.api_version, parallel=options.parallel
    )
    sandbox.snapshot_path = options.snapshot
    if options.snapshot and options.snapshot.exists():
        sandbox.load(options.snapshot)
    elif not options.empty:
        from tests.sandbox.seed import seed  # imported here: an empty sandbox needs no seed

        seed(sandbox, customers=options.customers)
    register_endpoint(sandbox, os.environ.get("SANDBOX_WEBHOOK_URL"), os.environ.get("SANDBOX_WEBHOOK_SECRET"))
    return sandbox


def register_endpoint(sandbox: Sandbox, url: str | None, secret: str | None) -> None:
    """The webhook endpoint that the environment asks for, in place of an earlier one with the same URL."""
    if not url or not secret:
        return
    for row in sandbox.objects("webhook_endpoint"):
        if row["url"] == url and not row.get("deleted"):
            sandbox.request("DELETE", f"/v1/webhook_endpoints/{row['id']}")
    sandbox.add_endpoint(url, secret, api_version=sandbox.api_version)


async def keep_snapshot(sandbox: Sandbox, path: Path) -> None:
    """Save every few seconds when something changed."""
    saved: tuple[int, ...] = ()
    while True:
        present = snapshots.state_version(sandbox)
        if present != saved:
            await asyncio.to_thread(sandbox.snapshot, path)
            saved = present
        await asyncio.sleep(SAVE_SECONDS)


class Server(uvicorn.Server):
    """uvicorn's server, stopped by us: its own handling of signals would end the process before the snapshot."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def stop(self) -> None:
        """Stop; connections without a request in work are closed at once."""
        self.should_exit = True


async def serve(sandbox: Sandbox, options: argparse.Namespace) -> None:
    """Serve until a signal comes, then save."""
    listener = socket.create_server((options.host, options.port))
    server = Server(server_config(sandbox))
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stop)
    serving = asyncio.create_task(server.serve([listener]))
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    host, port = listener.getsockname()[:2]
    print(f"sandbox ready on http://{host}:{port}", flush=True)
    keeper = asyncio.create_task(keep_snapshot(sandbox, options.snapshot)) if options.snapshot else None
    await serving
    if keeper is not None:
        keeper.cancel()
        sandbox.snapshot(options.snapshot)


def main() -> None:
    """Start, serve, save."""
    options = arguments()
    sandbox = build(options)
    asyncio.run(serve(sandbox, options))
    sandbox.close()
    sys.stdout.flush()
    os._exit(0)  # a delivery that waits for a slow receiver must not keep the process alive


if __name__ == "__main__":
    main()
