"""Which columns a kind has in a CSV: a django-import-export resource per kind, made from its model's derived columns.

A new kind gets its resource by itself. One that shows a kind otherwise is a subclass, named on the kind's admin class
(`export_resource`). Only derived columns are exported, and none that opens something to whoever holds it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, ClassVar, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Field, QuerySet
from django.db.models.fields.json import KeyTextTransform
from import_export import fields, resources, widgets

from stripe_mirror.admin.csv_cells import AmountCell, BooleanCell, MetadataCell, MomentCell, NumberCell, TextCell
from stripe_mirror.admin.csv_stream import ROWS_READ
from stripe_mirror.models import StripeObject
from stripe_mirror.models.fields import (
    FromJson,
    JsonBooleanField,
    JsonDateTimeField,
    JsonDecimalField,
    JsonForeignKey,
    JsonIntegerField,
)

# Whole numbers are minor units or counts, by Stripe's way of naming them. A name that says neither is refused: a
# wrong guess would put wrong amounts into a spreadsheet.
COUNT = re.compile(r"(^|_)(quantity|count|days?|months?|years?|redemptions|redeemed)$")
AMOUNT = re.compile(r"(^|_)(amount|balance|credit|debit|fee|net|subtotal|tax|total)(_|$)")
# Whoever holds one of these pays, sees or changes something without a login.
BEARER = re.compile(r"secret|^hosted_|(^|_)(url|pdf|token)$")


class StripeResource(resources.ModelResource):  # type: ignore[misc]
    """Columns of one kind. `rows` reads them without making objects."""

    # Attribute that names the currency, for amounts that don't follow `currency`.
    currencies: ClassVar[dict[str, str]] = {}

    def header(self) -> list[str]:
        """The columns' names, in order."""
        return [str(column.column_name) for column in self.get_export_fields()]

    def rows(self, queryset: QuerySet[Any]) -> Iterator[list[object]]:
        """The cells of each row, read in portions (a server-side cursor on PostgreSQL)."""
        columns = self.get_export_fields()
        renders = [column.widget.render for column in columns]
        names = list(dict.fromkeys([*(column.attribute for column in columns), *self._currencies_needed(columns)]))
        # Several columns may show the same attribute, each in its way.
        places = [names.index(column.attribute) for column in columns]
        if "metadata" in names:
            queryset = queryset.annotate(metadata=KeyTextTransform("metadata", "data"))
        for row in queryset.values_list(*names, named=True).iterator(chunk_size=ROWS_READ):
            yield [render(row[place], row) for render, place in zip(renders, places, strict=True)]

    @staticmethod
    def _currencies_needed(columns: list[Any]) -> list[str]:
        return [column.widget.currency for column in columns if isinstance(column.widget, AmountCell)]


def resource_for(model: type[StripeObject], base: type[StripeResource] = StripeResource) -> type[StripeResource]:
    """The resource of a model: `id`, `created`, the model's own columns as declared, `deleted_at`, `metadata`.

    Fields that `base` declares itself stay as they are.
    """
    own = [f for f in model._meta.concrete_fields if isinstance(f, FromJson) and f.name != "created"]
    names = ["id", "created", *(f.name for f in own if not is_bearer(f)), "deleted_at", "metadata"]
    columns = {name: _column(model, name, base) for name in names if name not in base.fields}
    order = _ordered(model, names, [name for name in base.fields if name not in names])
    meta = type("Meta", (), {"model": model, "fields": order, "export_order": order})
    return cast(type[StripeResource], type(f"{model.__name__}Resource", (base,), {**columns, "Meta": meta}))


def _ordered(model: type[StripeObject], names: list[str], more: list[str]) -> list[str]:
    """What a base declares comes last, but a currency stands before the first of its amounts."""
    if "currency" not in more:
        return [*names, *more]
    whole = [f.name for f in model._meta.concrete_fields if isinstance(f, JsonIntegerField) and is_amount(f)]
    first = min(names.index(name) for name in whole)
    return [*names[:first], "currency", *names[first:], *(name for name in more if name != "currency")]


def is_bearer(field: Field[Any, Any]) -> bool:
    """Whether the column's value opens something to whoever holds it."""
    paths = cast(FromJson, field).paths
    return any(BEARER.search(part) for path in paths for part in path.split("."))


def _column(model: type[StripeObject], name: str, base: type[StripeResource]) -> fields.Field:
    if name == "metadata":
        return fields.Field(attribute=name, column_name=name, widget=MetadataCell(), readonly=True)
    field = cast("Field[Any, Any]", model._meta.get_field(name))
    widget = MomentCell() if name == "deleted_at" else _widget(field, base)
    return fields.Field(attribute=field.attname, column_name=name, widget=widget, readonly=True)


def _widget(field: Field[Any, Any], base: type[StripeResource]) -> widgets.Widget:
    match field:
        case JsonDateTimeField():
            return MomentCell()
        case JsonBooleanField():
            return BooleanCell()
        case JsonDecimalField():
            return NumberCell()
        case JsonForeignKey():
            return TextCell()
        case JsonIntegerField():
            return AmountCell(_currency_of(field, base)) if is_amount(field) else NumberCell()
        case _:
            return TextCell()


def is_amount(field: Field[Any, Any]) -> bool:
    """Whether a whole number is minor units rather than a count. Raises where its name says neither."""
    if COUNT.search(field.name):
        return False
    if AMOUNT.search(field.name):
        return True
    raise ImproperlyConfigured(
        f"{field.model.__name__}.{field.name} is a whole number, but its name doesn't say whether it is an amount in "
        "minor units or a count, so it can't be exported. Add the word to COUNT or AMOUNT in admin/resources.py."
    )


def _currency_of(field: Field[Any, Any], base: type[StripeResource]) -> str:
    name = base.currencies.get(field.name, "currency")
    if name not in {f.name for f in field.model._meta.concrete_fields}:
        raise ImproperlyConfigured(
            f"{field.model.__name__}.{field.name} is an amount without a currency column. Name it in `currencies` of "
            "the kind's resource."
        )
    return name
