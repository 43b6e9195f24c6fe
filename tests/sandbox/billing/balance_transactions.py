"""The account's balance: a transaction for each movement of money, with Stripe's fee.

The rate is plain: 2.9 % and thirty minor units (a hundred in currencies of three decimals) for a payment, fifteen major
units for a dispute, nothing for a refund or a payout. Every currency has its own balance, so nothing is converted. What
a payment brings is available at midnight (UTC) two days later; everything else moves at once.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing.money import exponent, rounded
from tests.sandbox.billing.periods import DAY
from tests.sandbox.store import Row

AVAILABLE_AFTER_DAYS = 2
WEEK = 7 * DAY
MONDAY = 4 * DAY  # the first day of 1970 was a Thursday
PERCENT = Decimal("0.029")
FIXED = {0: 30, 2: 30, 3: 100}
DISPUTE_FEE = 15
# What each type is called in Stripe's reports.
CATEGORIES = {
    "charge": "charge",
    "payment": "charge",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_failure",
    "payout": "payout",
    "payout_cancel": "payout_reversal",
    "payout_failure": "payout_reversal",
}


def payment_fee(amount: int, currency: str) -> int:
    """What Stripe keeps of a payment."""
    return rounded(amount * PERCENT, currency) + FIXED[exponent(currency)]


def dispute_fee(currency: str) -> int:
    """What a dispute costs, whoever wins it."""
    return int(DISPUTE_FEE * 10 ** exponent(currency))


def available_from(created: int) -> int:
    """When the money of a payment can be paid out."""
    return created // DAY * DAY + AVAILABLE_AFTER_DAYS * DAY


def record(
    sandbox: Any,
    source: Row,
    kind: str,
    amount: int,
    *,
    fee: tuple[int, str] = (0, ""),
    category: str | None = None,
    description: str | None = None,
    available_on: int | None = None,
) -> Row:
    """One movement; `fee` is its amount and what it is for. `payout` is ours (Stripe shows it as a filter only)."""
    now = sandbox.clock.real()
    row: Row = {
        "id": sandbox.new_id("txn_", 24),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now if available_on is None else available_on,
        "balance_type": "payments",
        "created": now,
        "currency": source["currency"],
        "description": description,
        "exchange_rate": None,
        "fee": fee[0],
        "fee_details": _fee_details(source["currency"], *fee),
        "net": amount - fee[0],
        "payout": None,
        "reporting_category": category or CATEGORIES[kind],
        "source": source["id"],
        "type": kind,
    }
    sandbox.insert(row)
    plan(sandbox, row["currency"])
    return row


def _fee_details(currency: str, amount: int, purpose: str) -> list[Row]:
    if not amount:
        return []
    detail = {"amount": amount, "application": None, "currency": currency, "description": purpose, "type": "stripe_fee"}
    return [detail]


def of_charge(sandbox: Any, charge: Row, amount: int) -> str:
    """The id of the transaction of a payment that succeeded, less the fee."""
    known = sandbox.table("payment_method").private.get(charge["payment_method"], {})
    created = sandbox.clock.real()
    made = record(
        sandbox,
        charge,
        "charge" if charge["id"].startswith("ch_") else "payment",
        amount,
        fee=(payment_fee(amount, charge["currency"]), "Stripe processing fees"),
        description=charge["description"],
        available_on=created if known.get("funds") == "at_once" else available_from(created),
    )
    return str(made["id"])


def of_refund(sandbox: Any, refund: Row) -> str:
    """The id of the transaction of a refund; the fee of the payment is not given back."""
    kind = "refund" if refund["id"].startswith("re_") else "payment_refund"
    made = record(sandbox, refund, kind, -refund["amount"], description="REFUND FOR CHARGE")
    return str(made["id"])


def of_failed_refund(sandbox: Any, refund: Row) -> str:
    """The id of the transaction that brings back what a failed refund had taken."""
    made = record(sandbox, refund, "refund_failure", refund["amount"], description="REFUND FAILURE")
    return str(made["id"])


def status(sandbox: Any, row: Row) -> str:
    """`available` from `available_on` on: Stripe tells of it by no event."""
    return "available" if row["available_on"] <= sandbox.clock.real() else "pending"


def shown(sandbox: Any, row: Row) -> None:
    """What Stripe shows of a stored transaction."""
    row["status"] = status(sandbox, row)
    del row["payout"]


def plan(sandbox: Any, currency: str) -> None:
    """Pay out on the next Monday on which something is available; one timer per currency is enough."""
    name = f"payout_{currency}"
    if sandbox.sequences.get(name, 0) > sandbox.clock.real():
        return
    moment = next_monday(sandbox.clock.real())
    sandbox.sequences[name] = moment
    sandbox.timers.at(moment, "pay_out", currency, clock=None)


def next_monday(now: int) -> int:
    """The midnight (UTC) at which the next week begins."""
    return (now - MONDAY) // WEEK * WEEK + WEEK + MONDAY


def unpaid(sandbox: Any, currency: str) -> list[Row]:
    """What has become available and is in no payout yet, oldest first."""
    now = sandbox.clock.real()
    rows = sandbox.table("balance_transaction").where("payout", None)
    return [row for row in rows if row["currency"] == currency and row["available_on"] <= now]


def balance(sandbox: Any, currency: str) -> int:
    """How much of a currency can be paid out."""
    return sum(row["net"] for row in unpaid(sandbox, currency))


def sums(sandbox: Any) -> Row:
    """The balance as Stripe shows it, in every currency that has moved."""
    moved: dict[tuple[str, str], int] = {}
    for row in sandbox.table("balance_transaction").where("payout", None):
        kind = "available" if row["available_on"] <= sandbox.clock.real() else "pending"
        moved[kind, row["currency"]] = moved.get((kind, row["currency"]), 0) + row["net"]
    parts = {kind: _amounts(moved, kind) for kind in ("available", "pending")}
    return {"object": "balance", **parts, "livemode": sandbox.livemode}


def _amounts(moved: dict[tuple[str, str], int], kind: str) -> list[Row]:
    currencies = sorted({currency for _, currency in moved}) or ["usd"]
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency in currencies
        for amount in [moved.get((kind, currency), 0)]
    ]
