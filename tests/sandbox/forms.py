"""Form encoding, both ways: `a[b][0][c]=v` on the wire, nested dicts of text inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from tests.sandbox.errors import invalid


def decode_form(text: str) -> dict[str, Any]:
    """`items[0][price]=p&name=x` as nested dicts; indexes stay string keys, `[]` counts up."""
    root: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        *parents, last = name.replace("]", "").split("[")
        node = root
        for key in parents:
            child = node.setdefault(key or str(len(node)), {})
            if not isinstance(child, dict):
                raise invalid("Invalid object", param=parents[0])
            node = child
        node[last or str(len(node))] = value
    return root


def as_sent(value: Any) -> Any:
    """Python values as the stripe package would put them on the wire: `None`, `[]` and `{}` send nothing."""
    if isinstance(value, Mapping):
        kept = {str(key): as_sent(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item is not None} or None
    if isinstance(value, (list, tuple)):
        return as_sent({str(index): item for index, item in enumerate(value)})
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)


def flatten(value: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested parameters as `a[b][c]` pairs."""
    pairs: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}[{key}]" if prefix else key
        pairs += flatten(item, name) if isinstance(item, dict) else [(name, item)]
    return pairs
