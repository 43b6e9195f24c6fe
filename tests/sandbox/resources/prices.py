"""Prices: the amount is fixed for ever, only names and `active` change."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing.prices import give_lookup_key, make
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, DecimalText, Enum, Fields, Int, Many, Metadata, Range, Str
from tests.sandbox.resource import ABSENT, PAGING, Listing, Resource, merge
from tests.sandbox.resources import currency_options, products
from tests.sandbox.resources.shapes import CUSTOM_UNIT_AMOUNT, INTERVALS, RECURRING, TAX_BEHAVIOR
from tests.sandbox.store import Row


def _tiers(sandbox: Any, shown: Row) -> Any:
    return sandbox.table("price").private.get(shown["id"], {}).get("tiers", ABSENT)


PRICE = Resource(
    "price",
    "price_",
    "/v1/prices",
    id_length=24,
    indexes=("product", "active", "lookup_key"),
    expands={"product": "product"},
    includes={"tiers": ("", _tiers), "currency_options": ("", currency_options.of_price)},
)
TIER = Fields(
    flat_amount=Int(),
    flat_amount_decimal=DecimalText(),
    unit_amount=Int(),
    unit_amount_decimal=DecimalText(),
    up_to=Str(clears=False, required=True),
)
PRODUCT_DATA = Fields(
    active=Bool(),
    id=Str(),
    metadata=Metadata(),
    name=Str(clears=False, required=True),
    statement_descriptor=Str(22),
    tax_code=Str(),
    unit_label=Str(12),
)


@PRICE.on(
    "POST",
    active=Bool(),
    billing_scheme=Enum("per_unit", "tiered"),
    currency=Str(clears=False, required=True),
    currency_options=currency_options.PRICE,
    custom_unit_amount=CUSTOM_UNIT_AMOUNT,
    lookup_key=Str(200),
    metadata=Metadata(),
    nickname=Str(),
    product=Str(clears=False),
    product_data=PRODUCT_DATA,
    recurring=RECURRING,
    tax_behavior=TAX_BEHAVIOR,
    tiers=Many(TIER),
    tiers_mode=Enum("graduated", "volume"),
    transfer_lookup_key=Bool(),
    transform_quantity=Fields(divide_by=Int(1, required=True), round=Enum("down", "up", required=True)),
    unit_amount=Int(0),
    unit_amount_decimal=DecimalText(),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, with a product of its own if one is described."""
    if ("product" in params) == ("product_data" in params):
        message = "You must specify either `product` or `product_data` when creating a price."
        raise invalid(message, code="parameter_missing", param="product")
    currency_options.check(params.get("currency_options"), params["currency"].lower())
    if "product_data" in params:
        params["product"] = products.create(sandbox, params.pop("product_data"))["id"]
    row = make(sandbox, params)
    currency_options.merge(sandbox, row, params.get("currency_options"))
    return row


@PRICE.on(
    "POST",
    "/{id}",
    active=Bool(),
    currency_options=currency_options.PRICE,
    lookup_key=Str(200),
    metadata=Metadata(),
    nickname=Str(),
    tax_behavior=TAX_BEHAVIOR,
    transfer_lookup_key=Bool(),
)
def update(sandbox: Any, params: dict[str, Any], price_id: str) -> Row:
    """Edit or archive; the default price of a product can't be archived."""
    row: Row = sandbox.fetch("price", price_id, param="price")
    if params.get("active") is False and row["active"]:
        product = sandbox.table("product").rows.get(row["product"])
        if product is not None and product["default_price"] == price_id:
            raise invalid("This price cannot be archived because it is the default price of its product.")
    if "tax_behavior" in params and row["tax_behavior"] not in ("unspecified", params["tax_behavior"]):
        raise invalid("You cannot change the tax behavior of a price once it is set.", param="tax_behavior")
    currency_options.check(params.get("currency_options"), row["currency"])
    currency_options.merge(sandbox, row, params.get("currency_options"))
    with sandbox.edit("price", price_id, event="price.updated"):
        merge(row, params, skip=("currency_options", "lookup_key", "transfer_lookup_key"))
        if "lookup_key" in params:
            give_lookup_key(sandbox, row, params)
    return row


@PRICE.on(
    "GET",
    **{
        **PAGING,
        "active": Bool(),
        "created": Range(),
        "currency": Str(),
        "lookup_keys": Many(Str(), most=10),
        "product": Str(),
        "recurring": Fields(interval=Enum(*INTERVALS), meter=Str(), usage_type=Enum("licensed", "metered")),
        "type": Enum("one_time", "recurring"),
    },
)
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List the active prices, or with `active=false` the archived ones; inline ones are in no list."""
    columns = {"lookup_keys": "lookup_key"}
    page: Listing = sandbox.page("price", {"active": True, **params}, columns=columns)
    return page


PRICE.reads()
