"""What was found, as it is shown: a line per object, grouped by kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from django.utils.safestring import SafeString

from stripe_mirror.admin import columns, display
from stripe_mirror.kinds import Kind
from stripe_mirror.money import format_money

# Kinds that are known by their amount.
BY_AMOUNT = ("payment_intent", "charge")
# Where each kind that has one keeps the amount it is about.
AMOUNTS = {"payment_intent": "amount", "charge": "amount", "invoice": "total"}


class Rank(IntEnum):
    """How good a hit is, the best first."""

    ID = 0
    EXACT = 1
    BEGINNING = 2
    PART = 3
    # Found by something that belongs to it: a card, a user.
    BESIDE = 4


@dataclass(frozen=True)
class Found:
    """A row, how well it fits, and why, where its name doesn't say it."""

    row: Any
    rank: Rank
    why: str = ""


@dataclass(frozen=True)
class Hit:
    """One line."""

    url: str
    title: str
    status: SafeString | str
    details: list[str]
    id: str
    why: str
    deleted: bool


@dataclass
class Group:
    """The hits of one kind; `more` leads to its list with this search, where it finds them too."""

    kind: Kind
    hits: list[Hit]
    best: Rank
    more: str = ""
    key: str = field(init=False)
    title: str = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.kind.object.replace(".", "-")
        self.title = display.words(self.kind.model._meta.verbose_name_plural)


def hit(found: Found, *, may_see: Callable[[str], bool]) -> Hit:
    """The line of a row; whose it is only for who may see customers."""
    row = found.row
    status = _safely(lambda: columns.status_pill(row), "")
    return Hit(
        url=display.object_url(row),
        title=title(row),
        status="" if status == display.EMPTY else status,
        details=_details(row, with_customer=may_see("customer")),
        id=str(row.pk),
        why="" if found.why == title(row) else display.without_secrets(found.why),
        deleted=bool(row.deleted_at),
    )


def title(row: Any) -> str:
    """A payment's amount, anything else's name."""
    if row.kind.object in BY_AMOUNT:
        return _safely(lambda: format_money(row.amount, row.currency), "") or str(row.pk)
    return display.name_of(row)


def _details(row: Any, *, with_customer: bool) -> list[str]:
    """Amount, whose it is, how to reach them, and the day: what tells one hit from the next."""
    parts = []
    amount = AMOUNTS.get(row.kind.object)
    if amount and row.kind.object not in BY_AMOUNT:
        parts.append(_safely(lambda: format_money(getattr(row, amount), row.currency), ""))
    if row.kind.object == "customer":
        parts += [row.email, row.phone]
    elif with_customer and hasattr(row, "customer_id"):
        parts.append(display.name_of(row.customer) if row.customer else row.customer_id)
    if row.kind.object not in ("customer", "product", "price", "coupon"):
        parts.append(display.day_text(row.created))
    known = [display.without_secrets(str(part)) for part in parts if part]
    return [part for part in known if part != title(row)]


def _safely(make: Callable[[], Any], otherwise: str) -> Any:
    """Objects of Stripe's may have any shape (S18)."""
    try:
        return make()
    except display.ODD_SHAPE:
        return otherwise
