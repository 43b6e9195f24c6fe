"""Subscription items: shown inside their subscription; a change is a `customer.subscription.updated`."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import changes, taxes, terms
from tests.sandbox.billing.subscriptions import OVER, items_of
from tests.sandbox.errors import invalid, missing
from tests.sandbox.expand import render
from tests.sandbox.params import Bool, Int, Metadata, Str, Timestamp
from tests.sandbox.resource import PAGING, Listing, Plain, Resource
from tests.sandbox.resources.shapes import DISCOUNTS, PAYMENT_BEHAVIOR, PRICE_DATA, PRORATION, TAX_RATES
from tests.sandbox.store import Row


def _with_price(sandbox: Any, shown: Row) -> None:
    shown["price"] = render(sandbox, sandbox.table("price").rows[shown["price"]])
    taxes.shown(sandbox, shown, "tax_rates")


ITEM = Resource(
    "subscription_item",
    "si_",
    "/v1/subscription_items",
    indexes=("subscription",),
    embeds={"price": "price"},
    expands={"discounts": "discount"},
    decorate=_with_price,
)
CHANGE = {
    "metadata": Metadata(),
    "payment_behavior": PAYMENT_BEHAVIOR,
    "price": Str(clears=False),
    "price_data": PRICE_DATA,
    "proration_behavior": PRORATION,
    "proration_date": Timestamp(),
    "quantity": Int(0),
    "tax_rates": TAX_RATES,
}
HOW = ("payment_behavior", "proration_behavior", "proration_date", "off_session", "subscription")


def _change(sandbox: Any, subscription_id: str, entry: dict[str, Any], params: dict[str, Any]) -> None:
    how = {key: value for key, value in params.items() if key in HOW and key != "subscription"}
    changes.update(sandbox, subscription_id, {"items": [entry], **how})


def _entry(params: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in params.items() if key not in HOW}


@ITEM.on("POST", **CHANGE, discounts=DISCOUNTS, subscription=Str(clears=False, required=True))
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Add an item."""
    subscription_id = params["subscription"]
    if sandbox.refer("subscription", subscription_id, "subscription")["status"] in OVER:
        raise missing("subscription", subscription_id, param="subscription")
    _change(sandbox, subscription_id, _entry(params), params)
    return items_of(sandbox, subscription_id)[-1]


@ITEM.on("POST", "/{id}", **CHANGE, discounts=DISCOUNTS, off_session=Bool())
def update(sandbox: Any, params: dict[str, Any], item_id: str) -> Row:
    """Change price or quantity."""
    row: Row = sandbox.fetch("subscription_item", item_id, param="item")
    _change(sandbox, row["subscription"], {"id": item_id, **_entry(params)}, params)
    return row


@ITEM.on(
    "DELETE",
    "/{id}",
    clear_usage=Bool(),
    payment_behavior=PAYMENT_BEHAVIOR,
    proration_behavior=PRORATION,
    proration_date=Timestamp(),
)
def delete(sandbox: Any, params: dict[str, Any], item_id: str) -> Plain:
    """Remove an item; the last one can't be removed."""
    row = sandbox.fetch("subscription_item", item_id, param="item")
    if len(items_of(sandbox, row["subscription"])) == 1:
        raise invalid(terms.LAST_ITEM, param="item")
    _change(sandbox, row["subscription"], {"id": item_id, "deleted": True}, params)
    return Plain(ITEM.stub(item_id))


@ITEM.on("GET", **{**PAGING, "subscription": Str(clears=False, required=True)})
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """The items of one subscription, oldest first."""
    sandbox.refer("subscription", params["subscription"], "subscription")
    url = f"/v1/subscription_items?subscription={params['subscription']}"
    page: Listing = sandbox.page("subscription_item", params, url=url, ascending=True)
    return page


ITEM.reads()
