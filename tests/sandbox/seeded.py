"""The seeded company for tests that each need one of their own: built once in a process, copied from then on."""

import json
from functools import cache

from tests.sandbox import snapshots
from tests.sandbox.seed import seed
from tests.sandbox.server import Sandbox


def seeded(sandbox: Sandbox, customers: int) -> None:
    """Fill an empty sandbox as `seed` does; its history ends when the first one was built, and has gone on since."""
    snapshots.take(sandbox, json.loads(_company(customers)))


@cache
def _company(customers: int) -> str:
    sandbox = Sandbox()
    seed(sandbox, customers=customers)
    return snapshots.text(sandbox)
