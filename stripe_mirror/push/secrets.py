"""Keeps Stripe's keys and secrets out of forms, push rows and messages (S61), and what no database can hold."""

import re
from collections.abc import Mapping
from typing import Any

from stripe_mirror.stripe_api.errors import SECRET, scrubbed

__all__ = ["holds_nul", "holds_secret", "scrubbed"]

NUL = re.compile("\0")


def holds_secret(value: Any) -> bool:
    """Whether a form's value contains a key or secret, at any depth."""
    return _holds(value, SECRET)


def holds_nul(value: Any) -> bool:
    """Whether a form's value contains a NUL character, at any depth."""
    return _holds(value, NUL)


def _holds(value: Any, pattern: re.Pattern[str]) -> bool:
    if isinstance(value, str):
        return bool(pattern.search(value))
    if isinstance(value, Mapping):
        return any(_holds(part, pattern) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple) and any(_holds(part, pattern) for part in value)
