"""Keeps Stripe's keys and secrets out of forms, push rows and messages (S61)."""

import re
from collections.abc import Mapping
from typing import Any

# Also as Stripe masks them in its messages: "rk_test_****abcd".
SECRET = re.compile(r"\b(?:(?:sk|rk)_(?:live|test)_|whsec_)[\w*]+")


def scrubbed(text: str) -> str:
    """The text without keys and secrets."""
    return SECRET.sub("(key removed)", text)


def holds_secret(value: Any) -> bool:
    """Whether a form's value contains a key or secret, at any depth."""
    if isinstance(value, str):
        return bool(SECRET.search(value))
    if isinstance(value, Mapping):
        return any(holds_secret(part) for pair in value.items() for part in pair)
    return isinstance(value, list | tuple) and any(map(holds_secret, value))
