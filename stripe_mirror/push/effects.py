"""What an operation tells before it is confirmed and offers afterwards: money, consequences, undo, the next step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stripe_mirror.push.wording import Words


@dataclass(frozen=True)
class Amount:
    """Money in words: "Refunded to the customer", 500 minor units, "eur"."""

    words: str
    amount: int
    currency: str


@dataclass(frozen=True)
class Effects:
    """What a confirm page says beside the summary and the calls."""

    # Money that moves or will be charged, per currency never added up across currencies (S53).
    money: tuple[Amount, ...] = ()
    # The lines of Stripe's own preview.
    lines: tuple[Amount, ...] = ()
    # Invoices, e-mails and other consequences that follow by themselves, a sentence each.
    follows: tuple[str, ...] = ()
    # What can't be undone; "" where everything can.
    final: Words = ""


@dataclass(frozen=True)
class Undo:
    """The inverse of a finished push: another operation's form, filled in."""

    operation: str
    values: Mapping[str, Any] = field(default_factory=dict)
    # Where the inverse is done to another object than the push was: its kind and id.
    object_type: str = ""
    object_id: str = ""


@dataclass(frozen=True)
class Step:
    """What an operation does after its first call, as another operation on an object that exists by then."""

    operation: str
    object_type: str
    object_id: str
    cleaned: Mapping[str, Any] = field(default_factory=dict)
