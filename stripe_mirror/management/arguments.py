"""What several commands take on their command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import UTC, datetime

OLDEST = datetime(1970, 1, 1, tzinfo=UTC)


def date(text: str) -> datetime:
    """A date or time of ISO 8601; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ArgumentTypeError(f"{text!r} is no date; write it like 2026-01-31.") from None
    if moment < OLDEST:
        raise ArgumentTypeError(f"{text!r} is before 1970, where Stripe's clock begins.")
    return moment
