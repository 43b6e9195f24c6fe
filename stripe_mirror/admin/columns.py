"""Columns: one declaration serves as a list's column and as a fact on the detail page."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from stripe_mirror.admin import display
from stripe_mirror.admin.status import status_of
from stripe_mirror.language import as_written


class Column:
    """A named way to show something of a row. Django's admin takes it wherever it takes a callable."""

    def __init__(
        self,
        name: str,
        label: str | Promise,
        show: Callable[[Any], SafeString],
        *,
        order: str = "",
        numeric: bool = False,
    ) -> None:
        self.__name__ = name
        self.short_description = label
        self.show = show
        self.numeric = numeric
        # Only orderings that an index carries are offered.
        self.admin_order_field = order or None

    @property
    def label(self) -> str:
        """What it is called, in the person's language."""
        return str(self.short_description)

    def __call__(self, row: Any) -> SafeString:
        try:
            return self.show(row)
        except display.ODD_SHAPE:
            return display.UNREADABLE


@dataclass(frozen=True, kw_only=True)
class FactGroup:
    """Facts under one heading of the detail page."""

    title: str | Promise
    facts: tuple[Column, ...]
    # Leave out what isn't set; a group without facts isn't shown.
    only_set: bool = False


@dataclass(frozen=True, kw_only=True)
class Related:
    """A table of other objects on a detail page: the newest few, and a link to all of them."""

    title: str | Promise
    # Stripe's `object` of the rows, and their column that names this object.
    object: str
    lookup: str
    columns: tuple[Column, ...]
    # Relations that the columns show.
    select: tuple[str, ...] = ()
    # Leave the table out while it has no rows; for what few objects have, on pages that have other tables.
    if_any: bool = False
    # So many of the newest are shown.
    shown: int = 10


def name_of(label: str | Promise) -> str:
    """A column's label as a name for CSS and addresses, in any language the same."""
    return as_written(label).lower().replace(" ", "_")


def text(field: str, label: str | Promise = "") -> Column:
    """A text column as it is."""
    label = label or display.words_lazily(field)
    return Column(field, label, lambda row: display.plain(getattr(row, field)))


def enum(field: str, label: str | Promise = "", *, named: Mapping[str, Any] | None = None) -> Column:
    """One of Stripe's enum values, as words; `named` has better ones for some."""
    names = named or {}
    label = label or display.words_lazily(field)
    return Column(
        field, label, lambda row: display.plain(names.get(getattr(row, field)) or display.words(getattr(row, field)))
    )


def amount(field: str, label: str | Promise = "") -> Column:
    """Minor units beside the row's currency."""
    label = label or display.words_lazily(field)
    return Column(field, label, lambda row: display.money(getattr(row, field), row.currency), numeric=True)


def number(field: str, label: str | Promise = "") -> Column:
    """A count."""
    return Column(
        field, label or display.words_lazily(field), lambda row: display.plain(getattr(row, field)), numeric=True
    )


def moment(field: str, label: str | Promise = "", *, order: bool = False) -> Column:
    """A point in time."""
    label = label or display.words_lazily(field)
    return Column(field, label, lambda row: display.when(getattr(row, field)), order=field if order else "")


def day(field: str, label: str | Promise = "", *, order: bool = False) -> Column:
    """The day of a point in time, for lists that have no room for the hour; the moment on hover."""
    label = label or display.words_lazily(field)
    return Column(field, label, lambda row: display.day(getattr(row, field)), order=field if order else "")


def bank_day(field: str, label: str | Promise = "", *, order: bool = False) -> Column:
    """A date of the bank's, the same in every zone."""
    label = label or display.words_lazily(field)
    return Column(field, label, lambda row: display.bank_day(getattr(row, field)), order=field if order else "")


def flag(field: str, label: str | Promise = "") -> Column:
    """Yes or no."""
    return Column(field, label or display.words_lazily(field), lambda row: display.yes_no(getattr(row, field)))


def relation(field: str, label: str | Promise = "") -> Column:
    """A link to another mirrored object; list the field in `list_select_related`."""
    label = label or display.words_lazily(field)
    return Column(field, label, lambda row: display.row_link(getattr(row, field), getattr(row, f"{field}_id")))


def made(label: str | Promise, show: Callable[[Any], Any], *, numeric: bool = False) -> Column:
    """Something computed from the row; what isn't marked safe is escaped."""
    return Column(name_of(label), label, lambda row: _safe(show(row)), numeric=numeric)


def _safe(value: Any) -> SafeString:
    return value if isinstance(value, SafeString) else display.plain(value)


def status_pill(row: Any) -> SafeString:
    """The row's state in words."""
    found = status_of(row)
    if found is None:
        return display.EMPTY
    shown = display.pill(found.lead or found.text, found.tone)
    if not found.rest:
        return shown
    rest = display.plain(found.rest)
    return format_html('<span class="sm-status">{} <span class="sm-status-rest">{}</span></span>', shown, rest)


def linked(label: str | Promise, show: Callable[[Any], Any], *, numeric: bool = False) -> Column:
    """A link to the row itself, under something that says what it is."""

    def cell(row: Any) -> SafeString:
        url = display.object_url(row)
        return format_html('<a class="sm-link" href="{}">{}</a>', url, _safe(show(row)))

    return Column(name_of(label), label, cell, numeric=numeric)


AMOUNT = _("Amount")


def linked_amount(label: str | Promise = AMOUNT) -> Column:
    """A payment is best known by its amount."""
    return linked(label, lambda row: display.money(row.amount, row.currency), numeric=True)


NAME = Column("headline", _("Name"), lambda row: display.plain(display.name_of(row)))
ID = Column("stripe_id", _("ID"), lambda row: display.mono(row.pk))
STATUS = Column("status_words", _("Status"), status_pill)
CREATED = moment("created", order=True)

MONEY_NAMES = ("amount", "total", "subtotal", "balance", "fee", "net")


def column_for(field: models.Field[Any, Any], *, currency: bool) -> Column:
    """The plain column for a derived field, by its type: what a kind without declarations of its own is shown with."""
    label = display.words_lazily(field.verbose_name)
    if isinstance(field, models.ForeignKey):
        return relation(field.name, label)
    if isinstance(field, models.DateTimeField):
        return moment(field.name, label)
    if isinstance(field, models.BooleanField):
        return flag(field.name, label)
    if isinstance(field, models.IntegerField | models.DecimalField):
        is_money = currency and any(part in MONEY_NAMES for part in field.name.split("_"))
        return amount(field.name, label) if is_money else number(field.name, label)
    return text(field.name, label)


def derived_columns(model: type[models.Model]) -> tuple[Column, ...]:
    """A column for each derived field of a mirrored model, in the order of its declaration."""
    fields = [f for f in model._meta.concrete_fields if hasattr(f, "paths") and f.name != "created"]
    currency = any(f.name == "currency" for f in fields)
    return tuple(column_for(f, currency=currency) for f in fields)
