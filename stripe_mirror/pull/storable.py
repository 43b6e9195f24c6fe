"""Text that PostgreSQL can't hold, replaced: NUL characters and halves of surrogate pairs become U+FFFD."""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\ufffd"
# With the replacement itself, so that what was replaced on the way (in the inbox) still counts as replaced.
UNSTORABLE = re.compile("[\0\ud800-\udfff\ufffd]")
# The same, escaped in JSON text; also matches whole pairs and escaped backslashes, which a closer look then spares.
ESCAPED = re.compile(r"\\u(0000|[dD][89a-fA-F])")


def storable(value: Any) -> tuple[Any, bool]:
    """The JSON value with such characters replaced, and whether there were any."""
    if isinstance(value, str):
        return (UNSTORABLE.sub(REPLACEMENT, value), True) if UNSTORABLE.search(value) else (value, False)
    if isinstance(value, list):
        items = [storable(item) for item in value]
        return ([item for item, _ in items], True) if any(found for _, found in items) else (value, False)
    if isinstance(value, dict):
        pairs = [(storable(key), storable(item)) for key, item in value.items()]
        if any(key[1] or item[1] for key, item in pairs):
            return {key[0]: item[0] for key, item in pairs}, True
    return value, False


def may_be_unstorable(json_text: str) -> bool:
    """Whether a look into the parsed value is needed."""
    return REPLACEMENT in json_text or "\0" in json_text or ESCAPED.search(json_text) is not None
