"""How one value reads in a CSV cell: import-export widgets that render numbers as numbers and the rest as text."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils import timezone
from import_export import widgets

from stripe_mirror.admin.display import without_secrets
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
    """Stripe's metadata as one JSON text with sorted keys: the same from either database."""

    def render(self, value: dict[str, str] | str | None, obj: object = None, **kwargs: Any) -> str:
        """ "" where the kind has no metadata."""
        found = json.loads(value) if isinstance(value, str) else value
        return "" if found is None else without_secrets(json.dumps(found, ensure_ascii=False, sort_keys=True))
