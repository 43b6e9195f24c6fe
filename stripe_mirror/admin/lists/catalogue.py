"""Which columns a kind's list can show: its own, every derived one, and single keys of the metadata."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from django.utils.translation import gettext as _

from stripe_mirror.admin import columns, display
from stripe_mirror.admin.columns import Column
from stripe_mirror.language import as_written

METADATA = "metadata."
# Stripe's limit for keys.
LONGEST_KEY = 40
MOST_COLUMNS = 40


@cache
def offered_columns(model_admin: Any) -> dict[str, Column]:
    """The columns of a kind by name: first its list's own in their order, then the others."""
    found = {column.__name__: column for column in own_columns(model_admin)}
    labels = {as_written(column.short_description).lower() for column in found.values()}
    more = (columns.ID, columns.STATUS, *columns.derived_columns(model_admin.model), columns.CREATED)
    return found | {
        c.__name__: c for c in more if c.__name__ not in found and as_written(c.short_description).lower() not in labels
    }


@cache
def own_columns(model_admin: Any) -> tuple[Column, ...]:
    """The columns that a kind's list has where nobody has chosen others."""
    declared = list(model_admin.list_display)
    return tuple(declared if declared != ["__str__"] else model_admin.default_columns)


def own_names(model_admin: Any) -> list[str]:
    """Their names."""
    return [column.__name__ for column in own_columns(model_admin)]


def column_named(model_admin: Any, name: str) -> Column | None:
    """The column of a name; None where there is none (any more)."""
    found = offered_columns(model_admin).get(name)
    key = name.removeprefix(METADATA)
    if found or not name.startswith(METADATA) or not 0 < len(key) <= LONGEST_KEY or "\x00" in key:
        return found
    return metadata_column(key)


def metadata_column(key: str) -> Column:
    """One key of Stripe's metadata."""
    return Column(f"{METADATA}{key}", key, lambda row: display.plain(row.metadata.get(key)))


def columns_named(model_admin: Any, names: Iterable[str]) -> list[Column]:
    """The columns of these names, each once; what doesn't exist (any more) is left out."""
    found = (column_named(model_admin, name) for name in dict.fromkeys(names))
    return [column for column in found if column][:MOST_COLUMNS]


def unknown_names(model_admin: Any, names: Iterable[str]) -> list[str]:
    """Those of the names that are no column, as a sentence each."""
    gone = [name for name in dict.fromkeys(names) if not column_named(model_admin, name)]
    return [_("There is no column “%(name)s”.") % {"name": name[:40]} for name in gone]


def relations_of(model_admin: Any, names: Iterable[str]) -> list[str]:
    """The relations among the columns' names: their objects are read together with the rows."""
    model = model_admin.model
    related = {field.name for field in model._meta.concrete_fields if field.is_relation}
    return [name for name in names if name in related]


def metadata_keys(rows: Iterable[Any]) -> list[str]:
    """The keys that occur in these rows, sorted."""
    return sorted({key[:LONGEST_KEY] for row in rows for key in getattr(row, "metadata", {}) if key})
