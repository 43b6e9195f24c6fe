"""Customer balance transactions: listed per customer only, never changed but for their notes, told of by no event."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import customer_balance
from tests.sandbox.billing.money import check_currency, check_size
from tests.sandbox.errors import invalid, missing
from tests.sandbox.params import Int, Metadata, Range, Str
from tests.sandbox.resource import PAGING, Listing, Resource, merge
from tests.sandbox.store import Row

TRANSACTION = Resource(
    "customer_balance_transaction",
    "cbtxn_",
    "/v1/customers/{id}/balance_transactions",
    id_length=24,
    noun="customer_balance_transaction",
    indexes=("customer", "invoice"),
    expands={"checkout_session": "", "credit_note": "credit_note", "customer": "customer", "invoice": "invoice"},
)
NOTES = {"description": Str(350), "metadata": Metadata()}


@TRANSACTION.on("POST", **NOTES, amount=Int(required=True), currency=Str(clears=False, required=True))
def create(sandbox: Any, params: dict[str, Any], customer_id: str) -> Row:
    """Give credit (a negative amount) or take it back."""
    customer = sandbox.fetch("customer", customer_id, param="customer")
    currency = check_currency(params["currency"])
    if customer["currency"] not in (None, currency):
        raise invalid(
            f"You cannot combine currencies on a single customer. This customer has the currency "
            f"{customer['currency']}, and you passed {currency}.",
            param="currency",
        )
    check_size(params["amount"], currency, "amount")
    return customer_balance.move(
        sandbox,
        customer,
        params["amount"],
        "adjustment",
        currency=currency,
        description=params.get("description") or None,
        metadata=params.get("metadata") or {},
    )


@TRANSACTION.on("POST", "/{transaction}", **NOTES)
def update(sandbox: Any, params: dict[str, Any], customer_id: str, transaction_id: str) -> Row:
    """Edit the notes; the amount stands, and a mistake is undone by another transaction."""
    row = read(sandbox, {}, customer_id, transaction_id)
    with sandbox.edit("customer_balance_transaction", transaction_id):
        merge(row, params)
    return row


@TRANSACTION.on("GET", "/{transaction}")
def read(sandbox: Any, params: dict[str, Any], customer_id: str, transaction_id: str) -> Row:
    """One transaction of one customer."""
    row: Row = sandbox.fetch("customer_balance_transaction", transaction_id, param="transaction")
    if row["customer"] != customer_id:
        raise missing("customer_balance_transaction", transaction_id, param="transaction")
    return row


@TRANSACTION.on("GET", **{**PAGING, "created": Range(), "invoice": Str()})
def listing(sandbox: Any, params: dict[str, Any], customer_id: str) -> Listing:
    """The transactions of one customer."""
    sandbox.fetch("customer", customer_id, param="customer")
    filters = {**params, "customer": customer_id}
    url = f"/v1/customers/{customer_id}/balance_transactions"
    page: Listing = sandbox.page("customer_balance_transaction", filters, url=url)
    return page
