"""`python -m tests.converge.nursery`: has Django loaded, and forks web servers and workers within milliseconds.

It has a single thread and no connection, so that a fork is clean. It is told what to do by lines of JSON.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import logging
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django

# What a child does; it never returns from it.
Work = Callable[[], None]
# Connect and read, in seconds: a hanging answer must not cost a test twenty of them.
TIMEOUT = (2.0, 0.6)
PR_SET_PDEATHSIG = 1
# How the line of an answered call begins in the log: its request's id, the second, process and functions follow.
CALL = "call "
KEY = "sk_test_" + "nobody"


def main(clock_path: str, log_path: str) -> None:
    """Prepare everything, say where the web server will listen, then obey until the input ends."""
    django.setup()
    _prepare(Path(clock_path))
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    nursery = Nursery(listener, log_path)
    _say(port=listener.getsockname()[1])
    try:
        for line in sys.stdin:
            _say(**nursery.obey(json.loads(line)))
    finally:
        nursery.kill_all()


def _prepare(clock_path: Path) -> None:
    from django.db import connections
    from django.test import Client, override_settings

    import stripe_mirror.management.commands.db_worker
    import stripe_mirror.tasks  # noqa: F401
    from stripe_mirror.stripe_api import client
    from tests.converge.clock import SharedClock

    SharedClock(clock_path).install()
    client.PATIENCE, client.TIMEOUT = (0, 0), TIMEOUT
    client._Transport.request_with_retries = _attributed(client._Transport.request_with_retries)  # type: ignore[method-assign]
    # Loads every module that a request, ours or to us, needs.
    logging.disable(logging.CRITICAL)
    Client().post("/stripe-webhooks/", data=b"{}", content_type="application/json")
    Client().get("/admin/login/")
    with contextlib.suppress(Exception), override_settings(STRIPE_API_BASE="http://127.0.0.1:9", STRIPE_SECRET_KEY=KEY):
        client.call("get", "/v1/account")
    logging.disable(logging.NOTSET)
    _compile_templates()
    connections.close_all()


def _compile_templates() -> None:
    """Once, instead of in every web server for its first page."""
    from django.template import engines
    from django.template.loader import get_template

    for folder in map(Path, engines["django"].template_dirs):
        for path in folder.rglob("*.html"):
            with contextlib.suppress(Exception):
                get_template(str(path.relative_to(folder)))


def _attributed(send: Callable[..., Any]) -> Callable[..., Any]:
    """Notes each answer in the log of the processes: to which request, when that was sent, and who sent it."""
    from django.utils import timezone

    def noting(*args: Any, **options: Any) -> Any:
        sent_at = timezone.now().timestamp()
        content, status, headers = send(*args, **options)
        frames = [frame.name for frame in traceback.extract_stack() if "/stripe_mirror/" in frame.filename]
        id = next((value for name, value in headers.items() if name.lower() == "request-id"), "")
        print(f"{CALL}{id} {sent_at:.6f} {os.getpid()} {' > '.join(frames)}", flush=True)
        return content, status, headers

    return noting


def _say(**values: Any) -> None:
    sys.stdout.write(json.dumps(values) + "\n")
    sys.stdout.flush()


class Nursery:
    """The children and how they are made and killed."""

    def __init__(self, listener: socket.socket, log_path: str) -> None:
        self.listener = listener
        self.log_path = log_path
        self.children: set[int] = set()
        self.count = 0

    def obey(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one thing and say how it went."""
        if order["do"] == "kill":
            return {"killed": self.kill(order["pid"])}
        from django.conf import settings

        settings.STRIPE_API_BASE, settings.STRIPE_SECRET_KEY = order["stripe"], order["key"]
        self.count += 1
        if order["do"] == "command":
            pid = self.fork(lambda: _command(order["arguments"], order["output"]))
            self.children.discard(pid)
            return {"code": os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}
        name = f"{order['do']}-{self.count}"
        work: Work = self._serve if order["do"] == "web" else lambda: _work(name)
        return {"pid": self.fork(work), "name": name}

    def fork(self, work: Work) -> int:
        """A child that does this and nothing else."""
        pid = os.fork()
        if pid:
            self.children.add(pid)
            return pid
        code = 1
        try:
            self._become_child()
            work()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(code)

    def kill(self, pid: int) -> bool:
        """SIGKILL, and wait until it is gone; false where it had ended by itself."""
        self.children.discard(pid)
        if os.waitpid(pid, os.WNOHANG)[0]:
            return False
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        return True

    def kill_all(self) -> None:
        """None outlives the nursery."""
        for pid in list(self.children):
            self.kill(pid)

    def _become_child(self) -> None:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        log = os.open(self.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        nothing = os.open(os.devnull, os.O_RDONLY)
        os.dup2(nothing, 0)
        os.dup2(log, 1)
        os.dup2(log, 2)

    def _serve(self) -> None:
        from django.core.servers.basehttp import ThreadedWSGIServer

        from backoffice.wsgi import application

        server = ThreadedWSGIServer(self.listener.getsockname(), _QUIET(), bind_and_activate=False)
        server.socket.close()
        # The nursery's own: who comes while no server lives waits for the next one.
        server.socket = self.listener
        server.server_name, server.server_port = self.listener.getsockname()
        server.setup_environ()
        server.set_app(application)
        server.serve_forever(poll_interval=0.05)


def _QUIET() -> Any:
    from django.core.servers.basehttp import WSGIRequestHandler

    class Quiet(WSGIRequestHandler):
        """Logs no requests."""

        def log_message(self, format: str, *args: Any) -> None:
            pass

    return Quiet


def _work(name: str) -> None:
    from django.core.management import call_command

    call_command("db_worker", interval=0.02, startup_delay=False, worker_id=name, verbosity=0)


def _command(arguments: list[str], output: str) -> None:
    from django.core.management import call_command

    with Path(output).open("w") as file:
        call_command(*arguments, stdout=file)


if __name__ == "__main__":
    main(*sys.argv[1:])
