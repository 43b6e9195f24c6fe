"""The lines of credit notes: shares of an invoice's lines, with their discounts and taxes, or lines of their own."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from tests.sandbox.billing import taxes
from tests.sandbox.billing.money import rounded
from tests.sandbox.errors import invalid
from tests.sandbox.resource import merged_metadata
from tests.sandbox.store import Row


def read(sandbox: Any, invoice: Row, params: Row) -> list[Row]:
    """The lines that a request describes, or the one for its `amount`; not stored."""
    if ("amount" in params) == ("lines" in params):
        message = "You must pass one of amount and lines, and not both."
        raise invalid(message, code="parameter_missing", param="amount")
    if "amount" in params:
        return [_line(sandbox, params["amount"], unit_amount=params["amount"], quantity=1)]
    return [_described(sandbox, invoice, entry, f"lines[{n}]") for n, entry in enumerate(params["lines"])]


def _line(sandbox: Any, amount: int, *, unit_amount: int | None = None, **values: Any) -> Row:
    row: Row = {
        "id": sandbox.new_id("cnli_", 24),
        "object": "credit_note_line_item",
        "amount": amount,
        "description": None,
        "discount_amount": 0,
        "discount_amounts": [],
        "livemode": sandbox.livemode,
        "metadata": {},
        "pretax_credit_amounts": [],
        "quantity": None,
        "tax_rates": [],
        "taxes": [],
        "type": "custom_line_item",
        "unit_amount": unit_amount,
        "unit_amount_decimal": None if unit_amount is None else str(unit_amount),
    }
    row.update(values)
    return row


def _described(sandbox: Any, invoice: Row, entry: Row, param: str) -> Row:
    metadata = merged_metadata({}, entry.get("metadata", {}))
    if entry["type"] == "custom_line_item":
        row = _custom(sandbox, entry, param, metadata=metadata)
    else:
        line = sandbox.refer("line_item", entry.get("invoice_line_item", ""), f"{param}[invoice_line_item]")
        if line["invoice"] != invoice["id"]:
            raise invalid("The line item belongs to another invoice.", param=f"{param}[invoice_line_item]")
        amount = _share(line, entry, param)
        row = _line(sandbox, amount, type="invoice_line_item", invoice_line_item=line["id"], metadata=metadata)
        row.update(description=line["description"], quantity=entry.get("quantity"))
        _take_discounts(row, line)
        _take_taxes(row, line)
    _set_taxes(sandbox, invoice, row, entry, param)
    return row


def _custom(sandbox: Any, entry: Row, param: str, *, metadata: Row) -> Row:
    quantity, unit = entry.get("quantity", 1), entry.get("unit_amount", entry.get("amount"))
    decimal = entry.get("unit_amount_decimal", None if unit is None else str(unit))
    if decimal is None or not entry.get("description"):
        name = "description" if decimal is not None else "unit_amount"
        raise invalid(f"Missing required param: {param}[{name}].", code="parameter_missing", param=f"{param}[{name}]")
    values = {"description": entry["description"], "quantity": quantity, "metadata": metadata}
    amount = int((Decimal(decimal) * quantity).to_integral_value(ROUND_HALF_UP))
    return _line(sandbox, amount, unit_amount=unit, unit_amount_decimal=decimal, **values)


def _share(line: Row, entry: Row, param: str) -> int:
    """What is credited of an invoice's line: an amount, or so many of its units."""
    if "amount" in entry and "quantity" in entry:
        message = "You may only specify one of these parameters: amount, quantity."
        raise invalid(message, param=f"{param}[amount]")
    amount = entry.get("amount")
    if amount is None:
        whole = line["quantity"] or 1
        amount = rounded(Decimal(line["amount"]) * entry.get("quantity", whole) / whole, line["currency"])
    if not 0 < amount <= line["amount"]:
        raise invalid("The credited amount can't be more than the line's.", param=f"{param}[amount]")
    return int(amount)


def _take_discounts(row: Row, line: Row) -> None:
    """A line that was discounted is credited with the same part of its discounts."""
    for taken in line["discount_amounts"]:
        part = rounded(Decimal(taken["amount"]) * row["amount"] / line["amount"], line["currency"])
        row["discount_amounts"].append({"amount": part, "discount": taken["discount"]})
        row["discount_amount"] += part


def _take_taxes(row: Row, line: Row) -> None:
    """And with the same part of its taxes."""
    share = Decimal(row["amount"]) / line["amount"]
    for tax in line["taxes"]:
        parts = {name: rounded(tax[name] * share, line["currency"]) for name in ("amount", "taxable_amount")}
        row["taxes"].append({**tax, **parts})
    row["tax_rates"] = [tax["tax_rate_details"]["tax_rate"] for tax in line["taxes"]]


def _set_taxes(sandbox: Any, invoice: Row, row: Row, entry: Row, param: str) -> None:
    """Taxes that the request itself names: by rate, or rate and amount."""
    if "tax_rates" in entry and "tax_amounts" in entry:
        message = "You may only specify one of these parameters: tax_amounts, tax_rates."
        raise invalid(message, param=f"{param}[tax_rates]")
    given = entry.get("tax_rates", [amount["tax_rate"] for amount in entry.get("tax_amounts") or []])
    if not {"tax_rates", "tax_amounts"} & set(entry):
        return
    row["tax_rates"] = taxes.check(sandbox, given, f"{param}[tax_rates]")
    rates = [sandbox.table("tax_rate").rows[rate_id] for rate_id in row["tax_rates"]]
    net = row["amount"] - row["discount_amount"]
    row["taxes"] = taxes.of_amount(net, rates, invoice["currency"], exempt=invoice["customer_tax_exempt"])
    for tax, asked in zip(row["taxes"], entry.get("tax_amounts") or [], strict=False):
        tax.update(amount=asked["amount"], taxable_amount=asked["taxable_amount"])
