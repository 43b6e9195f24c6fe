"""`python -m tests.converge`: CONVERGE_EXAMPLES histories, half on SQLite and half on PostgreSQL, side by side.

They are the same each time; CONVERGE_RANDOM=1 draws others, and CONVERGE_SEED repeats those of a printed seed.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.converge.totals import sentence

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = 2000
POSTGRESQL = "postgres://postgres@127.0.0.1:5432/postgres"


def main() -> int:
    """Run both shards to their end; what one said that failed, or asked Stripe too often, is shown whole."""
    examples = int(os.environ.get("CONVERGE_EXAMPLES") or EXAMPLES)
    addresses = {"SQLite": "", "PostgreSQL": os.environ.get("TEST_DATABASE_URL") or POSTGRESQL}
    half = -(-examples // len(addresses))
    seed = int(os.environ.get("CONVERGE_SEED") or (random.randrange(10**6) if os.environ.get("CONVERGE_RANDOM") else 0))
    print(f"{half} histories on each of {' and '.join(addresses)}, CONVERGE_SEED={seed} …", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="converge-") as folder:
        shards = [
            # Other histories on the one than on the other.
            Shard(name, url, examples=half, seed=seed * len(addresses) + number, folder=Path(folder))
            for number, (name, url) in enumerate(addresses.items())
        ]
        codes = [shard.finish() for shard in shards]
    print(f"{half * len(addresses)} histories in {time.monotonic() - started:.0f} s")
    return max(codes)


class Shard:
    """One database's half, in a process of its own."""

    def __init__(self, name: str, url: str, *, examples: int, seed: int, folder: Path) -> None:
        self.name = name
        self.totals = folder / f"{name}.json"
        self.output = folder / f"{name}.txt"
        environment = {
            **os.environ,
            "CONVERGE_EXAMPLES": str(examples),
            "CONVERGE_SEED": str(seed),
            "CONVERGE_TOTALS": str(self.totals),
            "TEST_DATABASE_URL": url,
        }
        command = [sys.executable, "-m", "pytest", "tests/converge", "-s", "-p", "no:xdist", "-p", "no:cacheprovider"]
        with self.output.open("w") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)

    def finish(self) -> int:
        """Wait; its exit code."""
        code = self.process.wait()
        counts = json.loads(self.totals.read_text()) if self.totals.exists() else {}
        if code or counts.get("needless calls"):
            print(self.output.read_text(errors="replace"))
        print(f"{self.name}: {'failed after ' if code else ''}{sentence(counts)}", flush=True)
        return code


if __name__ == "__main__":
    raise SystemExit(main())
