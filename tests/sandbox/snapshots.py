"""Snapshots: the whole state as one JSON file, written beside the old one and moved over it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.sandbox.server import Sandbox

FORMAT = 1


def save(sandbox: Sandbox, path: Path) -> None:
    """Write the state; only tables that changed since the last time are serialised again."""
    partial = path.with_name(path.name + ".partial")
    partial.write_text(text(sandbox))
    partial.replace(path)


def text(sandbox: Sandbox) -> str:
    """The state as it stands in the file."""
    with sandbox.lock:
        parts = [f'"tables":{{{",".join(_table_text(sandbox, name) for name in sandbox.tables)}}}']
        parts.append(f'"rest":{json.dumps(_rest(sandbox))}')
    return "{" + ",".join(parts) + "}"


def _table_text(sandbox: Sandbox, name: str) -> str:
    table = sandbox.tables[name]
    if table.text is None or table.text[0] != table.version:
        table.text = (table.version, f"{json.dumps(name)}:{json.dumps(table.dump())}")
    return table.text[1]


def _rest(sandbox: Sandbox) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "clock": sandbox.clock.dump(),
        "random": sandbox.random.getstate(),
        "keys": sandbox.keys.dump(),
        "timers": sandbox.timers.dump(),
        "sequences": sandbox.sequences,
        "after_dunning": sandbox.after_dunning,
    }


def state_version(sandbox: Sandbox) -> tuple[int, ...]:
    """Changes whenever the state does."""
    with sandbox.lock:
        return (*(table.version for table in sandbox.tables.values()), sandbox.clock.offset, len(sandbox.keys.answers))


def load(sandbox: Sandbox, path: Path) -> None:
    """Read the state; deliveries that were still owed start again."""
    dumped = json.loads(path.read_text())
    if dumped["rest"]["format"] != FORMAT:
        raise ValueError(f"{path} was written by another version of the sandbox. Delete it to start over.")
    take(sandbox, dumped)


def take(sandbox: Sandbox, dumped: dict[str, Any]) -> None:
    """Have this state from now on."""
    rest = dumped["rest"]
    with sandbox.lock:
        for name, table in sandbox.tables.items():
            if name in dumped["tables"]:
                table.restore(dumped["tables"][name])
            else:
                table.clear()
        sandbox.clock.restore(rest["clock"])
        version, internal, gauss = rest["random"]
        sandbox.random.setstate((version, tuple(internal), gauss))
        sandbox.keys.restore(rest["keys"])
        sandbox.timers.restore(rest["timers"])
        sandbox.sequences = rest["sequences"]
        sandbox.after_dunning = rest["after_dunning"]
        _resume_deliveries(sandbox)


def _resume_deliveries(sandbox: Sandbox) -> None:
    events, endpoints = sandbox.table("event"), sandbox.table("webhook_endpoint")
    for event_id, secret in events.private.items():
        for endpoint_id in secret.get("pending", []):
            if event_id in events.rows and endpoint_id in endpoints.rows:
                sandbox.deliveries.enqueue(events.rows[event_id], endpoints.rows[endpoint_id])
