"""Stripe's clock, as far as an answer shows it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def answered_at(headers: Mapping[str, str]) -> datetime | None:
    """The second of the Date header; None where an odd proxy drops it."""
    found = next((value for name, value in headers.items() if name.lower() == "date"), "")
    try:
        return parsedate_to_datetime(found).astimezone(UTC)
    except (TypeError, ValueError):
        return None
