"""Stripe's object as it is stored, for those who want to see it, without what opens doors."""

from __future__ import annotations

import json
import re
from typing import Any

from stripe_mirror.admin.display import HIDDEN, without_secrets
from stripe_mirror.pull.compare import DOORS

# Files that were uploaded as evidence: whose id is known can be asked for.
FILE = re.compile(r"^file_\w+")


def masked(value: Any, *, key: str = "") -> Any:
    """A copy of the JSON with secrets and links to hosted pages hidden."""
    if key in DOORS and value is not None:
        return HIDDEN
    if isinstance(value, dict):
        return {name: _masked_in(value, name, part) for name, part in value.items()}
    if isinstance(value, list):
        return [masked(part) for part in value]
    if not isinstance(value, str):
        return value
    return HIDDEN if FILE.match(value) or (key == "url" and value.startswith("http")) else without_secrets(value)


def _masked_in(owner: dict[str, Any], name: str, value: Any) -> Any:
    """A product's `url` is the shop's public page; any other may be a page of Stripe's that asks for no password."""
    public = name == "url" and owner.get("object") in ("product", "webhook_endpoint")
    return masked(value, key="" if public else name)


def raw_json(value: Any) -> str:
    """Pretty JSON, masked."""
    return json.dumps(masked(value), indent=2, ensure_ascii=False)
