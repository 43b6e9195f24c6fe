"""Things that happen at the same moment, each in a thread with a connection of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db import connections


def at_once(*functions: Callable[[], Any]) -> list[Any]:
    """Run all at the same moment, each in a thread with a connection of its own."""
    barrier, results = threading.Barrier(len(functions)), [None] * len(functions)

    def run(n: int, function: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[n] = function()
        except Exception as error:
            results[n] = error  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results
