"""How a cell of a file reads as a form's value: a function per field. Raises WrongCell with a sentence for the field.

An empty cell empties the field, but where a choice can't be empty it leaves it alone, as does a masked one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, cast

from django import forms
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _

from stripe_mirror.push.amounts import AmountField
from stripe_mirror.push.coupon_forms import ProductsField
from stripe_mirror.push.customer_forms import LocalesField
from stripe_mirror.push.editing import LinesField
from stripe_mirror.push.metadata import MetadataField
from stripe_mirror.push.moments import MomentField
from stripe_mirror.push.price_forms import UnitAmountField, as_parameter

# What exports put in the place of what a person may not see: never a value.
MASK = "•••"
YES = frozenset(["true", "yes", "1", "x", "y", "on", "ja", "wahr"])
NO = frozenset(["", "false", "no", "0", "n", "off", "nein", "falsch"])
WHOLE = re.compile(r"[+-]?\d+(?:\.0+)?")


class WrongCell(ValueError):
    """The cell says nothing that the field can hold; the message is a sentence."""


class LeaveAlone(Exception):
    """The cell changes nothing."""


Read = Callable[[str], Any]


def reader(field: forms.Field, *, minor_units: bool, values: Mapping[str, str]) -> Read:
    """How this field's cells read; `values` are what exports write for its own."""
    for kind, read in READERS:
        if isinstance(field, kind):
            return read(field, minor_units)
    if isinstance(field, forms.ChoiceField):
        return _choice(field, values)
    return _text


def is_masked(text: str) -> bool:
    """Whether something was left out of the cell when it was exported."""
    return MASK in text


def _text(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _choice(field: forms.ChoiceField, values: Mapping[str, str]) -> Read:
    offered = [(str(value), str(words)) for value, words in cast("Iterable[tuple[Any, Any]]", field.choices)]
    known = {words.casefold(): value for value, words in offered} | {v.casefold(): v for v, _words in offered}
    known |= {written.casefold(): value for written, value in values.items()}
    # Fields with choices of the row's own list none here: what they take, the form says.
    may_be_empty = not offered or any(not value for value, _words in offered)

    def read(text: str) -> str:
        text = text.strip()
        if not text and not may_be_empty:
            raise LeaveAlone
        return known.get(text.casefold(), text)

    return read


def _boolean(field: forms.Field, minor_units: bool) -> Read:
    def read(text: str) -> bool:
        word = text.strip().casefold()
        if word in YES or word in NO:
            return word in YES
        raise WrongCell(_("Write true or false."))

    return read


def _moment(field: forms.Field, minor_units: bool) -> Read:
    def read(text: str) -> int | None:
        text = text.strip()
        return int(_parsed(text).timestamp()) if text else None

    return read


def _parsed(text: str) -> datetime:
    """A moment of ISO 8601; without an offset in TIME_ZONE, a day from its beginning (S54)."""
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - made aware below
    if moment is None:
        raise WrongCell(_("Write a date and time as 2026-01-31T12:00:00+01:00, or a day as 2026-01-31."))
    return moment if moment.tzinfo else timezone.make_aware(moment, timezone.get_default_timezone())


def _number(field: forms.Field, minor_units: bool) -> Read:
    """As text; spreadsheets write 3 as 3.0."""

    def read(text: str) -> str:
        text = text.strip()
        return text.split(".")[0] if WHOLE.fullmatch(text) else text

    return read


def _amount(field: forms.Field, minor_units: bool) -> Read:
    """Major units as text, which the form judges by the currency; minor ones as the integer that the form stores."""

    def read(text: str) -> Any:
        text = text.strip()
        if not minor_units or not text:
            return text
        amount = _minor(text)
        if amount != amount.to_integral_value() or amount <= 0:
            raise WrongCell(_("Amounts are in minor units in this file: write a whole number above 0."))
        return int(amount)

    return read


def _unit_amount(field: forms.Field, minor_units: bool) -> Read:
    def read(text: str) -> Any:
        text = text.strip()
        if not minor_units or not text:
            return text
        amount = _minor(text)
        if amount != amount.to_integral_value() or amount < 0:
            raise WrongCell(_("Amounts are in minor units in this file: write a whole number."))
        return as_parameter(amount)

    return read


def _minor(text: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite():
        raise WrongCell(_("Amounts are in minor units in this file: write a whole number."))
    return amount


def _lines(field: forms.Field, minor_units: bool) -> Read:
    """An entry per line, or JSON's list."""
    return lambda text: _entries(text, "\n")


def _languages(field: forms.Field, minor_units: bool) -> Read:
    return lambda text: _entries(text, ",")


def _entries(text: str, separator: str) -> list[str]:
    text = _text(text)
    if text.startswith("["):
        found = _json(text)
        if isinstance(found, list) and all(isinstance(entry, str) for entry in found):
            return [entry.strip() for entry in found if entry.strip()]
        raise WrongCell(_("This is no list of texts."))
    return [entry.strip() for entry in text.split(separator) if entry.strip()]


def _table(field: forms.Field, minor_units: bool) -> Read:
    """All of the metadata as JSON."""

    def read(text: str) -> dict[str, str]:
        found = _json(text) if text.strip() else {}
        if isinstance(found, dict) and all(isinstance(value, str) for value in found.values()):
            return {key: value for key, value in found.items() if value}
        raise WrongCell(_("Write metadata as a JSON object of texts, or give each key a column metadata.KEY."))

    return read


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise WrongCell(_("This is no valid JSON.")) from None


READERS: tuple[tuple[type[forms.Field], Callable[[forms.Field, bool], Read]], ...] = (
    (MetadataField, _table),
    (LinesField, _lines),
    (ProductsField, _lines),
    (LocalesField, _languages),
    (UnitAmountField, _unit_amount),
    (AmountField, _amount),
    (MomentField, _moment),
    (forms.BooleanField, _boolean),
    (forms.DecimalField, _number),
    (forms.IntegerField, _number),
)
