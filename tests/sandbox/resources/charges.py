"""Charges: single attempts to take money."""

from __future__ import annotations

from typing import Any

from tests.sandbox.errors import invalid
from tests.sandbox.expand import nested_list
from tests.sandbox.params import Email, Enum, Fields, Metadata, Range, Str
from tests.sandbox.resource import PAGING, Listing, Resource, merge
from tests.sandbox.resources.shapes import complete_addresses, shipping
from tests.sandbox.store import Row


def _refunds(sandbox: Any, shown: Row) -> Row:
    rows = sandbox.table("refund").where("charge", shown["id"])[::-1]
    return nested_list(sandbox, rows, url=f"/v1/charges/{shown['id']}/refunds", limit=10)


CHARGE = Resource(
    "charge",
    "ch_",
    "/v1/charges",
    id_length=24,
    indexes=("customer", "payment_intent"),
    expands={
        "customer": "customer",
        "payment_intent": "payment_intent",
        "application": "",
        "application_fee": "",
        "balance_transaction": "balance_transaction",
        "failure_balance_transaction": "balance_transaction",
        "on_behalf_of": "",
        "review": "",
        "source_transfer": "",
        "transfer": "",
    },
    includes={"refunds": ("refund", _refunds)},
)


@CHARGE.on(
    "POST",
    "/{id}",
    customer=Str(clears=False),
    description=Str(40000),
    fraud_details=Fields(user_report=Enum("fraudulent", "safe", clears=True, required=True)),
    metadata=Metadata(),
    receipt_email=Email(),
    shipping=shipping(carrier=True),
    transfer_group=Str(),
)
def update(sandbox: Any, params: dict[str, Any], charge_id: str) -> Row:
    """Edit."""
    row: Row = sandbox.fetch("charge", charge_id, param="charge")
    if "customer" in params:
        sandbox.refer("customer", params["customer"], "customer")
        if row["customer"] not in (None, params["customer"]):
            raise invalid("You cannot change the customer of a charge that has one.", param="customer")
    with sandbox.edit("charge", charge_id, event="charge.updated"):
        merge(row, params, skip=("fraud_details",))
        if "fraud_details" in params:
            report = params["fraud_details"]["user_report"]
            row["fraud_details"] = {"user_report": report} if report else {}
        complete_addresses(row, "shipping")
    return row


@CHARGE.on("GET", "/{id}/refunds", **PAGING)
def refunds(sandbox: Any, params: dict[str, Any], charge_id: str) -> Listing:
    """The refunds of one charge."""
    sandbox.fetch("charge", charge_id, param="charge")
    page: Listing = sandbox.page("refund", {**params, "charge": charge_id}, url=f"/v1/charges/{charge_id}/refunds")
    return page


CHARGE.lists(created=Range(), customer=Str(), payment_intent=Str(), transfer_group=Str())
CHARGE.reads()
