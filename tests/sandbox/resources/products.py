"""Products."""

from __future__ import annotations

from typing import Any

from tests.sandbox.billing import prices
from tests.sandbox.errors import invalid
from tests.sandbox.params import Bool, DecimalText, Fields, Float, Int, Many, Metadata, Range, Str, Url
from tests.sandbox.resource import PAGING, Listing, Plain, Resource, merge
from tests.sandbox.resources import currency_options
from tests.sandbox.resources.shapes import CUSTOM_UNIT_AMOUNT, INLINE_RECURRING, TAX_BEHAVIOR
from tests.sandbox.store import Row

PRODUCT = Resource(
    "product", "prod_", "/v1/products", indexes=("active",), expands={"default_price": "price", "tax_code": ""}
)
SIZE = {name: Float(required=True) for name in ("height", "length", "weight", "width")}
FEATURES = Fields(name=Str(80, required=True))
NEW_PRICE = Fields(
    currency=Str(clears=False, required=True),
    currency_options=currency_options.PRICE,
    custom_unit_amount=CUSTOM_UNIT_AMOUNT,
    metadata=Metadata(),
    recurring=INLINE_RECURRING,
    tax_behavior=TAX_BEHAVIOR,
    unit_amount=Int(0),
    unit_amount_decimal=DecimalText(),
)


def blank(sandbox: Any, product_id: str | None = None) -> Row:
    """A product with nothing known about it."""
    now = sandbox.now()
    return {
        "id": product_id or sandbox.new_id("prod_", 14),
        "object": "product",
        "active": True,
        "created": now,
        "default_price": None,
        "description": None,
        "images": [],
        "livemode": sandbox.livemode,
        "marketing_features": [],
        "metadata": {},
        "name": "",
        "package_dimensions": None,
        "shippable": None,
        "statement_descriptor": None,
        "tax_code": None,
        "unit_label": None,
        "updated": now,
        "url": None,
    }


@PRODUCT.on(
    "POST",
    active=Bool(),
    default_price_data=NEW_PRICE,
    description=Str(40000),
    id=Str(clears=False),
    images=Many(Url(), most=8),
    marketing_features=Many(FEATURES, most=15),
    metadata=Metadata(),
    name=Str(clears=False, required=True),
    package_dimensions=Fields(SIZE),
    shippable=Bool(),
    statement_descriptor=Str(22),
    tax_code=Str(),
    unit_label=Str(12),
    url=Url(2048),
)
def create(sandbox: Any, params: dict[str, Any]) -> Row:
    """Create, with its default price if one is described."""
    if params.get("id") in sandbox.table("product").rows:
        raise invalid(f"Product already exists: {params['id']}", code="resource_already_exists", param="id")
    row = blank(sandbox, params.get("id"))
    merge(row, params, skip=("id", "default_price_data"))
    sandbox.insert(row)
    if "default_price_data" in params:
        described = {**params["default_price_data"], "product": row["id"]}
        price = prices.make(sandbox, described)
        currency_options.check(described.get("currency_options"), price["currency"])
        currency_options.merge(sandbox, price, described.get("currency_options"))
        row["default_price"] = price["id"]
    sandbox.tell("product.created", row)
    return row


@PRODUCT.on(
    "POST",
    "/{id}",
    active=Bool(),
    default_price=Str(clears=False),
    description=Str(40000),
    images=Many(Url(), most=8, clears=True),
    marketing_features=Many(FEATURES, most=15, clears=True),
    metadata=Metadata(),
    name=Str(clears=False),
    package_dimensions=Fields(SIZE, clears=True),
    shippable=Bool(),
    statement_descriptor=Str(22),
    tax_code=Str(),
    unit_label=Str(12),
    url=Url(2048),
)
def update(sandbox: Any, params: dict[str, Any], product_id: str) -> Row:
    """Edit or archive."""
    row: Row = sandbox.fetch("product", product_id)
    if params.get("default_price"):
        price = sandbox.refer("price", params["default_price"], "default_price")
        if price["product"] != product_id:
            message = f"The price {price['id']} does not belong to product {product_id}."
            raise invalid(message, param="default_price")
        if not price["active"]:
            raise invalid(f"The price {price['id']} is archived and can't be a default price.", param="default_price")
    with sandbox.edit("product", product_id, event="product.updated"):
        before = {**row, "metadata": dict(row["metadata"])}
        merge(row, params)
        for name in ("images", "marketing_features"):
            row[name] = row[name] or []
        if row != before:
            row["updated"] = sandbox.now()
    return row


@PRODUCT.on("DELETE", "/{id}")
def delete(sandbox: Any, params: dict[str, Any], product_id: str) -> Plain:
    """Delete a product that never had a price."""
    row = sandbox.fetch("product", product_id)
    if sandbox.table("price").any_where("product", product_id):
        raise invalid("This product cannot be deleted because it has one or more user-created prices.")
    row["active"] = False
    sandbox.remove("product", product_id, event="product.deleted", keep=False)
    return Plain(PRODUCT.stub(product_id))


@PRODUCT.on(
    "GET", **{**PAGING, "active": Bool(), "created": Range(), "ids": Many(Str()), "shippable": Bool(), "url": Str()}
)
def listing(sandbox: Any, params: dict[str, Any]) -> Listing:
    """List."""
    page: Listing = sandbox.page("product", params, columns={"ids": "id"})
    return page


PRODUCT.reads()
