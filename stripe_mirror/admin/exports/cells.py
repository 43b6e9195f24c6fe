"""How one value reads in a CSV cell: import-export widgets that render numbers as numbers and the rest as text."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from json.encoder import encode_basestring as as_json
from typing import Any

from django.utils import timezone
from import_export import widgets

from stripe_mirror.admin.display import HIDDEN
from stripe_mirror.admin.exports.hidden import is_secret_key, without_secrets
from stripe_mirror.money import to_major


class TextCell(widgets.Widget):  # type: ignore[misc]
    """Text as it is, but for keys of Stripe's that somebody wrote into it (S61)."""

    def render(self, value: object, obj: object = None, **kwargs: Any) -> str:
        """ "" where there is none."""
        return "" if value is None else without_secrets(str(value))


class NumberCell(widgets.Widget):  # type: ignore[misc]
    """A number that stays a number in a spreadsheet, without trailing zeros."""

    def render(self, value: int | Decimal | None, obj: object = None, **kwargs: Any) -> int | Decimal | str:
        """25.500000000000 → 25.5."""
        if isinstance(value, Decimal):
            return Decimal(format(value.normalize(), "f"))
        return "" if value is None else value


class CountCell(NumberCell):
    """A whole number that is no amount."""


class AmountCell(widgets.Widget):  # type: ignore[misc]
    """Minor units as a number in the major unit of the row's own currency."""

    def __init__(self, currency: str) -> None:
        super().__init__()
        # The row's attribute that names the currency.
        self.currency = currency

    def render(self, value: int | None, obj: object = None, **kwargs: Any) -> int | Decimal | str:
        """5000 usd → 50.00. Where Stripe names no currency, only a zero is certain."""
        if value is None:
            return ""
        currency = getattr(obj, self.currency, None)
        if currency:
            return to_major(value, currency)
        return f"{value} (minor units of no currency)" if value else 0


class BooleanCell(widgets.Widget):  # type: ignore[misc]
    """true or false, as in Stripe's JSON."""

    def render(self, value: object, obj: object = None, **kwargs: Any) -> str:
        """ "" where Stripe says neither."""
        return "" if value is None else "true" if value else "false"


class MomentCell(widgets.Widget):  # type: ignore[misc]
    """An instant in the office's time zone, ISO 8601 with its offset (S54)."""

    def render(self, value: datetime | None, obj: object = None, **kwargs: Any) -> str:
        """2026-02-01T12:30:00+13:00."""
        return "" if value is None else value.astimezone(timezone.get_default_timezone()).isoformat()


class MetadataCell(widgets.Widget):  # type: ignore[misc]
    """Stripe's metadata as one JSON text, its keys in the order that PostgreSQL keeps them in: the same everywhere."""

    def render(self, value: object, obj: object = None, **kwargs: Any) -> str:
        """ "" where the kind has no metadata."""
        return metadata_text(value)


def opened(text: str, *, metadata: bool) -> str:
    """A text, or metadata as JSON text, without what opens doors."""
    return without_secrets(metadata_text(text) if metadata else text)


def metadata_dict(value: object) -> dict[str, Any]:
    """Metadata as it was read, as a dict; empty where there is none."""
    found = json.loads(value) if isinstance(value, str) and value.startswith("{") else value
    return found if isinstance(found, dict) else {}


def metadata_text(value: object) -> str:
    """Metadata as it was read, as JSON text, without what its keys call a secret; "" where there is none."""
    found = metadata_dict(value)
    if not found:
        return "{}" if value in ({}, "{}") else ""
    parts = [
        f'{start}"{HIDDEN}"' if secret else start + (as_json(held) if isinstance(held, str) else _other_json(held))
        for key, start, secret in _ordered(tuple(found))
        for held in (found[key],)
    ]
    return f"{{{', '.join(parts)}}}"


@lru_cache(maxsize=4096)
def _ordered(keys: tuple[str, ...]) -> list[tuple[str, str, bool]]:
    """The keys as in `jsonb`, the shorter first; how each begins in JSON; whether it names a secret."""
    ordered = sorted(keys, key=lambda key: (len(key.encode()), key.encode()))
    return [(key, f"{as_json(key)}: ", is_secret_key(key)) for key in ordered]


def _other_json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)
