"""Calendar arithmetic of billing periods, in UTC, as Stripe does it: the anchor's day, or the month's last."""

from __future__ import annotations

from calendar import monthrange
from datetime import UTC, datetime

DAY = 24 * 3600


def add(anchor: int, interval: str, count: int) -> int:
    """`count` intervals after the anchor."""
    if interval in ("day", "week"):
        return anchor + count * DAY * (7 if interval == "week" else 1)
    start = datetime.fromtimestamp(anchor, UTC)
    months = start.year * 12 + start.month - 1 + count * (12 if interval == "year" else 1)
    year, month = divmod(months, 12)
    day = min(start.day, monthrange(year, month + 1)[1])
    return int(start.replace(year=year, month=month + 1, day=day).timestamp())


def around(anchor: int, interval: str, every: int, at: int) -> tuple[int, int]:
    """The whole period that `at` lies in, counted from the anchor; before the anchor, one that begins at `at`."""
    if at < anchor:
        return at, add(at, interval, every)
    steps = _steps(anchor, interval, every, at)
    return add(anchor, interval, (steps - 1) * every), add(anchor, interval, steps * every)


def next_boundary(anchor: int, interval: str, every: int, after: int) -> int:
    """The first period end later than `after`, counted from the anchor."""
    return add(anchor, interval, _steps(anchor, interval, every, after) * every)


def _steps(anchor: int, interval: str, every: int, after: int) -> int:
    length = {"day": 1, "week": 7, "month": 28, "year": 365}[interval] * DAY * every
    steps = max(0, (after - anchor) // length) if after >= anchor else 0
    while steps > 0 and add(anchor, interval, steps * every) > after:
        steps -= max(1, (add(anchor, interval, steps * every) - after) // (length * 2))
    while add(anchor, interval, steps * every) <= after:
        steps += 1
    return steps
