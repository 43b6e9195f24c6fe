"""What stands on an invoice, as the form of a new one begins with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from stripe_mirror.models import StripeObject
from stripe_mirror.push import state
from stripe_mirror.push.invoice_facts import BY_INVOICE
from stripe_mirror.push.invoice_lines import MOST, MOST_OF_ONE
from stripe_mirror.push.refund_history import currency_of, whole


def same_again(row: StripeObject) -> dict[str, Any]:
    """Values for the form of `create_invoice`. Without lines where they don't fit into it: half an invoice would be
    taken for the whole one."""
    values: dict[str, Any] = {
        "currency": currency_of(row).upper(),
        "collection_method": state.text(row.data.get("collection_method")),
        "description": state.text(row.data.get("description")),
        "lines": _lines(row),
    }
    if values["collection_method"] == BY_INVOICE and (days := _days_until_due(row)) is not None:
        values["days_until_due"] = days
    return {name: value for name, value in values.items() if value or value == 0}


def _days_until_due(row: StripeObject) -> int | None:
    made, due = row.data.get("created"), row.data.get("due_date")
    return max(0, round((due - made) / 86400)) if isinstance(made, int) and isinstance(due, int) else None


def _lines(row: StripeObject) -> list[dict[str, Any]]:
    held = row.data.get("lines")
    entries = held.get("data") if isinstance(held, Mapping) else None
    if not isinstance(entries, list) or state.look_up(held, ("has_more",)) or len(entries) > MOST:
        return []
    return list(_written(entries))


def _written(entries: list[Any]) -> Iterator[dict[str, Any]]:
    """Each line that asks for something; its quantity where the price of one is a whole number."""
    for entry in entries:
        amount, quantity = whole(state.look_up(entry, ("amount",))), whole(state.look_up(entry, ("quantity",))) or 1
        if amount < 0 or amount % quantity or not 1 <= quantity <= MOST_OF_ONE:
            quantity = 1
        description = state.text(state.look_up(entry, ("description",))) or "Line"
        if amount:
            yield {"description": description, "amount": amount // quantity, "quantity": quantity}
