"""How a change reads in a summary: "Email: old → new"."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stripe_mirror.push.metadata import difference


def change_line(label: str, old: Any, new: Any) -> str:
    """One field, before and after."""
    return f"{label}: {_shown(old)} → {_shown(new)}"


def metadata_lines(present: Mapping[str, str], wanted: Mapping[str, str]) -> list[str]:
    """Each entry of the metadata that changes."""
    return [change_line(f"Metadata “{k}”", present.get(k, ""), v) for k, v in difference(present, wanted).items()]


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value or "(empty)")
