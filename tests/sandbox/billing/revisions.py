"""Revisions: a draft that takes the place of a finalized invoice, which becomes void when the draft is finalized."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import lines
from tests.sandbox.errors import invalid
from tests.sandbox.store import Row, clone

COPIED = ("custom_fields", "default_payment_method", "default_tax_rates", "description", "discounts", "footer")


def check(original: Row) -> None:
    """Refuse what can't be revised."""
    if original["status"] != "open":
        raise invalid("You can only revise open invoices.", param="from_invoice[invoice]")
    if original["parent"] is not None:
        raise invalid("You can't revise an invoice of a subscription.", param="from_invoice[invoice]")


def begin(sandbox: Any, draft: Row, original: Row) -> None:
    """Copy what the original shows, as far as the request said nothing else."""
    blank: tuple[Any, ...] = (None, [], "")
    draft.update({name: clone(original[name]) for name in COPIED if draft[name] in blank})
    draft["from_invoice"] = {"action": "revision", "invoice": original["id"]}
    for line in sandbox.table("line_item").where("invoice", original["id"]):
        own = {name: clone(line[name]) for name in ("description", "discountable", "discounts", "metadata", "pricing")}
        lines.add_line(
            sandbox,
            draft,
            amount=line["amount"],
            parent=clone(line["parent"]),
            period=dict(line["period"]),
            quantity=line["quantity"],
            tax_rates=sandbox.table("line_item").private.get(line["id"], {}).get("tax_rates", ()),
            **own,
        )
    with sandbox.edit("invoice", original["id"], event="invoice.updated"):
        original["latest_revision"] = draft["id"]
