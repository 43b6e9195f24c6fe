"""What the page of an object asks about its tables. Imports nothing of the admin: tags are loaded before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django import template

register = template.Library()


@register.simple_tag
def any_rows(*tables: Any) -> bool:
    """Whether any of the tables, or lists of tables, has rows: without, the facts have the page's wide column."""
    each = (one for given in tables for one in (given if isinstance(given, Iterable) else [given]))
    return any(getattr(table, "rows", None) for table in each)
