"""What somebody typed into the find box, read in every way that makes sense. Pure: knows no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from stripe_mirror.admin.find.typed_amounts import TypedAmount, amount_in
from stripe_mirror.admin.find.typed_days import days_in
from stripe_mirror.admin.find.typed_ids import PastedId, ids_in

# Nobody types more; a pasted page is cut.
LONGEST = 300
MOST_IDS = 10
PHONE = re.compile(r"[+(]?[0-9\s().+/\u00a0-]+")
# Fewer digits are part of every number.
FEWEST_DIGITS = 5
BRANDS = "visa|mastercard|amex|american express|discover|diners|jcb|unionpay|maestro|card|karte|ending|in|endet|auf"
LAST4 = re.compile(rf"(?:(?:{BRANDS})\s+)*[•*x.…·\s-]*([0-9]{{4}})", re.IGNORECASE)


@dataclass(frozen=True)
class Typed:
    """The readings of a query; what it can't be is empty."""

    text: str
    ids: tuple[PastedId, ...] = ()
    amount: TypedAmount | None = None
    # The readings of the day.
    days: tuple[date, ...] = ()
    # The digits of a phone number, without zeros or a plus before them.
    digits: str = ""
    last4: str = ""
    # The words of a name, email, number or value.
    words: tuple[str, ...] = ()


def read(text: str, *, today: date) -> Typed:
    """Read a query; `today` is the person's, for days without a year."""
    text = " ".join(text.replace("\x00", "").split())[:LONGEST].strip()
    if ids := ids_in(text):
        return Typed(text, ids=ids[:MOST_IDS])
    days, rest = days_in(text, today=today)
    amount = amount_in(rest) if rest else None
    if rest and not amount:
        days = ()
    return Typed(
        text,
        amount=amount,
        days=days,
        digits="" if days or (amount and amount.surely) else _digits(text),
        last4=_last4(text),
        words=() if amount and (amount.surely or days) and not _may_be_text(text) else tuple(text.split()),
    )


def _digits(text: str) -> str:
    """The digits of what may be a phone number: "+49 (0)30 1234" → "49301234"."""
    if not PHONE.fullmatch(text):
        return ""
    found = re.sub(r"\D", "", text.replace("(0)", "")).lstrip("0")
    return found if len(found) >= FEWEST_DIGITS else ""


def _last4(text: str) -> str:
    match = LAST4.fullmatch(text)
    return match.group(1) if match else ""


def _may_be_text(text: str) -> bool:
    """Whether an amount may also be part of a number of ours: "1000-2024" rather than "$49.90"."""
    return re.fullmatch(r"[\w-]+", text) is not None
