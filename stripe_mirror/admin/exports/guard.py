"""Text that a spreadsheet can't take for a formula, and back: one rule for the export and the import that reads it.

A spreadsheet calculates what begins with = + - or @ (plain, full-width or small), and what a tab or carriage return
leads; spaces, quotes and invisible marks before it are looked past. A negative number calculates nothing. Where a file
is opened with another separator, the same holds behind each separator and line break inside a text. In all of these
places an apostrophe is put before, and `plain_cell` takes just these away. It is exact: an apostrophe changes neither
what is dangerous nor where.
"""

from __future__ import annotations

import re

# What is looked past: controls, spaces, quotes, and marks that nobody sees. The apostrophe itself is among them, which
# makes the rule exact.
PASSED = (
    "\\x00-\\x20\\x7f-\\xa0\\xad\"'\\u061c\\u1680\\u180e\\u2000-\\u200f\\u2018-\\u201f\\u2028-\\u202f\\u205f-\\u206f"
    "\\u3000\\ufeff\\uff02\\uff07"
)
# What calculates: = + - @, their full-width and small forms, the minus sign, tab and carriage return.
RUN = "=+@\\t\\r\\u2212\\ufe62\\ufe63\\ufe66\\ufe6b\\uff0b\\uff0d\\uff1d\\uff20-"
# Where a cell may begin inside a text.
SEPARATORS = ",;|\\t\\r\\n"

NUMBER = f"-[0-9]+(?:\\.[0-9]+)?(?:\\Z|[{SEPARATORS}])"
DANGER = f"(?!{NUMBER})[{PASSED}]*[{RUN}]"
# Whether a text, or any of several behind a separator, needs an apostrophe.
DANGEROUS = re.compile(f"(?:^|[{SEPARATORS}]){DANGER}")
_BEFORE = re.compile(f"(?:^|(?<=[{SEPARATORS}]))(?={DANGER})")
_APOSTROPHE = re.compile(f"(?:^|(?<=[{SEPARATORS}]))'(?={DANGER})")


def safe_cell(text: str) -> str:
    """The text as a spreadsheet may open it: "=1+1" → "'=1+1", "a;-2" → "a;'-2"; most stay as they are."""
    return _BEFORE.sub("'", text) if DANGEROUS.search(text) else text


def plain_cell(text: str) -> str:
    """The text that `safe_cell` or `typed_cell` was given."""
    return _APOSTROPHE.sub("", text)


def typed_cell(text: str) -> str:
    """For a file whose cells say that they are text, such as XLSX: as it is, unless `plain_cell` would change it."""
    return text if plain_cell(text) == text else safe_cell(text)
