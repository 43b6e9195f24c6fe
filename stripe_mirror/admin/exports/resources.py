"""Which columns a kind has in a CSV: a django-import-export resource per kind, made from its model's derived columns.

A new kind gets its resource by itself. One that shows a kind otherwise is a subclass decorated with `@declares(model)`.
Only columns are exported, never Stripe's object itself, and none that opens something to whoever holds it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from django.core.exceptions import ImproperlyConfigured
from django.db.models import (
    BooleanField,
    DateTimeField,
    DecimalField,
    Field,
    ForeignKey,
    IntegerField,
    Model,
)
from import_export import fields, resources, widgets

from stripe_mirror.admin.exports.cells import (
    AmountCell,
    BooleanCell,
    CountCell,
    MetadataCell,
    MomentCell,
    NumberCell,
    TextCell,
)
from stripe_mirror.models import StripeObject

# Whole numbers are minor units or counts, by Stripe's way of naming them. A name that says neither is refused: a
# wrong guess would put wrong amounts into a spreadsheet.
COUNT = re.compile(r"(^|_)(quantity|count|days?|months?|years?|redemptions|redeemed|position|version)$")
AMOUNT = re.compile(r"(^|_)(amount|balance|credit|debit|fee|net|subtotal|tax|total)(_|$)")
# Whoever holds one of these pays, sees or changes something without a login.
BEARER = re.compile(r"secret|^hosted_|(^|_)(url|pdf|token)$")


class StripeResource(resources.ModelResource):  # type: ignore[misc]
    """Columns of one kind: each with its header, what it reads, and how a value of it is written."""

    # Attribute that names the currency, for amounts that don't follow `currency`.
    currencies: ClassVar[dict[str, str]] = {}

    def header(self) -> list[str]:
        """The columns' names, in order."""
        return [str(column.column_name) for column in self.get_export_fields()]


_DECLARED: dict[type[Model], type[StripeResource]] = {}
Resource = TypeVar("Resource", bound=type[StripeResource])


def declares(model: type[Model]) -> Callable[[Resource], Resource]:
    """For a resource whose columns differ from what the model says, or whose model is none of Stripe's."""

    def declare(resource: Resource) -> Resource:
        _DECLARED[model] = resource
        return resource

    return declare


@cache
def resource_of(model: type[Model]) -> type[StripeResource]:
    """The model's resource, made once."""
    declared = _DECLARED.get(model, StripeResource)
    return resource_for(model, declared) if issubclass(model, StripeObject) else declared


def resource_for(model: type[StripeObject], base: type[StripeResource] = StripeResource) -> type[StripeResource]:
    """The resource of a model: `id`, `created`, the model's own columns as declared, and what is known of the row.

    Fields that `base` declares itself stay as they are.
    """
    names = ["id", "created", *(f.name for f in own_fields(model)), "deleted_at", "version", "metadata"]
    columns = {name: _column(model, name, base) for name in names if name not in base.fields}
    order = [*names, *(name for name in base.fields if name not in names)]
    meta = type("Meta", (), {"model": model, "fields": order, "export_order": order})
    return cast(type[StripeResource], type(f"{model.__name__}Resource", (base,), {**columns, "Meta": meta}))


def own_fields(model: type[StripeObject]) -> list[Field[Any, Any]]:
    """What the kind has of its own, but for what opens something; a currency stands before its amounts."""
    shared = {field.name for field in StripeObject._meta.get_fields()}
    own: list[Any] = [f for f in model._meta.concrete_fields if f.name not in shared and not is_bearer(f)]
    return own


def is_bearer(field: Field[Any, Any]) -> bool:
    """Whether the column's value opens something to whoever holds it."""
    paths = getattr(field, "paths", (field.name,))
    return any(BEARER.search(part) for path in paths for part in path.split("."))


def _column(model: type[StripeObject], name: str, base: type[StripeResource]) -> fields.Field:
    if name == "metadata":
        return fields.Field(attribute=name, column_name=name, widget=MetadataCell(), readonly=True)
    field = cast("Field[Any, Any]", model._meta.get_field(name))
    widget = _widget(field, base)
    return fields.Field(attribute=field.attname, column_name=name, widget=widget, readonly=True)


def _widget(field: Field[Any, Any], base: type[StripeResource]) -> widgets.Widget:
    match field:
        case DateTimeField():
            return MomentCell()
        case BooleanField():
            return BooleanCell()
        case DecimalField():
            return NumberCell()
        case ForeignKey():
            return TextCell()
        case IntegerField():
            return AmountCell(_currency_of(field, base)) if is_amount(field) else CountCell()
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
        "minor units or a count, so it can't be exported. Add the word to COUNT or AMOUNT in exports/resources.py."
    )


def _currency_of(field: Field[Any, Any], base: type[StripeResource]) -> str:
    name = base.currencies.get(field.name, "currency")
    if name not in {f.name for f in field.model._meta.concrete_fields}:
        raise ImproperlyConfigured(
            f"{field.model.__name__}.{field.name} is an amount without a currency column. Name it in `currencies` of "
            "the kind's resource."
        )
    return name
