"""Taxes by tax rates: on each line, after discounts; included in its amount or added to it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from tests.sandbox.billing.money import rounded
from tests.sandbox.errors import invalid
from tests.sandbox.expand import render
from tests.sandbox.store import Row

# Why a customer pays none, by its `tax_exempt`.
EXEMPT = {"exempt": "customer_exempt", "reverse": "reverse_charge"}


def check(sandbox: Any, asked: Any, param: str) -> list[str]:
    """The tax rates that a parameter names; `""` takes all off."""
    for position, rate_id in enumerate(asked or []):
        rate = sandbox.refer("tax_rate", rate_id, f"{param}[{position}]")
        if not rate["active"]:
            raise invalid(f"The tax rate {rate_id} is not active.", param=f"{param}[{position}]")
    return list(asked or [])


def shown(sandbox: Any, row: Row, *names: str) -> None:
    """Put the tax rates in the place of their ids."""
    rates = sandbox.table("tax_rate").rows
    for name in names:
        row[name] = [render(sandbox, rates[rate_id]) for rate_id in row.get(name) or []]


def set_rates(sandbox: Any, line: Row, rate_ids: list[str]) -> None:
    """The own rates of a line; without any, the invoice's apply."""
    sandbox.table("line_item").secret(line["id"])["tax_rates"] = list(rate_ids)


def apply(sandbox: Any, invoice: Row, lines: list[Row]) -> None:
    """Write each line's `taxes` and the invoice's `total_taxes`."""
    private = sandbox.table("line_item").private
    for line in lines:
        rate_ids = private.get(line["id"], {}).get("tax_rates") or invoice["default_tax_rates"]
        net = line["amount"] - sum(taken["amount"] for taken in line["discount_amounts"])
        rates = [sandbox.table("tax_rate").rows[rate_id] for rate_id in rate_ids]
        line["taxes"] = of_amount(net, rates, invoice["currency"], exempt=invoice["customer_tax_exempt"])
    invoice["total_taxes"] = summed(line["taxes"] for line in lines)


def of_amount(net: int, rates: list[Row], currency: str, *, exempt: str | None = "none") -> list[Row]:
    """What each rate takes of an amount."""
    reason = EXEMPT.get(str(exempt))
    inside = sum((Decimal(str(rate["percentage"])) for rate in rates if rate["inclusive"]), Decimal(0))
    base = Decimal(net) if reason else Decimal(net) / (1 + inside / 100)
    return [_tax(base, rate, currency, reason) for rate in rates]


def _tax(base: Decimal, rate: Row, currency: str, reason: str | None) -> Row:
    amount = Decimal(0) if reason else base * Decimal(str(rate["percentage"])) / 100
    return {
        "amount": rounded(amount, currency),
        "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
        "tax_rate_details": {"tax_rate": rate["id"]},
        "taxability_reason": reason or "not_available",
        "taxable_amount": rounded(base, currency),
        "type": "tax_rate_details",
    }


def summed(taxes_of_lines: Any) -> list[Row]:
    """The taxes of several lines, by rate."""
    sums: dict[str, Row] = {}
    for taxes in taxes_of_lines:
        for tax in taxes:
            rate_id = tax["tax_rate_details"]["tax_rate"]
            if rate_id not in sums:
                sums[rate_id] = {**tax, "amount": 0, "taxable_amount": 0}
            sums[rate_id]["amount"] += tax["amount"]
            sums[rate_id]["taxable_amount"] += tax["taxable_amount"]
    return list(sums.values())


def added(taxes: list[Row]) -> int:
    """What taxes add to an amount."""
    return sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "exclusive")


def included(taxes: list[Row]) -> int:
    """What taxes are part of an amount."""
    return sum(tax["amount"] for tax in taxes if tax["tax_behavior"] == "inclusive")
