"""Which columns an export can have: the kind's own, keys of its metadata, and those of the objects it belongs to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.db.models import ForeignKey, Model, QuerySet
from django.db.models.fields.json import KeyTransform
from django.utils.translation import gettext as _
from import_export.widgets import Widget

from stripe_mirror.admin.display import words
from stripe_mirror.admin.exports.cells import AmountCell, MetadataCell, TextCell, metadata_dict
from stripe_mirror.admin.exports.hidden import is_secret_key
from stripe_mirror.admin.exports.options import ExportOptions, WrongOptions
from stripe_mirror.admin.exports.personal import is_personal
from stripe_mirror.admin.exports.resources import resource_of
from stripe_mirror.models import StripeObject

OWN, METADATA, RELATED = "own", "metadata", "related"
METADATA_PREFIX = "metadata."
# Stripe's limit for keys.
LONGEST_KEY = 40
# How many rows are looked into for keys of metadata, the newest of the list; and the most keys that are offered.
SAMPLE, MOST_KEYS = 5_000, 200
# What a related object's columns leave out: its id is the kind's own column.
ASIDE = frozenset({"id", "deleted_at", "version", "metadata"})
# Behind the header of an amount that isn't in the currency's major unit.
MINOR_UNITS = " (minor units)"


@dataclass(frozen=True)
class Column:
    """What a file can say about each row, under one header."""

    # Stable: "email", "metadata.plan", "customer.email". Options name columns by it.
    name: str
    # As it stands in the file where amounts are in major units; see `header_of`.
    header: str
    # One of OWN, METADATA and RELATED.
    group: str
    # Masked for whoever may not see personal data.
    personal: bool
    # Whether the file has it where nobody chose.
    default: bool
    # What the database reads, as a lookup from the row; of a metadata column, Stripe's object.
    path: str
    # How a value is written.
    widget: Widget
    # The metadata key, of a metadata column.
    key: str = ""

    @property
    def label(self) -> str:
        """What the column is called, in the reader's language; a key of metadata as it is."""
        return self.key or ": ".join(words(part) for part in self.name.split("."))

    @property
    def currency(self) -> str:
        """Where the amount's currency is read; "" for what is no amount."""
        if not isinstance(self.widget, AmountCell):
            return ""
        *relation, _attribute = self.path.split("__")
        return "__".join([*relation, self.widget.currency])


class UnknownColumn(WrongOptions):
    """No column has that name; the message names it and what there is."""


def header_of(column: Column, options: ExportOptions) -> str:
    """The column's header, which says so where an amount is in minor units."""
    return f"{column.header}{MINOR_UNITS}" if options.minor_units and column.currency else column.header


@cache
def _columns_of(model: type[Model]) -> tuple[Column, ...]:
    return (*_own(model), *(column for relation in _relations(model) for column in _related(model, relation)))


def columns_of(model: type[Model]) -> list[Column]:
    """The own columns in their order, then those of each related object; keys of metadata are found in the rows."""
    return list(_columns_of(model))


def default_columns(model: type[Model]) -> list[Column]:
    """Those that a file has where nobody chose."""
    return [column for column in _columns_of(model) if column.default]


def columns_named(model: type[Model], names: Iterable[str]) -> list[Column]:
    """The columns of these names, in this order; the default ones for no names. Raises UnknownColumn."""
    offered = {column.name: column for column in _columns_of(model)}
    found = [offered.get(name) or _metadata_column(model, name) for name in names]
    return found or default_columns(model)


def metadata_keys(queryset: QuerySet[Any]) -> list[str]:
    """The keys in the metadata of the first SAMPLE rows of the list, the usual ones first; at most MOST_KEYS.

    A rare key may not be among them; it can be named all the same. What opens doors is left out.
    """
    if not issubclass(queryset.model, StripeObject):
        return []
    rows = queryset.annotate(found=KeyTransform("metadata", "data")).values_list("found", flat=True)[:SAMPLE]
    counted = Counter(key for found in rows for key in metadata_dict(found))
    keys = [key for key, _count in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    return [key for key in keys if _may_be_key(key)][:MOST_KEYS]


def _own(model: type[Model]) -> list[Column]:
    return [
        Column(
            name=str(field.column_name),
            header=str(field.column_name),
            group=OWN,
            personal=is_personal(model, str(field.column_name)),
            default=True,
            path="data" if isinstance(field.widget, MetadataCell) else str(field.attribute),
            widget=field.widget,
        )
        for field in resource_of(model)().get_export_fields()
    ]


def _relations(model: type[Model]) -> list[Any]:
    """The objects that a row belongs to."""
    fields = model._meta.concrete_fields if issubclass(model, StripeObject) else ()
    return [f for f in fields if isinstance(f, ForeignKey) and issubclass(f.related_model, StripeObject)]


def _related(model: type[Model], relation: Any) -> list[Column]:
    """What stands on the related object itself, but not what it belongs to in turn."""
    target = relation.related_model
    further = {field.name for field in _relations(target)}
    return [
        Column(
            name=f"{relation.name}.{own.name}",
            header=f"{relation.name}.{own.name}",
            group=RELATED,
            personal=own.personal,
            default=False,
            path=f"{relation.name}__{own.path}",
            widget=own.widget,
        )
        for own in _own(target)
        if own.name not in ASIDE | further
    ]


def _metadata_column(model: type[Model], name: str) -> Column:
    key = name.removeprefix(METADATA_PREFIX)
    if not (issubclass(model, StripeObject) and name.startswith(METADATA_PREFIX) and _may_be_key(key)):
        raise UnknownColumn(_no_column(model, name))
    personal = is_personal(model, "metadata")
    return Column(name, name, METADATA, personal, default=False, path="data", widget=TextCell(), key=key)


def _may_be_key(key: str) -> bool:
    return 0 < len(key) <= LONGEST_KEY and "\x00" not in key and not is_secret_key(key)


def _no_column(model: type[Model], name: str) -> str:
    offered = ", ".join(column.name for column in _columns_of(model))
    return _("There is no column “%(name)s”. There are: %(offered)s.") % {
        "name": name[:64],
        "offered": f"{offered}, {METADATA_PREFIX}…",
    }
