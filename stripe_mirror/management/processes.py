"""Runs the processes of a demo or a small installation side by side, and ends them all together."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

MANAGE = Path(sys.argv[0]).resolve() if sys.argv[0].endswith("manage.py") else Path("manage.py").resolve()
# How long a process may take to end after SIGTERM, in seconds.
GRACE = 8.0


class ProcessFailed(Exception):
    """A process ended that should have gone on; the message is a sentence with the end of its log."""


def free_port(wanted: int) -> int:
    """`wanted` if nothing listens there, else a port that the system gives."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return int(probe.getsockname()[1])
    raise OSError("no free port")


def _die_with_parent() -> None:
    """On Linux, have the kernel end this process when its parent is gone, even if that was killed."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            ctypes.CDLL(None).prctl(1, signal.SIGTERM)


@dataclass
class Processes:
    """A set of child processes with one environment and a log file each."""

    env: Mapping[str, str]
    logs: Path
    running: dict[str, subprocess.Popen[Any]] = field(default_factory=dict)

    def run(self, *arguments: str) -> None:
        """`manage.py …` to its end. Raises ProcessFailed where it fails."""
        sys.stdout.flush()
        done = subprocess.run([sys.executable, str(MANAGE), *arguments], env=dict(self.env), check=False)  # noqa: S603
        if done.returncode:
            raise ProcessFailed(f"`manage.py {' '.join(arguments)}` failed; see above.")

    def start(self, name: str, command: Sequence[str], *, env: Mapping[str, str] | None = None) -> None:
        """Start a process in a session of its own: Ctrl-C reaches only us, and we end it in order."""
        with self.log(name).open("ab") as log:
            self.running[name] = subprocess.Popen(  # noqa: S603
                list(command),
                env={**self.env, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )

    def log(self, name: str) -> Path:
        """Where a process's output goes."""
        return self.logs / f"{name}.log"

    def wait_for_port(self, name: str, port: int, *, seconds: float = 60) -> None:
        """Return when something answers on the port. Raises ProcessFailed when the process ends or time is up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.check()
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.1)
        raise ProcessFailed(
            f"The {name} did not answer on port {port} within {seconds:.0f} seconds.\n{self._tail(name)}"
        )

    def check(self) -> None:
        """Raise ProcessFailed if a process has ended."""
        for name, process in self.running.items():
            if process.poll() is not None:
                raise ProcessFailed(f"The {name} ended unexpectedly (code {process.returncode}).\n{self._tail(name)}")

    def watch(self) -> None:
        """Stay until a process ends (ProcessFailed) or we are told to stop (KeyboardInterrupt)."""
        while True:
            self.check()
            time.sleep(0.5)

    def stop(self) -> None:
        """End all, the last started first; what does not end in time is killed with its children."""
        for process in reversed(self.running.values()):
            _end(process)
        self.running.clear()

    def _tail(self, name: str) -> str:
        lines = self.log(name).read_text(errors="replace").splitlines()[-15:]
        return "\n".join([f"The end of {self.log(name)}:", *lines])


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
    # The whole session, for children that a killed parent would leave behind.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextlib.contextmanager
def stopping_at_the_end(processes: Processes) -> Iterator[Processes]:
    """End all processes however the block is left; SIGTERM is treated like Ctrl-C."""
    # A shell starts background jobs with Ctrl-C ignored, and Python would leave it so.
    previous = {sign: signal.signal(sign, _interrupt) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield processes
    finally:
        # A second Ctrl-C must not leave half of them running.
        for sign in previous:
            signal.signal(sign, signal.SIG_IGN)
        processes.stop()
        for sign, handler in previous.items():
            signal.signal(sign, handler)


def _interrupt(signum: int, frame: object) -> None:
    raise KeyboardInterrupt


def web_command(port: int, *, threads: int = 8) -> list[str]:
    """The web server: gunicorn with threads, so that a slow call to Stripe holds up nobody else."""
    return [
        sys.executable, "-m", "gunicorn", "backoffice.wsgi",
        "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread", "--workers", "1", "--threads", str(threads),
        "--timeout", "120", "--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket",
    ]  # fmt: skip


def worker_command() -> list[str]:
    """The background worker."""
    return [sys.executable, str(MANAGE), "db_worker"]


def hold_lock(path: Path) -> IO[str] | None:
    """An exclusive lock that ends with this process, or None where another one holds it."""
    import fcntl

    handle = path.open("a+")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        handle.close()
        return None
    return handle
