"""The nursery's other end: starts and kills the web servers and workers of a test."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from django.db import connection

from tests.sandbox.testing import API_KEY

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Child:
    """A running process."""

    pid: int
    name: str


class Processes:
    """The nursery as a subprocess on the database of this test run."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "processes.log"
        self.log.touch()
        self.folder = folder
        self.living: dict[str, list[Child]] = {"web": [], "worker": []}
        self.stripe = ""
        command = [sys.executable, "-m", "tests.converge.nursery", str(folder / "clock"), str(self.log)]
        self._nursery = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "tests.settings", "TEST_DATABASE_URL": database_url()},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self._heard()["port"])

    @property
    def receiver(self) -> str:
        """Where events are delivered."""
        return f"http://127.0.0.1:{self.port}/stripe-webhooks/"

    def start(self, kind: str) -> Child:
        """One more web server or worker."""
        answer = self._tell(do=kind, stripe=self.stripe, key=API_KEY)
        child = Child(answer["pid"], answer["name"])
        self.living[kind].append(child)
        return child

    def kill(self, kind: str) -> bool:
        """SIGKILL the oldest of its kind; false where none lives."""
        if not self.living[kind]:
            return False
        child = self.living[kind].pop(0)
        assert self._tell(do="kill", pid=child.pid)["killed"], f"{child.name} had died by itself; see {self.log}"
        return True

    def kill_all(self) -> None:
        """SIGKILL everything."""
        for kind, children in self.living.items():
            while children:
                self.kill(kind)

    def command(self, *arguments: str) -> tuple[int, str]:
        """Run a management command to its end: exit code and output."""
        output = self.folder / "output"
        answer = self._tell(
            do="command", arguments=list(arguments), output=str(output), stripe=self.stripe, key=API_KEY
        )
        return int(answer["code"]), output.read_text()

    def close(self) -> None:
        """The nursery ends when its input does, and takes the children with it."""
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        self._nursery.wait(20)

    def _tell(self, **order: Any) -> dict[str, Any]:
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(json.dumps(order) + "\n")
        self._nursery.stdin.flush()
        return self._heard()

    def _heard(self) -> dict[str, Any]:
        assert self._nursery.stdout is not None
        line = self._nursery.stdout.readline()
        if not line:
            raise AssertionError(f"The nursery died; see {self.log} and above.")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *failure: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def database_url() -> str:
    """This run's test database, for another process."""
    held = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{held['NAME']}"
    password = f":{quote(held['PASSWORD'], safe='')}" if held["PASSWORD"] else ""
    return f"postgres://{held['USER']}{password}@{held['HOST']}:{held['PORT'] or 5432}/{held['NAME']}"
